/** x86-64 encodings of the steps of a program. Source: Intel SDM volume 2; the kernel's calling convention, `syscall(2)`. */
import type { Encoder, Fixup } from "./encoder.ts";

/** Argument registers rdi, rsi, rdx, r10, r8, r9 by their number. */
const ARGUMENTS = [7, 6, 2, 10, 8, 9] as const;
const RAX = 0;
const RBX = 3;

export function x64Encoder(): Encoder {
  const code: number[] = [];
  const fixups: Fixup[] = [];

  const u32 = (value: number): void => {
    code.push(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, (value >>> 24) & 0xff);
  };
  const constant = (register: number, value: bigint): void => {
    code.push(register >= 8 ? 0x49 : 0x48, 0xb8 | (register & 7));
    const bits = BigInt.asUintN(64, value);
    u32(Number(bits & 0xffff_ffffn));
    u32(Number(bits >> 32n));
  };
  /** An instruction with a register and an absolute 32-bit address: our image lies below 2^31. */
  const absolute = (opcode: number, register: number, address: number): void => {
    code.push(register >= 8 ? 0x4c : 0x48, opcode, ((register & 7) << 3) | 4, 0x25);
    u32(address);
  };
  const relative = (to: string): void => {
    fixups.push({ at: code.length, to });
    u32(0);
  };
  const register = (index: number): number => {
    const found = ARGUMENTS[index];
    if (found === undefined) throw new RangeError("a system call takes six arguments at most");
    return found;
  };

  return {
    machine: 62,
    prologue(argv, environment) {
      code.push(0x48, 0x8b, 0x04, 0x24); // mov rax, [rsp]: argc
      code.push(0x48, 0x8d, 0x5c, 0x24, 0x08); // lea rbx, [rsp+8]: argv
      absolute(0x89, RBX, argv);
      code.push(0x48, 0x8d, 0x5c, 0xc4, 0x10); // lea rbx, [rsp+rax*8+16]: environ
      absolute(0x89, RBX, environment);
    },
    argumentConstant: (index, value) => constant(register(index), value),
    argumentSlot: (index, address) => absolute(0x8b, register(index), address),
    call(number) {
      constant(RAX, BigInt(number));
      code.push(0x0f, 0x05); // syscall
      code.push(0x48, 0x89, 0xc3); // mov rbx, rax
    },
    jump(to) {
      code.push(0xe9);
      relative(to);
    },
    branchOnSign(negative, to) {
      code.push(0x48, 0x85, 0xdb); // test rbx, rbx
      code.push(0x0f, negative ? 0x88 : 0x89); // js / jns
      relative(to);
    },
    branchOnValue(equal, value, to) {
      code.push(0x48, 0x81, 0xfb); // cmp rbx, imm32
      u32(value);
      code.push(0x0f, equal ? 0x84 : 0x85); // je / jne
      relative(to);
    },
    branchOnSlot(address, to) {
      absolute(0x3b, RBX, address); // cmp rbx, [address]
      code.push(0x0f, 0x84);
      relative(to);
    },
    store: (address) => absolute(0x89, RBX, address),
    load: (address) => absolute(0x8b, RBX, address),
    argument(index) {
      code.push(0x48, 0x8b, 0x9c, 0x24); // mov rbx, [rsp+disp32]
      u32(8 + 8 * index);
    },
    set: (value) => constant(RBX, value),
    add(value) {
      code.push(0x48, 0x81, 0xc3); // add rbx, imm32
      u32(value);
    },
    and(mask) {
      code.push(0x48, 0x81, 0xe3); // and rbx, imm32
      u32(mask);
    },
    shiftRight: (bits) => void code.push(0x48, 0xc1, 0xeb, bits), // shr rbx, imm8
    position: () => code.length,
    finish(labels) {
      const bytes = Uint8Array.from(code);
      const view = new DataView(bytes.buffer);
      for (const { at, to } of fixups) view.setInt32(at, labels(to) - (at + 4), true);
      return bytes;
    },
  };
}
