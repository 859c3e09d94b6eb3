/**
 * Starts a sandbox and lets the agent in it start only after it has been looked at. What is handed back is a running
 * agent, or an error and nothing left behind.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { constants as osConstants } from "node:os";
import type { Duplex } from "node:stream";
import { type Attestation, attest } from "../attest/attest.ts";
import type { Keyrings } from "../attest/keyring.ts";
import { applyCgroup } from "../cgroup.ts";
import { SandboxError } from "../errors.ts";
import type { HostFacts } from "../facts.ts";
import { encode } from "../native/executable.ts";
import type { Plan } from "../plan.ts";
import { serialize } from "../seccomp/bpf.ts";
import { buildFilter } from "../seccomp/filter.ts";
import { bubblewrapArguments, stagedSources } from "./arguments.ts";
import { GO, type Message, parseMessages } from "./channel.ts";
import { gateProgram } from "./gate.ts";
import type { Run } from "./journal.ts";
import { keeperProgram } from "./keeper.ts";
import { childOf } from "./process-tree.ts";

/** How an agent came to its end. */
export type End =
  | { readonly kind: "exited"; readonly status: number }
  | { readonly kind: "signalled"; readonly signal: number }
  /** Its program could not be executed: the error number. */
  | { readonly kind: "not-executed"; readonly errno: number }
  /** The sandbox went away without a word: somebody killed the gate, bubblewrap or the keeper. */
  | { readonly kind: "lost" };

export interface RunningAgent {
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
  readonly run: Run;
  /** Standard output is a terminal. */
  readonly terminal: boolean;
}

/** The longest that setting up may take before it counts as failed. */
const SETUP_TIMEOUT_MS = 60_000;

export async function launch(options: LaunchOptions): Promise<RunningAgent> {
  const { plan, facts, run } = options;
  const staged = facts.root ? stagedSources(plan) : [];
  const keeper = keeperProgram({
    arch: facts.arch,
    bubblewrap: facts.bubblewrap.path,
    args: bubblewrapArguments(plan, staged),
    gateFile: run.gateFile,
    ...(facts.root ? { root: { uid: plan.identity.uid, gid: plan.identity.gid, staged } } : {}),
    placeholders: plan.placeholders,
    cgroups: plan.cgroup.directories,
    runFiles: [run.gateFile, run.keeperFile, run.journalFile],
    runDirectory: run.directory,
  });
  run.writeKeeper(encode(keeper.program));
  // The keeper makes its namespaces and cgroups while the gate is still being written down: it opens that last.
  const filter = serialize(buildFilter(facts.arch));
  const gate = gateProgram({ arch: facts.arch, limits: plan.limits, filter, candidates: plan.candidates });
  const gateBytes = encode(gate.program);
  run.writeGate(gateBytes);

  const child = spawn(run.keeperFile, [], { stdio: ["inherit", "inherit", "inherit", "pipe"], env: {}, cwd: "/" });
  const session = new Session(child, { keeper: keeper.checked, gate: gate.checked });
  try {
    await session.ready();
    const bubblewrap = childOf(child.pid ?? -1);
    const pid = childOf(bubblewrap);
    applyCgroup(plan.cgroup, pid);
    const { keyrings } = session;
    const attestation = attest({ plan, pid, keyrings, gate: gateBytes, terminal: options.terminal });
    session.go();
    return {
      attestation,
      ended: session.ended,
      signal: (signal) => sendToAgent(pid, signal),
      kill: () => {
        kill(pid, "SIGKILL");
      },
    };
  } catch (error) {
    // The gate waits for a word that never comes; closing the channel ends it, and the keeper cleans up after it.
    session.abandon();
    await session.closed;
    throw error;
  }
}

/** The agent's process is the gate's only child; its process group is its own. */
function sendToAgent(gate: number, signal: NodeJS.Signals): boolean {
  try {
    const agent = childOf(gate);
    return kill(-agent, signal) || kill(agent, signal);
  } catch {
    return false; // It has ended, or has not begun: there is nobody to signal.
  }
}

