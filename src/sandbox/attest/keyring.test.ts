import { expect, test } from "vitest";
import { keyringDifferences } from "./keyring.ts";

const KEYS = [
  "0000abcd I--Q---     1 perm 3f030000  1000  1000 keyring   _ses: empty",
  "0000abce I--Q---     2 perm 3f030000  1000  1000 keyring   _ses: 1",
  "0000abcf I--Q---     2 perm 3f010000  1000  1000 user      secret: 7",
  "",
].join("\n");
const visible = (): string => KEYS;
const unasked = (): never => {
  throw new Error("nobody should have asked");
};

test("a fresh, empty one is as it should be", () => {
  expect(keyringDifferences({ before: 1, after: 0xabcd }, visible)).toEqual([]);
});

test("one that the supervisor may not see is taken on the keeper's word", () => {
  expect(keyringDifferences({ before: 1, after: 0xffff }, visible)).toEqual([]);
});

test("a kernel without keyrings has nothing to reach", () => {
  expect(keyringDifferences({ before: -38, after: -38 }, unasked)).toEqual([]);
});

test("a caller without one of its own does not matter", () => {
  expect(keyringDifferences({ before: -126, after: 0xabcd }, visible)).toEqual([]);
});

test.each([
  [undefined, "no fresh session keyring could be joined (not told; a container may forbid keyctl)"],
  [-1, "no fresh session keyring could be joined (-1; a container may forbid keyctl)"],
  [0, "no fresh session keyring could be joined (0; a container may forbid keyctl)"],
])("none: %s", (after, sentence) => {
  expect(keyringDifferences({ before: 1, after }, unasked)).toEqual([sentence]);
});

test("the caller's own is named", () => {
  expect(keyringDifferences({ before: 0xabcd, after: 0xabcd }, unasked)).toEqual([
    "the session keyring is the caller's own",
  ]);
});

test.each([0xabce, 0xabcf])("one that holds something is named: %s", (after) => {
  expect(keyringDifferences({ before: 1, after }, visible)).toEqual(["the session keyring is not empty"]);
});

test("the kernel's own list is what is asked", () => {
  expect(keyringDifferences({ before: 1, after: 2 })).toEqual([]);
});
