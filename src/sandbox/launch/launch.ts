/**
 * Starts a sandbox in two steps, so that the kernel works while the supervisor still plans: `startKeeper` as early as
 * possible, `launch` when there is a plan. The agent starts only after the sandbox has been looked at. What `launch` hands
 * back is a running agent, or an error and nothing left behind.
 */
import { spawn } from "node:child_process";
import { symlinkSync } from "node:fs";
import { type Attestation, attest, expect } from "../attest/attest.ts";
import { applyCgroup, cgroupDirectories, cgroupMembers, currentHost, findGrants, type Grants } from "../cgroup.ts";
import { SandboxError } from "../errors.ts";
import type { HostFacts } from "../facts.ts";
import { hostArch } from "../host-arch.ts";
import type { Plan } from "../plan.ts";
import { serialize } from "../seccomp/bpf.ts";
import { buildFilter } from "../seccomp/filter.ts";
import { bubblewrapArguments, stagedSources } from "./arguments.ts";
import { type GateOptions, gateProgram } from "./gate.ts";
import { beginRun, type Run } from "./journal.ts";
import { keeperProgram } from "./keeper.ts";
import { finisherProgram, type LauncherOptions, launcherProgram } from "./launcher.ts";
import { childOf, descendantsOf, firstChildOf, initChildOf } from "./process-tree.ts";
import { type ProgramFile, programFile } from "./programs.ts";
import { type End, Session } from "./session.ts";
import type { Stdio } from "./stdio.ts";

/** A keeper that waits for a plan. */
export interface Keeper {
  readonly state: string;
  readonly run: Run;
  readonly grants: Grants;
  readonly pid: number;
  readonly session: Session;
  /** The launcher that was started before there was a plan. */
  anticipated?: string;
  /** Ends it and whatever it made, because there will be no plan. */
  dismiss(): Promise<void>;
}

export interface RunningAgent {
  /** The program that made its sandbox. */
  readonly launcher: string;
  readonly attestation: Attestation;
  /** Sends a signal to the agent's process group; `false` where it has ended. */
  signal(signal: NodeJS.Signals): boolean;
  /** Ends every process of the sandbox at once. */
  kill(): void;
  /** Resolves when every process of the sandbox has ended and the keeper has cleaned up. */
  readonly ended: Promise<End>;
}

export interface LaunchOptions {
  readonly plan: Plan;
  readonly facts: HostFacts;
  /** Standard output is a terminal. */
  readonly terminal: boolean;
  readonly stdio: Stdio;
}

/** Starts the keeper of a new run. `state` is the state directory's absolute path. */
export function startKeeper(state: string): Keeper {
  const arch = hostArch();
  const grants = findGrants(currentHost(process.getuid?.() === 0));
  const run = beginRun(state, (id) => cgroupDirectories(grants, id));
  const groups = cgroupDirectories(grants, run.id);
  const { path } = programFile(
    state,
    "keeper",
    [arch, groups.length],
    () => keeperProgram(arch, groups.length).program,
  );
  const members = cgroupMembers(grants, run.id);
  const args = [run.directory, run.journal, run.launcher, run.finisher, run.workspace, ...groups, ...members];
  const child = spawn(path, args, { stdio: ["inherit", "inherit", "inherit", "pipe"], env: {}, cwd: "/" });
  const session = new Session(child);
  return {
    state,
    run,
    grants,
    pid: child.pid ?? -1,
    session,
    dismiss: async () => {
      session.abandon();
      await session.closed;
    },
  };
}

/**
 * Takes a workspace for this run alone, until its keeper has cleaned up. Two runs in one would take away each other's
 * stand-ins, and with them the mounts on them. Throws `SandboxError` with `busy` where another run has it.
 */
export async function lockWorkspace(keeper: Keeper, workspace: string): Promise<void> {
  if (keeper.anticipated !== undefined) throw notAsAnticipated();
  symlinkSync(workspace, keeper.run.workspace);
  if (await keeper.session.lock()) return;
  throw new SandboxError(
    "busy",
    `another run is using ${workspace}`,
    "Wait for its end, or use the shape of a sealed root with mutable directories, which can run several times at once.",
  );
}

function notAsAnticipated(): SandboxError {
  return new SandboxError("not-as-anticipated", "the sandbox that was made beforehand is not the one that is needed");
}

