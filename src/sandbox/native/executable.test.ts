/** Every kind of step, run on a real processor or an emulated one, and compared with what it should have done. */
import { spawnSync } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { encode } from "./executable.ts";
import {
  argument,
  call,
  jump,
  label,
  load,
  type Operand,
  type Program,
  type Step,
  set,
  store,
  whenEqual,
  whenNegative,
  whenNotEqual,
} from "./program.ts";
import type { Arch } from "./syscalls.ts";

const scratch = mkdtempSync("/var/tmp/hardline-native-");
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const EMULATORS: Readonly<Record<Arch, string>> = {
  x64: "/usr/bin/qemu-x86_64-static",
  arm64: "/usr/bin/qemu-aarch64-static",
};

/** What runs a program of that machine here: nothing, an emulator, or `undefined` where there is none. */
function runnerOf(arch: Arch): readonly string[] | undefined {
  if (process.arch === arch) return [];
  try {
    accessSync(EMULATORS[arch], constants.X_OK);
    return [EMULATORS[arch]];
  } catch {
    return undefined;
  }
}

interface Ran {
  readonly status: number | null;
  readonly stdout: Buffer;
}

let programs = 0;

function run(program: Program, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Ran {
  programs += 1;
  const file = join(scratch, `program-${programs}`);
  writeFileSync(file, encode(program), { mode: 0o755 });
  const [command, ...rest] = [...(runnerOf(program.arch) ?? []), file, ...args];
  const { status, stdout, error } = spawnSync(command ?? "", rest, { env, timeout: 20_000 });
  if (error !== undefined) throw error;
  return { status, stdout };
}

/** Writes R as 8 bytes. */
const show: readonly Step[] = [store("shown"), call("write", [1, { address: "shown" }, 8])];
const leave = (status: Operand = 0): Step => call("exit_group", [status]);

/** Runs groups of steps, one after the other, and gives R as it was at the end of each. */
function evaluate(arch: Arch, groups: readonly (readonly Step[])[], buffers: Program["buffers"] = {}): bigint[] {
  const { status, stdout } = run({
    arch,
    steps: [...groups.flatMap((steps) => [...steps, ...show]), leave()],
    buffers,
  });
  expect(status).toBe(0);
  return groups.map((_, index) => stdout.readBigUInt64LE(index * 8));
}

const u64 = (value: bigint | number): bigint => BigInt.asUintN(64, BigInt(value));
const anyWord = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.constantFrom(0n, 1n, 2n ** 31n, 2n ** 32n, 2n ** 63n, 2n ** 64n - 1n),
);

