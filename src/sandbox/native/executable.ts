/**
 * Turns a program into an executable: a static ELF file with two segments, code that cannot be written and data that
 * cannot be executed. Source: System V ABI, chapters 4 and 5, and its supplements for AMD64 and AArch64.
 */
import { arm64Encoder } from "./arm64.ts";
import type { Encoder } from "./encoder.ts";
import { ARGV, ENVIRONMENT, type Operand, type Program, type Step } from "./program.ts";
import { syscallNumber } from "./syscalls.ts";
import { x64Encoder } from "./x64.ts";

/** Where code and data are loaded. */
const CODE_BASE = 0x40_0000;
const DATA_BASE = 0x80_0000;
/** The largest page that the machine can have: segments must not share one. */
const PAGE = { x64: 0x1000, arm64: 0x1_0000 } as const;
const HEADERS = 64 + 3 * 56;

/** The bytes of an executable file for that program. */
export function encode(program: Program): Uint8Array {
  const data = new DataSegment();
  const encoder = program.arch === "x64" ? x64Encoder() : arm64Encoder();
  const labels = new Map<string, number>();

  encoder.prologue(data.slot(ARGV), data.slot(ENVIRONMENT));
  for (const [name, layout] of Object.entries(program.buffers)) {
    if (typeof layout === "number") data.buffer(name, layout);
    else data.structure(name, layout);
  }
  for (const step of program.steps) {
    if (step.op === "label") labels.set(step.name, encoder.position());
    else encodeStep(program, step, encoder, data);
  }
  const code = encoder.finish((name) => {
    const offset = labels.get(name);
    if (offset === undefined) throw new RangeError(`no label ${name} in the program`);
    return offset;
  });
  return elf(encoder.machine, PAGE[program.arch], code, data.bytes());
}

function encodeStep(program: Program, step: Exclude<Step, { op: "label" }>, to: Encoder, data: DataSegment): void {
  switch (step.op) {
    case "call":
      for (const [index, operand] of step.args.entries()) {
        if (typeof operand === "object" && "slot" in operand) to.argumentSlot(index, data.slot(operand.slot));
        else to.argumentConstant(index, data.constant(operand));
      }
      to.call(syscallNumber(program.arch, step.name));
      return;
    case "jump":
      to.jump(step.to);
      return;
    case "branch":
      if (step.when === "negative" || step.when === "not-negative") {
        to.branchOnSign(step.when === "negative", step.to);
        return;
      }
      to.branchOnValue(step.when === "equal", step.value ?? 0, step.to);
      return;
    case "branch-slot":
      to.branchOnSlot(data.slot(step.equal), step.to);
      return;
    case "store":
      to.store(data.slot(step.slot));
      return;
    case "load":
      to.load(data.slot(step.slot));
      return;
    case "argument":
      to.argument(step.index);
      return;
    case "set":
      to.set(data.constant(step.value));
      return;
    case "add":
      to.add(step.value);
      return;
    case "and":
      to.and(step.mask);
      return;
    case "shift-right":
      to.shiftRight(step.bits);
      return;
  }
}

/** The data of a program: slots, buffers and constants, each at an address that is known as soon as it is asked for. */
class DataSegment {
  readonly #chunks: Uint8Array[] = [];
  readonly #addresses = new Map<string, number>();
  #size = 0;

  slot(name: string): number {
    return this.#addresses.get(name) ?? this.buffer(name, 8);
  }

  buffer(name: string, size: number): number {
    const address = this.#append(new Uint8Array(size));
    this.#addresses.set(name, address);
    return address;
  }

  structure(name: string, fields: readonly string[]): void {
    const address = this.buffer(name, fields.length * 8);
    for (const [index, field] of fields.entries()) this.#addresses.set(field, address + index * 8);
  }

  constant(operand: Exclude<Operand, { slot: string }>): bigint {
    if (typeof operand === "number" || typeof operand === "bigint") return BigInt(operand);
    if ("address" in operand) return BigInt(this.slot(operand.address));
    if ("bytes" in operand) return BigInt(this.#append(operand.bytes));
    if ("text" in operand) return BigInt(this.#text(operand.text));
    const pointers = new BigUint64Array(operand.strings.length + 1);
    for (const [index, text] of operand.strings.entries()) pointers[index] = BigInt(this.#text(text));
    return BigInt(this.#append(new Uint8Array(pointers.buffer)));
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.#chunks);
  }

  #text(text: string): number {
    if (text.includes("\0")) throw new RangeError("a NUL byte cannot be in a system call's string");
    return this.#append(Buffer.from(`${text}\0`, "utf8"));
  }

  #append(bytes: Uint8Array): number {
    const address = DATA_BASE + this.#size;
    const padded = new Uint8Array((bytes.length + 7) & ~7);
    padded.set(bytes);
    this.#chunks.push(padded);
    this.#size += padded.length;
    return address;
  }
}

function elf(machine: number, page: number, code: Uint8Array, data: Uint8Array): Uint8Array {
  const codeEnd = HEADERS + code.length;
  // The data's place in the file must agree with its address within a page, whatever size a page has.
  const dataOffset = Math.ceil(codeEnd / page) * page;
  const file = new Uint8Array(dataOffset + data.length);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]);
  view.setUint16(16, 2, true); // ET_EXEC
  view.setUint16(18, machine, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt(CODE_BASE + HEADERS), true); // entry
  view.setBigUint64(32, 64n, true); // program headers
  view.setUint16(52, 64, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, 3, true);
  const segment = (index: number, type: number, flags: number, offset: number, address: number, size: number): void => {
    const at = 64 + index * 56;
    view.setUint32(at, type, true);
    view.setUint32(at + 4, flags, true);
    for (const [field, value] of [offset, address, address, size, size, type === 1 ? page : 16].entries()) {
      view.setBigUint64(at + 8 + field * 8, BigInt(value), true);
    }
  };
  segment(0, 1, 5, 0, CODE_BASE, codeEnd); // PT_LOAD, readable and executable
  segment(1, 1, 6, dataOffset, DATA_BASE, data.length); // PT_LOAD, readable and writable
  segment(2, 0x6474_e551, 6, 0, 0, 0); // PT_GNU_STACK, not executable
  file.set(code, HEADERS);
  file.set(data, dataOffset);
  return file;
}
