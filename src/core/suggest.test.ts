import fc from "fast-check";
import { expect, test } from "vitest";
import { didYouMean, editDistance, suggest } from "./suggest.ts";

const KEYS = ["run", "root", "mutable", "workspace", "sealed", "red_lines", "resources", "env"];

test.each([
  ["mutabel", "mutable"],
  ["workspce", "workspace"],
  ["redlines", "red_lines"],
  ["red-lines", "red_lines"],
  ["RedLines", "red_lines"],
  ["rot", "root"],
  ["resourecs", "resources"],
])("%s was meant to be %s", (written, meant) => {
  expect(suggest(written, KEYS)).toBe(meant);
  expect(didYouMean(written, KEYS)).toBe(`did you mean "${meant}"?`);
});

test.each(["", "x", "banana", "completely", "e".repeat(5000)])("nothing is near %s", (written) => {
  expect(suggest(written, KEYS)).toBeUndefined();
  expect(didYouMean(written, KEYS)).toBe("");
});

test("two letters exchanged are one edit, and the distance is symmetric and bounded", () => {
  expect(editDistance("mutabel", "mutable")).toBe(1);
  expect(editDistance("", "abc")).toBe(3);
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
      const distance = editDistance(a, b);
      expect(distance).toBe(editDistance(b, a));
      expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
      expect(distance).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
      expect(distance === 0).toBe(a === b);
    }),
  );
});
