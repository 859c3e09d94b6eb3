/**
 * System calls of x86-64's other two ABIs. The encoder of Hardline's own programs knows only the native one, and should
 * not learn these: a marked native call is turned into a foreign one after encoding.
 */

/** First argument of a call that is to become a foreign one, plus its index. */
export const FOREIGN_MARK = 0x5f0e_1690_0000_0000n;

export type ForeignAbi =
  /** i386 by `int 0x80`: number in eax, first argument in ebx. */
  | { readonly abi: "i386"; readonly number: number }
  /** x32: the native entry with bit 30 set in the number. */
  | { readonly abi: "x32"; readonly number: number };

const X32_BIT = 0x4000_0000;

/** Source: Intel SDM volume 2 for the bytes; the encoder's own form of a call with one constant argument. */
export function patchForeignCalls(file: Uint8Array, calls: readonly ForeignAbi[]): Uint8Array {
  const bytes = Buffer.from(file);
  for (const [index, { abi, number }] of calls.entries()) {
    const marked = Buffer.alloc(10);
    marked.set([0x48, 0xbf]); // mov rdi, imm64
    marked.writeBigUInt64LE(FOREIGN_MARK + BigInt(index), 2);
    const at = bytes.indexOf(marked);
    // mov rax, imm64 (10 bytes), syscall (2 bytes)
    if (at < 0 || bytes.readUInt16LE(at + 20) !== 0x050f) throw new Error("the marked call is not encoded as expected");
    bytes.writeBigUInt64LE(0n, at + 2);
    bytes.writeBigUInt64LE(BigInt(abi === "x32" ? number | X32_BIT : number), at + 12);
    if (abi === "i386") bytes.set([0xcd, 0x80], at + 20);
  }
  return bytes;
}