describe.each(["x64", "arm64"] as const)("the encoder for %s", (arch) => {
  const here = runnerOf(arch) === undefined ? test.skipIf(true) : test;

  here("sets any 64-bit constant", () => {
    const words = fc.sample(anyWord, 60);
    expect(
      evaluate(
        arch,
        words.map((value) => [set(value)]),
      ),
    ).toEqual(words);
    expect(evaluate(arch, [[set(-1)], [set(-4095)], [set(0)]])).toEqual([u64(-1), u64(-4095), 0n]);
  });

  here("stores and loads, each slot by itself", () => {
    const words = fc.sample(anyWord, 20);
    const stored = words.flatMap((value, index) => [set(value), store(`slot-${index}`)]);
    const loads = words.map((_, index) => [load(`slot-${index}`)]);
    expect(evaluate(arch, [stored, ...loads]).slice(1)).toEqual(words);
    expect(evaluate(arch, [[load("never stored")]])).toEqual([0n]);
  });

  here("adds, masks and shifts as 64-bit words", () => {
    const cases = fc.sample(fc.tuple(anyWord, fc.nat(4095), fc.nat(0x7fff_ffff), fc.integer({ min: 1, max: 63 })), 40);
    const groups = cases.flatMap(([word, small, mask, bits]) => [
      [set(word), { op: "add", value: small } as const],
      [set(word), { op: "and", mask } as const],
      [set(word), { op: "shift-right", bits } as const],
    ]);
    const expected = cases.flatMap(([word, small, mask, bits]) => [
      u64(word + BigInt(small)),
      word & BigInt(mask),
      word >> BigInt(bits),
    ]);
    expect(evaluate(arch, groups)).toEqual(expected);
  });

  here("branches on sign, on equality with a constant, and on equality with a slot", () => {
    let count = 0;
    /** 1 where the branch is taken, else 2. */
    const taken = (before: readonly Step[], branch: (to: string) => Step): Step[] => {
      count += 1;
      const [to, after] = [`to-${count}`, `after-${count}`];
      return [...before, branch(to), set(2), jump(after), label(to), set(1), label(after)];
    };
    const cases: [Step[], boolean][] = [];
    for (const word of [0n, 1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 32n, 2n ** 31n]) {
      const negative = word >= 2n ** 63n;
      cases.push([taken([set(word)], whenNegative), negative]);
      cases.push([taken([set(word)], (to) => ({ op: "branch", when: "not-negative", to })), !negative]);
      for (const value of [0, 1, -1, -2, 4095, 0x7fff_ffff]) {
        cases.push([taken([set(word)], (to) => whenEqual(value, to)), word === u64(value)]);
        cases.push([taken([set(word)], (to) => whenNotEqual(value, to)), word !== u64(value)]);
      }
      for (const other of [word, word ^ 1n, word ^ (1n << 40n)]) {
        const steps = [set(other), store("other"), set(word)];
        cases.push([taken(steps, (to) => ({ op: "branch-slot", equal: "other", to })), other === word]);
      }
    }
    expect(
      evaluate(
        arch,
        cases.map(([steps]) => steps),
      ),
    ).toEqual(cases.map(([, isTaken]) => (isTaken ? 1n : 2n)));
  });

  here("jumps back as well as forward", () => {
    const steps = [set(0), label("again"), { op: "add", value: 1 } as const, whenNotEqual(1000, "again")];
    expect(evaluate(arch, [steps])).toEqual([1000n]);
  });

  here("passes every kind of argument in all six places", () => {
    // pread64(fd, buf, 8, offset) of the program itself would need a descriptor; a pipe needs none.
    const steps = [
      call("pipe2", [{ address: "pipe" }, 0]),
      load("pipe.ends"),
      { op: "and", mask: 0x7fff_ffff } as const,
      store("reading"),
      load("pipe.ends"),
      { op: "shift-right", bits: 32 } as const,
      store("writing"),
      call("write", [{ slot: "writing" }, { text: "ünïcode" }, 9]),
      call("write", [{ slot: "writing" }, { bytes: Uint8Array.of(0, 1, 0xff) }, 3]),
      call("read", [{ slot: "reading" }, { address: "text" }, 64]),
    ];
    expect(evaluate(arch, [steps], { pipe: ["pipe.ends"], text: 64 })).toEqual([12n]);
    // mmap takes six: the file's offset is the last, and one that is no multiple of a page is refused.
    const map = (offset: bigint): Step[] => [call("mmap", [0, 4096, 1, 0x22, -1, offset])];
    const [mapped, refused] = evaluate(arch, [map(0n), map(1n)]);
    expect(mapped).toBeGreaterThan(0n);
    expect(refused).toBe(u64(-22));
    expect(() => encode({ arch, steps: [call("mmap", [0, 0, 0, 0, 0, 0, 0])], buffers: {} })).toThrow(RangeError);
  });

  here("gives the error number as a negative result", () => {
    expect(
      evaluate(arch, [[call("close", [-1])], [call("openat", [-100, { text: "/nowhere/at/all" }, 0, 0])]]),
    ).toEqual([u64(-9), u64(-2)]);
  });

  here("lays a structure's fields one after the other, and buffers where they do not touch", () => {
    const buffers = { before: 3, pair: ["pair.first", "pair.second"], after: 3 };
    const steps = [
      set(11),
      store("pair.first"),
      set(22),
      store("pair.second"),
      call("write", [1, { address: "pair" }, 16]),
    ];
    const { stdout } = run({ arch, steps: [...steps, leave()], buffers });
    expect([stdout.readBigUInt64LE(0), stdout.readBigUInt64LE(8)]).toEqual([11n, 22n]);
  });

  here("finds its own arguments and its environment, and hands them on", () => {
    const first = [argument(1), store("first"), call("write", [1, { slot: "first" }, 5])];
    const echo = [call("execve", [{ slot: "echo" }, { slot: "argv" }, { slot: "environ" }]), leave(9)];
    const steps = [...first, argument(0), store("name"), argument(2), store("echo"), ...echo];
    const native = runnerOf(arch)?.length === 0;
    // What is executed is the machine's own program, which an emulator would not leave to itself.
    const { stdout, status } = run(
      { arch, steps: native ? steps : [...first, leave(7)], buffers: {} },
      ["hello", "/usr/bin/env"],
      { ONLY: "this" },
    );
    expect(stdout.toString("utf8", 0, 5)).toBe("hello");
    expect(status).toBe(native ? 127 : 7);
  });

  here("passes an array of strings that ends with a null pointer", () => {
    const strings = ["printf", "%s|", "one", "", "two words"];
    const steps = [call("execve", [{ text: "/usr/bin/printf" }, { strings }, { strings: ["A=b"] }]), leave(9)];
    const { stdout, status } = run({ arch, steps, buffers: {} });
    expect({ status, text: stdout.toString() }).toEqual({ status: 0, text: "one||two words|" });
  });

  here("ends with the status it is given", () => {
    expect(run({ arch, steps: [leave(42)], buffers: {} }).status).toBe(42);
  });

  test("refuses a label that is not there, and a NUL byte in a string", () => {
    expect(() => encode({ arch, steps: [jump("nowhere")], buffers: {} })).toThrow("no label nowhere");
    expect(() => encode({ arch, steps: [call("chdir", [{ text: "a\0b" }])], buffers: {} })).toThrow(RangeError);
    expect(() => encode({ arch, steps: [call("no_such_call", [])], buffers: {} })).toThrow(
      "no system call no_such_call",
    );
  });

  test("makes a file whose code cannot be written and whose data cannot be executed", () => {
    const file = Buffer.from(encode({ arch, steps: [leave()], buffers: { data: 64 } }));
    expect(file.readUInt16LE(18)).toBe(arch === "x64" ? 62 : 183);
    const segments = [0, 1, 2].map((index) => ({
      type: file.readUInt32LE(64 + index * 56),
      flags: file.readUInt32LE(68 + index * 56),
    }));
    const [R, W, X] = [4, 2, 1];
    expect(segments).toEqual([
      { type: 1, flags: R | X },
      { type: 1, flags: R | W },
      { type: 0x6474_e551, flags: R | W },
    ]);
  });
});
