/**
 * A tiny program as data: a straight line of system calls with a few branches. Hardline needs two such programs (the
 * keeper outside the sandbox and the gate inside it), small enough to be read in full, with no compiler, no shell and no
 * interpreter between the decision and the kernel. `encode` in `machine.ts` turns one into an executable file.
 *
 * One register, `R`, holds the result of the last step. Everything else lives in named slots of 8 bytes.
 */
import type { Arch } from "./syscalls.ts";

/** What can stand as an argument of a system call. */
export type Operand =
  | number
  | bigint
  /** The address of constant bytes. */
  | { readonly bytes: Uint8Array }
  /** The address of a zero-terminated string. */
  | { readonly text: string }
  /** The address of an array of pointers to zero-terminated strings, itself ended by a null pointer. */
  | { readonly strings: readonly string[] }
  /** The value in a slot. */
  | { readonly slot: string }
  /** The address of a slot, or of a named buffer. */
  | { readonly address: string };

export type Condition = "negative" | "not-negative" | "equal" | "not-equal";

export type Step =
  /** Makes a system call; its result, or minus the error number, is then in R. `why` is for people who read the plan. */
  | { readonly op: "call"; readonly name: string; readonly args: readonly Operand[]; readonly why?: string }
  | { readonly op: "label"; readonly name: string }
  | { readonly op: "jump"; readonly to: string }
  /** Jumps if R meets the condition; `value` (a constant) is what `equal` and `not-equal` compare with. */
  | { readonly op: "branch"; readonly when: Condition; readonly value?: number; readonly to: string }
  /** Jumps if R equals the value in a slot. */
  | { readonly op: "branch-slot"; readonly equal: string; readonly to: string }
  | { readonly op: "store"; readonly slot: string }
  | { readonly op: "load"; readonly slot: string }
  /** Puts the address of an argument of the program's own into R; 0 is its name. It must have been given. */
  | { readonly op: "argument"; readonly index: number }
  | { readonly op: "set"; readonly value: Exclude<Operand, { slot: string }> }
  /** Adds a small number, less than 4096, to R. */
  | { readonly op: "add"; readonly value: number }
  | { readonly op: "and"; readonly mask: number }
  | { readonly op: "shift-right"; readonly bits: number };

export interface Program {
  readonly arch: Arch;
  readonly steps: readonly Step[];
  /** Named zeroed memory: so many bytes, or a structure whose fields are slots of these names, in this order. */
  readonly buffers: Readonly<Record<string, number | readonly string[]>>;
}

/** Slots that are filled when the program starts: the addresses of its own argv and of its environment. */
export const ARGV = "argv";
export const ENVIRONMENT = "environ";

export const call = (name: string, args: readonly Operand[], why?: string): Step =>
  why === undefined ? { op: "call", name, args } : { op: "call", name, args, why };
export const label = (name: string): Step => ({ op: "label", name });
export const jump = (to: string): Step => ({ op: "jump", to });
export const store = (slot: string): Step => ({ op: "store", slot });
export const load = (slot: string): Step => ({ op: "load", slot });
export const set = (value: Exclude<Operand, { slot: string }>): Step => ({ op: "set", value });
export const argument = (index: number): Step => ({ op: "argument", index });
export const whenNegative = (to: string): Step => ({ op: "branch", when: "negative", to });
export const whenEqual = (value: number, to: string): Step => ({ op: "branch", when: "equal", value, to });
export const whenNotEqual = (value: number, to: string): Step => ({ op: "branch", when: "not-equal", value, to });

/** `flags` of the kernel's headers that more than one program needs. */
export const AT_FDCWD = -100;
export const AT_EMPTY_PATH = 0x1000;
export const AT_REMOVEDIR = 0x200;
export const O_CLOEXEC = 0o2000000;
export const O_WRONLY = 1;
export const PR_SET_PDEATHSIG = 1;
export const SIG_SETMASK = 2;
/** As the end of a range of descriptors: all that there are. */
export const CLOSE_RANGE_LAST = 0xffff_ffff;
export const SIGKILL = 9;
export const SIGCHLD = 17;

/** One line a call, as `plan` and `strace` would show it. */
export function describe(program: Program): string[] {
  const lines: string[] = [];
  for (const step of program.steps) {
    if (step.op !== "call") continue;
    const text = `${step.name}(${step.args.map(show).join(", ")})`;
    lines.push(step.why === undefined ? text : `${text}  # ${step.why}`);
  }
  return lines;
}

function show(operand: Operand): string {
  if (typeof operand === "number" || typeof operand === "bigint") return String(operand);
  if ("bytes" in operand) return `<${operand.bytes.length} bytes>`;
  if ("text" in operand) return JSON.stringify(operand.text);
  if ("strings" in operand) return `[${operand.strings.map((text) => JSON.stringify(text)).join(", ")}]`;
  if ("slot" in operand) return operand.slot;
  return `&${operand.address}`;
}