/** Makes the sandbox, looks at it, and lets the agent start. */
export async function launch(keeper: Keeper, options: LaunchOptions): Promise<RunningAgent> {
  const { plan } = options;
  const { session } = keeper;
  try {
    const { gate, launcher } = placePrograms(keeper, options);
    // While bubblewrap works: what must come of it.
    const expected = expect(plan, options.terminal);
    await session.ready();
    const pid = initChildOf(childOf(keeper.pid));
    applyCgroup(plan.cgroup);
    const { keyrings } = session;
    const attestation = attest({ plan, pid, keyrings, gate: gate.bytes, expected, stdio: options.stdio });
    session.go();
    return {
      attestation,
      launcher: launcher.path,
      ended: session.ended,
      signal: (signal) => sendToAgent(pid, signal),
      kill: () => void kill(pid, "SIGKILL"),
    };
  } catch (error) {
    await keeper.dismiss();
    throw error;
  }
}

interface Programs {
  readonly gate: ProgramFile;
  readonly launcher: ProgramFile;
}

/** Puts the plan's programs where the keeper finds them, and has them started, where that was not anticipated. */
function placePrograms(keeper: Keeper, { plan, facts, stdio }: LaunchOptions): Programs {
  const { state, run, session, anticipated } = keeper;
  const gateSpec = [facts.arch, plan.limits, plan.candidates];
  const gate = programFile(state, "gate", gateSpec, () => gateProgram(gateOptions(plan, facts)).program);
  const { placeholders } = plan;
  const groups = plan.cgroup.directories.length;
  const finisher =
    placeholders.length === 0
      ? undefined
      : programFile(
          state,
          "finisher",
          [facts.arch, groups, placeholders, plan.workingDirectory],
          () => finisherProgram(facts.arch, groups, placeholders, plan.workingDirectory).program,
        );
  const options = launcherOptions(plan, facts, stdio, gate.path, finisher?.path);
  const launcher = programFile(state, "launcher", options, () => launcherProgram(options).program);
  session.checked = () => ({
    keeper: keeperProgram(facts.arch, groups).checked,
    launcher: launcherProgram(options).checked,
    gate: gateProgram(gateOptions(plan, facts)).checked,
  });
  if (anticipated === undefined) symlinkSync(launcher.path, run.launcher);
  // A program's path stands for all that it was made from: another plan has another.
  else if (anticipated !== launcher.path) throw notAsAnticipated();
  if (anticipated === undefined) session.startLauncher();
  return { gate, launcher };
}

export function gateOptions(plan: Plan, facts: HostFacts): GateOptions {
  const filter = serialize(buildFilter(facts.arch));
  return { arch: facts.arch, limits: plan.limits, filter, candidates: plan.candidates };
}

export function launcherOptions(
  plan: Plan,
  facts: HostFacts,
  stdio: Stdio,
  gateFile: string,
  finisherFile: string | undefined,
): LauncherOptions {
  const staged = facts.root ? stagedSources(plan) : [];
  return {
    arch: facts.arch,
    groups: plan.cgroup.directories.length,
    bubblewrap: facts.bubblewrap.path,
    args: bubblewrapArguments(plan, staged),
    gateFile,
    ...(facts.root ? { root: { uid: plan.identity.uid, gid: plan.identity.gid, staged } } : {}),
    stdio,
    placeholders: plan.placeholders,
    ...(finisherFile === undefined ? {} : { finisherFile }),
  };
}

/** To the agent's process group, which is its own; `false` where it has ended, or has not begun. */
function sendToAgent(gate: number, signal: NodeJS.Signals): boolean {
  if (signal === "SIGSTOP" || signal === "SIGCONT") return sendToAll(gate, signal);
  const agent = firstChildOf(gate);
  return agent !== undefined && (kill(-agent, signal) || kill(agent, signal));
}

/** So many looks at who is there, so that one that is made meanwhile is stopped as well. */
const ROUNDS = 20;

/** To every process of the sandbox but the gate: an agent may have put its children where a group's signal does not reach. */
function sendToAll(gate: number, signal: NodeJS.Signals): boolean {
  const sent = new Set<number>();
  for (let round = 0; round < ROUNDS; round += 1) {
    const fresh = descendantsOf(gate).filter((pid) => !sent.has(pid));
    if (fresh.length === 0) break;
    for (const pid of fresh) {
      kill(pid, signal);
      sent.add(pid);
    }
  }
  return sent.size > 0;
}

function kill(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
