/** One agent in the foreground: prepared, launched, looked at, passed through, and reported on at its end. */
import { existsSync } from "node:fs";
import { basename, dirname } from "node:path";
import { isatty } from "node:tty";
import { HardlineError } from "../core/errors.ts";
import { printable } from "../core/printable.ts";
import { say } from "../core/say.ts";
import { changedSeals } from "../sandbox/changed-seals.ts";
import { SandboxError, type SandboxErrorCode } from "../sandbox/errors.ts";
import { anticipate, type Occasion, rememberLaunch } from "../sandbox/launch/anticipate.ts";
import { conflictingRuns, type JournalEntry, note, sweepRuns } from "../sandbox/launch/journal.ts";
import { type Keeper, launch, lockWorkspace, type RunningAgent, startKeeper } from "../sandbox/launch/launch.ts";
import { type End, errorName } from "../sandbox/launch/session.ts";
import { inspectStdio } from "../sandbox/launch/stdio.ts";
import { findLeftovers } from "../sandbox/leftovers.ts";
import { prepareMutable } from "../sandbox/mutable.ts";
import type { Plan } from "../sandbox/plan.ts";
import { ownStateDirectory } from "../sandbox/state-directory.ts";
import { type Prepared, type PrepareOptions, prepare } from "./prepare.ts";
import { sealingProgress } from "./progress.ts";
import { relaySignals, type SignalRelay } from "./signals.ts";

const NOT_EXECUTABLE = 126;
const NOT_FOUND = 127;
const LOST = 125;
const ENOENT = 2;
const ENOEXEC = 8;

/**
 * Runs an agent to its end and resolves to the status to exit with: the agent's own, 128+N where signal N ended it, 126 or
 * 127 where its program could not be executed. Throws `HardlineError` where it was not started.
 */
export async function runAgent(options: PrepareOptions): Promise<number> {
  // Neither a mask that closes directories to their own maker, nor one that opens them to all.
  process.umask(0o022);
  ownStateDirectory(options.stateDir);
  sweepRuns(options.stateDir);
  const { prepared, running, relay, at } = await start(options, true);
  const end = await running.ended;
  relay.release();
  reportLeftovers(prepared.plan, at);
  return statusOf(end, prepared);
}

const RETRIED: readonly SandboxErrorCode[] = ["not-as-anticipated", "launch-failed"];

interface Started {
  readonly prepared: Prepared;
  readonly running: RunningAgent;
  readonly relay: SignalRelay;
  /** Wall clock, milliseconds. */
  readonly at: number;
}

async function start(options: PrepareOptions, anticipating: boolean): Promise<Started> {
  const stdio = inspectStdio();
  // The kernel makes what no plan decides while the plan is made; nothing of the agent's runs before it was looked at.
  const keeper = startKeeper(options.stateDir);
  let relay: SignalRelay | undefined;
  try {
    const terminal = isatty(1);
    const occasion: Occasion = {
      policyFile: options.policyFile,
      agent: options.agent,
      command: options.command,
      stdio,
      terminal: terminal ? process.env["TERM"] : undefined,
    };
    if (anticipating) anticipate(keeper, occasion);
    const prepared = await prepare(options, {
      run: keeper.run.id,
      grants: keeper.grants,
      progress: sealingProgress(),
      lock: (workspace) => lockWorkspace(keeper, workspace),
    });
    makeReady(keeper, prepared);
    const at = Date.now();
    relay = relaySignals();
    const running = await launch(keeper, { plan: prepared.plan, facts: prepared.facts, terminal, stdio });
    relay.connect(running);
    rememberLaunch(options.stateDir, occasion, prepared.plan, running.launcher);
    return { prepared, running, relay, at };
  } catch (thrown) {
    relay?.release();
    // A keeper that could not go on takes its directory with it, and whoever finds it gone only knows that. What the keeper
    // said of it may still have to be read.
    const isGone = !existsSync(keeper.run.directory);
    await keeper.dismiss();
    const error = thrown instanceof HardlineError || !isGone ? thrown : (keeper.session.failure ?? thrown);
    // What was made beforehand was not what is needed, or did not come about: then from the beginning.
    if (keeper.anticipated !== undefined && error instanceof SandboxError && RETRIED.includes(error.code)) {
      return start(options, false);
    }
    throw error;
  }
}

function makeReady(keeper: Keeper, { plan, facts, agent }: Prepared): void {
  prepareMutable(agent, facts.root ? { uid: facts.agentUid, gid: facts.agentGid } : undefined);
  const entry: JournalEntry = {
    agent: plan.agent,
    policy: plan.policyDigest,
    mutable: plan.mutable,
    release: basename(dirname(plan.releaseTree)),
    placeholders: plan.placeholders,
    cgroups: plan.cgroup.directories,
  };
  // Noted before the others are looked at: of two that start together, at least one sees the other.
  note(keeper.run, entry);
  const [other] = conflictingRuns(keeper.state, keeper.run, entry);
  if (other === undefined) return;
  throw new SandboxError(
    "busy",
    `a run of ${other.agent} under another policy, or an older one, can write where ${plan.agent} can`,
    "Wait for its end: what that run was allowed it could lend to this one.",
  );
}

function reportLeftovers(plan: Plan, since: number): void {
  const { leftovers, incomplete } = findLeftovers(plan.mutable, since);
  if (leftovers.length === 0) {
    // Whoever hides something makes it unreadable, or puts it very deep.
    if (incomplete) say("not everything that the agent left could be looked at: see to what it can write.");
    return;
  }
  say("the agent left something that could be run later, outside the sandbox:");
  // The agent chose these names: they must not write to the operator's terminal.
  for (const { path, why } of leftovers) say(`  ${printable(JSON.stringify(path))}: ${why}`);
  if (incomplete) say("  … and there may be more: not everything was looked at.");
}

function statusOf(end: End, prepared: Prepared): number {
  const { plan } = prepared;
  switch (end.kind) {
    case "exited":
      return end.status;
    case "signalled":
      return 128 + end.signal;
    case "not-executed": {
      const program = plan.command[0] ?? "";
      if (end.errno === ENOENT) {
        say(`${program}: not found in the sandbox (tried ${plan.candidates.join(", ")})`);
        say("  The agent sees /usr, its own tree, and what `read:` lists.");
        return NOT_FOUND;
      }
      say(`${program}: cannot be executed in the sandbox (${errorName(end.errno)})`);
      if (end.errno === ENOEXEC) say("  It is neither a program of this machine nor a script that begins with #!.");
      return NOT_EXECUTABLE;
    }
    case "mounts-changed":
      say("a mount of the sandbox changed while the agent ran, from outside of it: the agent was ended");
      say("  Something on the host renamed, removed or mounted over one of its names: an editor, git, another agent.");
      for (const path of changedSeals(prepared.agent, prepared.release)) {
        say(`  ${JSON.stringify(printable(path))} is not what was sealed: look at it before the next start seals it.`);
      }
      return LOST;
    case "lost":
      say("the sandbox was ended from outside");
      return LOST;
  }
}
