/**
 * The channel between the supervisor and its two small programs: a UNIX stream socket at descriptor 3. Each message is 16
 * bytes, two little-endian 64-bit words: what, and a number. The agent never holds it: the gate marks it close-on-exec
 * before the agent's program replaces it.
 */
import { call, jump, label, load, type Operand, type Step, set, store } from "../native/program.ts";

export const CHANNEL = 3;
/** Where the gate has its own mount table open, to be woken when that changes. */
export const MOUNT_WATCH = 4;
/** The byte by which the supervisor has the keeper lock the workspace that the run's link names. */
export const LOCK = 0x57;
/** The byte by which the supervisor has the sandbox made, once there is a plan. */
export const LAUNCH = 0x4c;
/** The byte by which it lets the agent start, after it has looked. */
export const GO = 0x47;

export const MESSAGE_BYTES = 16;

/** What a message says; the number with it is given in the comment. */
export const MESSAGES = {
  /** A call of the program failed. Sent twice: first the number of the call, then minus the error number. */
  "keeper-failed": 1,
  "launcher-failed": 7,
  "gate-failed": 8,
  /** Serial of the session keyring that the supervisor was started with, or minus an error number. */
  "old-keyring": 2,
  /** Serial of the fresh one, or minus ENOSYS on a kernel without keyrings. */
  "new-keyring": 3,
  /** The answer to LOCK: zero, or minus an error number (EWOULDBLOCK: another run has it). */
  locked: 9,
  /** The sandbox stands, every restriction is in force, and the gate waits to be looked at. Zero. */
  ready: 4,
  /** The agent's program could not be executed. The error number. */
  "not-executed": 5,
  /** The sandbox's mount table changed while the agent ran. Zero. */
  "mounts-changed": 10,
  /** The agent ended. Its status in the form of `wait(2)`. */
  ended: 6,
} as const;

export type MessageKind = keyof typeof MESSAGES;

export interface Message {
  readonly kind: MessageKind;
  readonly value: number;
}

/** The structure that `report` fills, for the `buffers` of a program. */
export const REPORT_BUFFER = { report: ["report.kind", "report.value"] } as const;

/** Sends R with a message. Clobbers R. */
export function report(kind: MessageKind): Step[] {
  return [
    store("report.value"),
    set(MESSAGES[kind]),
    store("report.kind"),
    call("write", [CHANNEL, { address: "report" }, MESSAGE_BYTES]),
  ];
}

/**
 * Collects the steps of a program in which every failure is the end: `must` reports which call failed and with what, and
 * leaves by the label `failed`.
 */
export class Script {
  readonly steps: Step[] = [];
  /** The names of the calls that `must` made, by their number in a `failed` message. */
  readonly checked: string[] = [];

  add(...steps: readonly Step[]): this {
    this.steps.push(...steps);
    return this;
  }

  must(name: string, args: readonly Operand[], why: string): this {
    const ok = `ok-${this.checked.length}`;
    this.checked.push(`${name}: ${why}`);
    this.steps.push(call(name, args, why), { op: "branch", when: "not-negative", to: ok });
    this.steps.push(store("failure.error"), set(this.checked.length - 1), store("failure.step"), jump("failed"));
    this.steps.push(label(ok));
    return this;
  }

  /** Where a failed `must` goes: two reports, the call's number first. What follows them is the program's own. */
  failure(kind: "keeper-failed" | "launcher-failed" | "gate-failed"): this {
    this.steps.push(label("failed"), load("failure.step"), ...report(kind), load("failure.error"), ...report(kind));
    return this;
  }

  /** Calls that may fail: R goes on as it is. */
  may(name: string, args: readonly Operand[], why: string): this {
    this.steps.push(call(name, args, why));
    return this;
  }
}

const KINDS = new Map<number, MessageKind>(Object.entries(MESSAGES).map(([kind, code]) => [code, kind as MessageKind]));

/** Takes whole messages out of what has arrived; `rest` is the beginning of one that has not come in full. */
export function parseMessages(bytes: Buffer): { readonly messages: Message[]; readonly rest: Buffer } {
  const messages: Message[] = [];
  let at = 0;
  for (; at + MESSAGE_BYTES <= bytes.length; at += MESSAGE_BYTES) {
    const kind = KINDS.get(Number(bytes.readBigInt64LE(at)));
    // Only our own two programs can write here; an unknown word means they are not ours, which nobody may ignore.
    if (kind === undefined) throw new RangeError("unknown message from the sandbox's gate");
    messages.push({ kind, value: Number(bytes.readBigInt64LE(at + 8)) });
  }
  return { messages, rest: bytes.subarray(at) };
}
