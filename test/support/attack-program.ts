/**
 * Attack programs: static executables that make raw system calls, so that no compiler, library or interpreter stands
 * between an attempt and the kernel's answer. Each attempt writes one record of 16 bytes to standard output: its number,
 * and what the call returned (minus the error number where it failed).
 */
import { constants } from "node:os";
import { encode } from "../../src/sandbox/native/executable.ts";
import {
  call,
  label,
  load,
  type Operand,
  type Program,
  SIGCHLD,
  type Step,
  set,
  store,
} from "../../src/sandbox/native/program.ts";
import { type Arch, isArch } from "../../src/sandbox/native/syscalls.ts";
import { FOREIGN_MARK, type ForeignAbi, patchForeignCalls } from "./foreign-abi.ts";

/** The machine that the tests run on. */
export const ARCH: Arch = isArch(process.arch) ? process.arch : refuse();

function refuse(): never {
  throw new Error(`Hardline does not run on ${process.arch}, nor do its tests`);
}

/** Flags whose numbers depend on the machine. Source: `asm/fcntl.h` of either. */
const MACHINE_FLAGS = {
  x64: { O_DIRECTORY: 0o200000, O_NOFOLLOW: 0o400000 },
  arm64: { O_DIRECTORY: 0o40000, O_NOFOLLOW: 0o100000 },
} as const;
export const { O_DIRECTORY, O_NOFOLLOW } = MACHINE_FLAGS[ARCH];

/** Flags whose numbers are the same on both. Sources: `fcntl.h`, `linux/fs.h`, `linux/mount.h`, `linux/sched.h`. */
export const AT_FDCWD = -100;
export const AT_EMPTY_PATH = 0x1000;
export const AT_REMOVEDIR = 0x200;
export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_RDWR = 2;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_TRUNC = 0o1000;
export const O_APPEND = 0o2000;
export const O_PATH = 0o10000000;
export const RENAME_NOREPLACE = 1;
export const RENAME_EXCHANGE = 2;
export const S_IFIFO = 0o010000;
export const S_IFCHR = 0o020000;
export const S_IFBLK = 0o060000;

export const text = (value: string): Operand => ({ text: value });

interface Attempt {
  readonly name: string;
  /** What the number is: a system call's answer, or a child's status in the form of `wait(2)`. */
  readonly kind: "answer" | "status";
  /** Made by a child, which may end before it can report. */
  readonly inChild: boolean;
}

/** A program in the making. Names are unique; the order of attempts is the order of calls. */
export class AttackScript {
  readonly #steps: Step[] = [];
  readonly #attempts: Attempt[] = [];
  readonly #buffers: Record<string, number | readonly string[]> = { record: ["record.index", "record.value"] };
  readonly #foreign: ForeignAbi[] = [];
  #labels = 0;
  #inChild = false;

  /** Makes a call and reports its answer, which also stays in the register for `keep`. */
  attempt(name: string, syscall: string, args: readonly Operand[]): this {
    this.#steps.push(call(syscall, args));
    return this.#report({ name, kind: "answer", inChild: this.#inChild });
  }

  /** Makes a call and says nothing of it. */
  quietly(syscall: string, args: readonly Operand[]): this {
    this.#steps.push(call(syscall, args));
    return this;
  }

  /** Keeps the last answer in a slot, for `{ slot }`. */
  keep(slot: string): this {
    this.#steps.push(store(slot));
    return this;
  }

  /** Named memory, zeroed: so many bytes, or a structure of 8-byte slots. */
  buffer(name: string, layout: number | readonly string[]): this {
    this.#buffers[name] = layout;
    return this;
  }

  put(slot: string, value: Exclude<Operand, { slot: string }>): this {
    this.#steps.push(set(value), store(slot));
    return this;
  }

