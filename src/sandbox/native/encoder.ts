/** What a machine must be able to encode. Addresses are absolute; labels are resolved once all code is there. */

/** A place in the code that waits for the address of a label. */
export interface Fixup {
  /** Offset of the field or instruction, in bytes. */
  readonly at: number;
  readonly to: string;
}

export interface Encoder {
  /** `e_machine` of the ELF header. */
  readonly machine: number;
  /** Stores the addresses of argv and of the environment, which the kernel laid on the stack. */
  prologue(argv: number, environment: number): void;
  argumentConstant(index: number, value: bigint): void;
  argumentSlot(index: number, address: number): void;
  call(number: number): void;
  jump(to: string): void;
  branchOnSign(negative: boolean, to: string): void;
  branchOnValue(equal: boolean, value: number, to: string): void;
  branchOnSlot(address: number, to: string): void;
  store(address: number): void;
  load(address: number): void;
  argument(index: number): void;
  set(value: bigint): void;
  add(value: number): void;
  /** `mask` must fit 31 bits. */
  and(mask: number): void;
  shiftRight(bits: number): void;
  /** Bytes of code so far. */
  position(): number;
  /** The code with every label filled in; `labels` gives offsets from the start of the code. */
  finish(labels: (name: string) => number): Uint8Array;
}
