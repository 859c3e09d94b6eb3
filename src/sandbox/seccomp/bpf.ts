/**
 * An assembler for classic BPF as seccomp takes it. Source: `linux/filter.h`, `linux/seccomp.h`, `seccomp(2)`. Only the
 * instructions are used that the kernel's own emulator understands (load, compare, mask, return), so that it can cache
 * "always allowed" per system call and an allowed call costs nothing more than without a filter.
 */

/** `BPF_LD|BPF_W|BPF_ABS`, `BPF_JMP|…|BPF_K`, `BPF_ALU|BPF_AND|BPF_K`, `BPF_RET|BPF_K`. */
export const LD = 0x20;
export const JA = 0x05;
export const JEQ = 0x15;
export const JGE = 0x35;
export const JSET = 0x45;
export const AND = 0x54;
export const RET = 0x06;

/** What a filter can answer. */
export const KILL_PROCESS = 0x8000_0000;
export const ALLOW = 0x7fff_0000;
export const errnoAnswer = (errno: number): number => 0x0005_0000 | errno;

/** Offsets in `struct seccomp_data`. */
export const NUMBER_OFFSET = 0;
export const ARCH_OFFSET = 4;
/** The low half of an argument; both machines are little-endian. */
export const argumentOffset = (index: number): number => 16 + 8 * index;

export interface Instruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

type Line =
  | { readonly kind: "plain"; readonly code: number; readonly k: number }
  | { readonly kind: "test"; readonly code: number; readonly k: number; readonly then: string }
  | { readonly kind: "label"; readonly name: string };

/** Collects lines with symbolic labels; jumps forward only, as the kernel demands. */
export class BpfAssembler {
  readonly #lines: Line[] = [];
  #labels = 0;

  load(offset: number): void {
    this.#lines.push({ kind: "plain", code: LD, k: offset });
  }

  and(mask: number): void {
    this.#lines.push({ kind: "plain", code: AND, k: mask });
  }

  answer(value: number): void {
    this.#lines.push({ kind: "plain", code: RET, k: value });
  }

  /** If the test holds, goes to the label `then`, else on with the next line. */
  test(code: typeof JEQ | typeof JGE | typeof JSET, k: number, then: string): void {
    this.#lines.push({ kind: "test", code, k, then });
  }

  label(name: string): void {
    this.#lines.push({ kind: "label", name });
  }

  fresh(): string {
    this.#labels += 1;
    return `l${this.#labels}`;
  }

  /** A test is two instructions, a short conditional jump over a long one, so that no distance is too far. */
  assemble(): Instruction[] {
    const positions = new Map<string, number>();
    let at = 0;
    for (const line of this.#lines) {
      if (line.kind === "label") positions.set(line.name, at);
      else at += line.kind === "test" ? 2 : 1;
    }
    const program: Instruction[] = [];
    for (const line of this.#lines) {
      if (line.kind === "plain") program.push({ code: line.code, jt: 0, jf: 0, k: line.k });
      if (line.kind !== "test") continue;
      const target = positions.get(line.then);
      const distance = (target ?? -1) - (program.length + 2);
      if (distance < 0) throw new RangeError(`BPF jump to ${line.then} is not forward`);
      program.push({ code: line.code, jt: 0, jf: 1, k: line.k }, { code: JA, jt: 0, jf: 0, k: distance });
    }
    if (program.length > 4096) throw new RangeError("the kernel takes 4096 BPF instructions at most");
    return program;
  }
}

/** `struct sock_filter[]` in little-endian bytes. */
export function serialize(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * 8);
  const view = new DataView(bytes.buffer);
  for (const [index, { code, jt, jf, k }] of program.entries()) {
    view.setUint16(index * 8, code, true);
    view.setUint8(index * 8 + 2, jt);
    view.setUint8(index * 8 + 3, jf);
    view.setUint32(index * 8 + 4, k >>> 0, true);
  }
  return bytes;
}
