/** A64 encodings of the steps of a program. Source: Arm ARM (DDI 0487) C6; the kernel's calling convention, `syscall(2)`. */
import type { Encoder, Fixup } from "./encoder.ts";

/** Register 8 carries the call's number, 9 and 10 are scratch, 19 is R: the kernel preserves it. */
const X8 = 8;
const X9 = 9;
const X10 = 10;
const R = 19;
const EQUAL = 0;
const NOT_EQUAL = 1;
const LESS = 11;
const NOT_LESS = 10;

export function arm64Encoder(): Encoder {
  const code: number[] = [];
  const fixups: (Fixup & { readonly conditional: boolean })[] = [];

  const constant = (register: number, value: bigint): void => {
    const bits = BigInt.asUintN(64, value);
    for (let half = 0; half < 4; half += 1) {
      const part = Number((bits >> BigInt(16 * half)) & 0xffffn);
      const opcode = half === 0 ? 0xd280_0000 : 0xf280_0000; // movz, then movk
      code.push((opcode | (half << 21) | (part << 5) | register) >>> 0);
    }
  };
  const loadFrom = (register: number, address: number): void => {
    constant(X9, BigInt(address));
    code.push((0xf940_0000 | (X9 << 5) | register) >>> 0); // ldr register, [x9]
  };
  const compare = (): void => void code.push((0xeb00_001f | (X9 << 16) | (R << 5)) >>> 0); // cmp x19, x9
  const branch = (condition: number, to: string): void => {
    fixups.push({ at: code.length * 4, to, conditional: true });
    code.push((0x5400_0000 | condition) >>> 0);
  };
  const storeR = (address: number): void => {
    constant(X9, BigInt(address));
    code.push((0xf900_0000 | (X9 << 5) | R) >>> 0); // str x19, [x9]
  };
  const argument = (index: number): number => {
    if (index > 5) throw new RangeError("a system call takes six arguments at most");
    return index;
  };

  return {
    machine: 183,
    prologue(argv, environment) {
      code.push(0x9100_23f3); // add x19, sp, #8: argv
      storeR(argv);
      code.push(0xf940_03e9); // ldr x9, [sp]: argc
      code.push((0x8b20_0000 | (X9 << 16) | (3 << 13) | (3 << 10) | (31 << 5) | X10) >>> 0); // add x10, sp, x9, lsl #3
      code.push((0x9100_0000 | (16 << 10) | (X10 << 5) | R) >>> 0); // add x19, x10, #16: environ
      storeR(environment);
    },
    argumentConstant: (index, value) => constant(argument(index), value),
    argumentSlot: (index, address) => loadFrom(argument(index), address),
    call(number) {
      constant(X8, BigInt(number));
      code.push(0xd400_0001); // svc #0
      code.push(0xaa00_03f3); // mov x19, x0
    },
    jump(to) {
      fixups.push({ at: code.length * 4, to, conditional: false });
      code.push(0x1400_0000);
    },
    branchOnSign(negative, to) {
      constant(X9, 0n);
      compare();
      branch(negative ? LESS : NOT_LESS, to);
    },
    branchOnValue(equal, value, to) {
      constant(X9, BigInt(value));
      compare();
      branch(equal ? EQUAL : NOT_EQUAL, to);
    },
    branchOnSlot(address, to) {
      loadFrom(X9, address);
      compare();
      branch(EQUAL, to);
    },
    store: storeR,
    load: (address) => loadFrom(R, address),
    argument: (index) => void code.push((0xf940_0000 | ((index + 1) << 10) | (31 << 5) | R) >>> 0), // ldr x19, [sp, #…]
    set: (value) => constant(R, value),
    add: (value) => void code.push((0x9100_0000 | (value << 10) | (R << 5) | R) >>> 0),
    and(mask) {
      constant(X9, BigInt(mask));
      code.push((0x8a00_0000 | (X9 << 16) | (R << 5) | R) >>> 0);
    },
    shiftRight: (bits) => void code.push((0xd340_fc00 | (bits << 16) | (R << 5) | R) >>> 0),
    position: () => code.length * 4,
    finish(labels) {
      const bytes = new Uint8Array(code.length * 4);
      const view = new DataView(bytes.buffer);
      for (const [index, word] of code.entries()) view.setUint32(index * 4, word, true);
      for (const { at, to, conditional } of fixups) {
        const words = (labels(to) - at) / 4;
        const field = conditional ? (words & 0x7ffff) << 5 : words & 0x3ff_ffff;
        view.setUint32(at, (view.getUint32(at, true) | field) >>> 0, true);
      }
      return bytes;
    },
  };
}
