import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MESSAGE_BYTES, MESSAGES, type Message, parseMessages, Script } from "./channel.ts";

const KINDS = Object.keys(MESSAGES) as (keyof typeof MESSAGES)[];

/** As the small programs write it: two little-endian words of 64 bits. */
function written({ kind, value }: Message): Buffer {
  const bytes = Buffer.alloc(MESSAGE_BYTES);
  bytes.writeBigInt64LE(BigInt(MESSAGES[kind]), 0);
  bytes.writeBigInt64LE(BigInt(value), 8);
  return bytes;
}

describe("messages", () => {
  test.each(KINDS)("%s is read with its number, also a negative one", (kind) => {
    for (const value of [0, 1, -1, -38, 2 ** 40, -(2 ** 40)]) {
      const { messages, rest } = parseMessages(written({ kind, value }));
      expect(messages).toEqual([{ kind, value }]);
      expect(rest).toHaveLength(0);
    }
  });

  test("have numbers of their own", () => {
    expect(new Set(Object.values(MESSAGES)).size).toBe(KINDS.length);
  });

  test("are read alike however they arrive", () => {
    const message = fc.record({ kind: fc.constantFrom(...KINDS), value: fc.integer() });
    const sent = fc
      .array(message, { maxLength: 8 })
      .chain((messages) =>
        fc.tuple(fc.constant(messages), fc.array(fc.nat({ max: messages.length * MESSAGE_BYTES }), { maxLength: 9 })),
      );
    fc.assert(
      fc.property(sent, ([messages, cuts]) => {
        const whole = Buffer.concat(messages.map(written));
        const seen: Message[] = [];
        let rest: Buffer = Buffer.alloc(0);
        const ends = [...cuts.sort((a, b) => a - b), whole.length];
        for (const [index, end] of ends.entries()) {
          const parsed = parseMessages(Buffer.concat([rest, whole.subarray(ends[index - 1] ?? 0, end)]));
          seen.push(...parsed.messages);
          rest = parsed.rest;
          expect(rest.length).toBeLessThan(MESSAGE_BYTES);
        }
        expect(seen).toEqual(messages);
        expect(rest).toHaveLength(0);
      }),
    );
  });

  test.each([0, -1, 99, 2 ** 33])("of a kind that nobody knows are an error: %d", (kind) => {
    const bytes = Buffer.alloc(MESSAGE_BYTES);
    bytes.writeBigInt64LE(BigInt(kind));
    expect(() => parseMessages(bytes)).toThrow("unknown message from the sandbox's gate");
    expect(() => parseMessages(Buffer.concat([written({ kind: "ready", value: 0 }), bytes]))).toThrow(RangeError);
  });
});

test("a script numbers its checked calls, so that a failure names the one", () => {
  const script = new Script().must("setsid", [], "first").may("close", [0], "unchecked").must("umask", [0], "second");
  expect(script.checked).toEqual(["setsid: first", "umask: second"]);
  const jumps = script.steps.filter((step) => step.op === "jump");
  expect(jumps).toEqual([
    { op: "jump", to: "failed" },
    { op: "jump", to: "failed" },
  ]);
});
