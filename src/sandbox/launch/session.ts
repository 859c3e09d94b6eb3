/** The conversation with the keeper, the launcher and the gate of one run, over the one channel that they share. */
import type { ChildProcess } from "node:child_process";
import { constants as osConstants } from "node:os";
import type { Duplex } from "node:stream";
import type { Keyrings } from "../attest/keyring.ts";
import { SandboxError } from "../errors.ts";
import { GO, LAUNCH, LOCK, type Message, parseMessages } from "./channel.ts";

/** How an agent came to its end. */
export type End =
  | { readonly kind: "exited"; readonly status: number }
  | { readonly kind: "signalled"; readonly signal: number }
  /** Its program could not be executed: the error number. */
  | { readonly kind: "not-executed"; readonly errno: number }
  /** Its sandbox was ended because its mounts changed. */
  | { readonly kind: "mounts-changed" }
  /** The sandbox went away without a word: somebody killed the gate, bubblewrap or the keeper. */
  | { readonly kind: "lost" };

/** The names of the calls that a `…-failed` message counts. */
export interface Checked {
  readonly keeper: readonly string[];
  readonly launcher: readonly string[];
  readonly gate: readonly string[];
}

/** The longest that setting up may take before it counts as failed. */
const SETUP_TIMEOUT_MS = 60_000;

export class Session {
  keyrings: Keyrings = { before: undefined, after: undefined };
  /** Asked only when a call has failed. */
  checked: () => Checked = () => ({ keeper: [], launcher: [], gate: [] });
  /** What went wrong first, as soon as it is known. */
  failure: SandboxError | undefined;
  readonly ended: Promise<End>;
  /** Resolves when the keeper has exited. */
  readonly closed: Promise<void>;
  readonly #channel: Duplex;
  #rest: Buffer = Buffer.alloc(0);
  #failedCall: number | undefined;
  #end: End = { kind: "lost" };
  readonly #ready = Promise.withResolvers<number>();
  readonly #locked = Promise.withResolvers<number>();

  constructor(child: ChildProcess) {
    this.#channel = child.stdio[3] as Duplex;
    this.#channel.on("data", (bytes: Buffer) => this.#receive(bytes));
    this.#channel.on("error", () => undefined); // Its end is what the keeper's exit tells.
    this.closed = new Promise((resolve) => {
      child.once("error", (error) => {
        this.#fail(`the keeper could not be started: ${error.message}`, "The state directory must let programs run.");
        resolve();
      });
      // Not at its exit: what was said last may still have to be read, and whoever holds the channel is not gone.
      child.once("close", () => {
        this.#fail("the sandbox could not be set up; see bubblewrap's message above", "Run `hardline doctor`.");
        resolve();
      });
    });
    this.ended = this.closed.then(() => this.#end);
    // A failure may come before anybody waits for an answer.
    for (const answer of [this.#ready, this.#locked]) answer.promise.catch(() => undefined);
  }

  /** Has the keeper lock the run's workspace. `false`: another run has it. Rejects with `SandboxError` as `ready` does. */
  async lock(): Promise<boolean> {
    this.#channel.write(Uint8Array.of(LOCK));
    const answer = await this.#locked.promise;
    if (answer === 0) return true;
    if (answer === -osConstants.errno.EWOULDBLOCK) return false;
    throw new SandboxError("launch-failed", `the workspace could not be locked: ${errorName(-answer)}`);
  }

  /** Has the keeper's child become the launcher. */
  startLauncher(): void {
    this.#channel.write(Uint8Array.of(LAUNCH));
  }

  /** Resolves when the gate waits; rejects with `SandboxError` when anything before that fails, or takes too long. */
  async ready(): Promise<void> {
    const timer = setTimeout(() => this.#fail("setting up the sandbox took longer than a minute"), SETUP_TIMEOUT_MS);
    try {
      await this.#ready.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  go(): void {
    this.#channel.write(Uint8Array.of(GO));
  }

  /** Without a word more: whoever waits for one ends. */
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
      case "locked":
        this.#locked.resolve(value);
        return;
      case "ready":
        this.#ready.resolve(value);
        return;
      case "keeper-failed":
        this.#failed("keeper", value);
        return;
      case "launcher-failed":
        this.#failed("launcher", value);
        return;
      case "gate-failed":
        this.#failed("gate", value);
        return;
      case "mounts-changed":
        this.#end = { kind: "mounts-changed" };
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
  #failed(program: keyof Checked, value: number): void {
    if (this.#failedCall === undefined) {
      this.#failedCall = value;
      return;
    }
    const name = this.checked()[program][this.#failedCall] ?? "an unknown call";
    this.#fail(`${name}: ${errorName(-value)}`, "`hardline doctor` tells what this host refuses.");
  }

  #fail(message: string, remedy = ""): void {
    this.failure ??= new SandboxError("launch-failed", message, remedy);
    for (const answer of [this.#ready, this.#locked]) answer.reject(this.failure);
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