  /** Lets a child make the attempts, and reports how it ended: where an attempt may be the end of its process. */
  inChild(name: string, attempts: (script: this) => void): this {
    const parent = this.#label("parent");
    this.#steps.push(call("clone", [SIGCHLD, 0, 0, 0, 0]), store(`${parent}.pid`), {
      op: "branch",
      when: "not-equal",
      value: 0,
      to: parent,
    });
    this.#inChild = true;
    attempts(this);
    this.#inChild = false;
    this.#steps.push(call("exit_group", [0]), label(parent));
    this.#steps.push(call("wait4", [{ slot: `${parent}.pid` }, { address: `${parent}.status` }, 0, 0]));
    this.#steps.push(load(`${parent}.status`));
    return this.#report({ name, kind: "status", inChild: this.#inChild });
  }

  /** Leaves a child behind that makes the attempts; nobody waits for it. */
  detached(attempts: (script: this) => void): this {
    const parent = this.#label("parent");
    this.#steps.push(call("clone", [SIGCHLD, 0, 0, 0, 0]), { op: "branch", when: "not-equal", value: 0, to: parent });
    this.#inChild = true;
    attempts(this);
    this.#inChild = false;
    this.#steps.push(call("exit_group", [0]), label(parent));
    return this;
  }

  /** Makes a call by another ABI of x86-64; elsewhere there is none to try. */
  foreign(name: string, abi: ForeignAbi): this {
    if (ARCH !== "x64") throw new Error("only x86-64 has ABIs that are foreign to a program of its own");
    const mark = FOREIGN_MARK + BigInt(this.#foreign.length);
    this.#foreign.push(abi);
    return this.attempt(name, "getpid", [mark]);
  }

  forever(steps: (script: this) => void = (script) => void script.quietly("ppoll", [0, 0, 0, 0, 8])): this {
    const again = this.#label("again");
    this.#steps.push(label(again));
    steps(this);
    this.#steps.push({ op: "jump", to: again });
    return this;
  }

  /** Where the last answer was 0, this process is the child of a clone that went through: it does something else. */
  ifChild(steps: (script: this) => void): this {
    const parent = this.#label("parent");
    this.#steps.push({ op: "branch", when: "not-equal", value: 0, to: parent });
    steps(this);
    this.#steps.push(call("exit_group", [0]), label(parent));
    return this;
  }

  exitIfChild(): this {
    return this.ifChild(() => undefined);
  }

  get attempts(): readonly Attempt[] {
    return this.#attempts;
  }

  program(arch: Arch = ARCH): Program {
    return { arch, steps: [...this.#steps, call("exit_group", [0])], buffers: this.#buffers };
  }

  /** The bytes of the executable file. */
  build(): Uint8Array {
    return patchForeignCalls(encode(this.program()), this.#foreign);
  }

  #label(kind: string): string {
    this.#labels += 1;
    return `${kind}-${this.#labels}`;
  }

  #report(attempt: Attempt): this {
    if (this.#attempts.some(({ name }) => name === attempt.name)) throw new Error(`${attempt.name} is attempted twice`);
    this.#attempts.push(attempt);
    this.#steps.push(store("record.value"), store("answer"), set(this.#attempts.length), store("record.index"));
    this.#steps.push(call("write", [1, { address: "record" }, 16]), load("answer"));
    return this;
  }
}

/** What a program reported: attempt to `ok`, an errno's name, or how a child ended (`exit 0`, `SIGSYS`). */
export type Answers = Readonly<Record<string, string>>;

export interface Report {
  readonly answers: Answers;
  /** The numbers themselves. */
  readonly values: Readonly<Record<string, number>>;
}

/** Reads a program's records. Throws where they are not its own: something else wrote to its standard output. */
export function readReport(attempts: readonly Attempt[], stdout: Buffer): Report {
  if (stdout.length % 16 !== 0)
    throw new Error(`standard output is not records alone: ${JSON.stringify(stdout.toString())}`);
  const answers: Record<string, string> = {};
  const values: Record<string, number> = {};
  for (let at = 0; at < stdout.length; at += 16) {
    const attempt = attempts[Number(stdout.readBigInt64LE(at)) - 1];
    if (attempt === undefined) throw new Error("a record of an attempt that was never made");
    const value = Number(stdout.readBigInt64LE(at + 8));
    values[attempt.name] = value;
    answers[attempt.name] = attempt.kind === "status" ? endName(value) : answerName(value);
  }
  return { answers, values };
}

export function answerName(value: number): string {
  // System calls fail with -4095 to -1; anything else that is negative is an address.
  if (value >= 0 || value < -4095) return "ok";
  // Older names come first in the table: EAGAIN before EWOULDBLOCK, and EOPNOTSUPP is ENOTSUP there.
  for (const [name, errno] of Object.entries(constants.errno)) if (errno === -value) return name;
  return { 126: "ENOKEY", 130: "ENOKEY" }[-value] ?? `errno ${-value}`;
}

function endName(status: number): string {
  const signal = status & 0x7f;
  if (signal === 0) return `exit ${(status >> 8) & 0xff}`;
  for (const [name, number] of Object.entries(constants.signals)) if (number === signal) return name;
  return `signal ${signal}`;
}