function kill(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** The names of the calls that a `…-failed` message counts. */
interface Checked {
  readonly keeper: readonly string[];
  readonly gate: readonly string[];
}

/** The conversation with the keeper and the gate of one run. */
class Session {
  keyrings: Keyrings = { before: undefined, after: undefined };
  readonly ended: Promise<End>;
  /** Resolves when the keeper has exited. */
  readonly closed: Promise<void>;
  readonly #channel: Duplex;
  readonly #checked: Checked;
  #rest: Buffer = Buffer.alloc(0);
  #failedStep: number | undefined;
  #end: End = { kind: "lost" };
  #settle: { resolve(): void; reject(error: Error): void } | undefined;

  constructor(child: ChildProcess, checked: Checked) {
    this.#checked = checked;
    this.#channel = child.stdio[3] as Duplex;
    this.#channel.on("data", (bytes: Buffer) => this.#receive(bytes));
    this.#channel.on("error", () => undefined); // Its end is what the keeper's exit tells.
    this.closed = new Promise((resolve) => {
      child.once("error", (error) => {
        this.#fail(`the keeper could not be started: ${error.message}`, "The state directory must allow programs to run.");
        resolve();
      });
      child.once("exit", (status) => {
        this.#fail(`the sandbox could not be set up (status ${status}); see bubblewrap's message above`);
        resolve();
      });
    });
    this.ended = this.closed.then(() => this.#end);
  }

  /** Resolves when the gate waits; rejects with `SandboxError` when anything before that fails. */
  async ready(): Promise<void> {
    const timer = setTimeout(() => this.#fail("setting up the sandbox took longer than a minute"), SETUP_TIMEOUT_MS);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#settle = { resolve, reject };
      });
    } finally {
      clearTimeout(timer);
    }
  }

  go(): void {
    this.#channel.write(Uint8Array.of(GO));
  }

  abandon(): void {
    this.#channel.destroy();
  }

  #receive(bytes: Buffer): void {
    try {
      const { messages, rest } = parseMessages(Buffer.concat([this.#rest, bytes]));
      this.#rest = rest;
      for (const message of messages) this.#take(message);
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error));
      this.abandon();
    }
  }

  #take({ kind, value }: Message): void {
    switch (kind) {
      case "old-keyring":
        this.keyrings = { ...this.keyrings, before: value };
        return;
      case "new-keyring":
        this.keyrings = { ...this.keyrings, after: value };
        return;
      case "ready":
        this.#settle?.resolve();
        this.#settle = undefined;
        return;
      case "keeper-failed":
        this.#failed(this.#checked.keeper, value);
        return;
      case "gate-failed":
        this.#failed(this.#checked.gate, value);
        return;
      case "not-executed":
        this.#end = { kind: "not-executed", errno: -value };
        return;
      case "ended":
        if (this.#end.kind === "lost") this.#end = endOf(value);
        return;
    }
  }

  /** Two messages a failure: which call, then the error. */
  #failed(checked: readonly string[], value: number): void {
    if (this.#failedStep === undefined) {
      this.#failedStep = value;
      return;
    }
    const name = checked[this.#failedStep] ?? "an unknown call";
    this.#fail(`${name}: ${errorName(-value)}`, "`hardline doctor` tells what this host refuses.");
  }

  #fail(message: string, remedy = ""): void {
    this.#settle?.reject(new SandboxError("launch-failed", message, remedy));
    this.#settle = undefined;
  }
}

function endOf(status: number): End {
  const signal = status & 0x7f;
  return signal === 0 ? { kind: "exited", status: (status >> 8) & 0xff } : { kind: "signalled", signal };
}

/** `ENOSPC` for 28. */
export function errorName(errno: number): string {
  for (const [name, value] of Object.entries(osConstants.errno)) if (value === errno) return name;
  return `error ${errno}`;
}
