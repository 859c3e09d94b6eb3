import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ownStateDirectory } from "./state-directory.ts";

let place: string;

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), "hardline-state-"));
});

afterEach(() => rmSync(place, { recursive: true, force: true }));

test("is made for its owner alone", () => {
  const state = join(place, "a", "b");
  ownStateDirectory(state);
  expect(statSync(state).mode & 0o777).toBe(0o700);
  ownStateDirectory(state);
});

test("is refused where others can write to it", () => {
  const state = join(place, "shared");
  mkdirSync(state);
  chmodSync(state, 0o775);
  expect(() => ownStateDirectory(state)).toThrow(/can be written by others/);
  chmodSync(state, 0o757);
  expect(() => ownStateDirectory(state)).toThrow(/can be written by others/);
  chmodSync(state, 0o755);
  expect(() => ownStateDirectory(state)).not.toThrow();
});

test("is refused where a directory above can be written by others, unless that is sticky", () => {
  const open = join(place, "open");
  mkdirSync(open);
  chmodSync(open, 0o777);
  expect(() => ownStateDirectory(join(open, "state"))).toThrow(/lies in .*open, which others can write to/);
  chmodSync(open, 0o1777);
  expect(() => ownStateDirectory(join(open, "state"))).not.toThrow();
});

test("is refused where it is a file, or cannot be made", () => {
  writeFileSync(join(place, "file"), "");
  expect(() => ownStateDirectory(join(place, "file"))).toThrow(/cannot be made/);
  expect(() => ownStateDirectory(join(place, "file", "below"))).toThrow(/cannot be made/);
});

test.runIf(process.getuid?.() === 0)("is refused where it is somebody else's", () => {
  const state = join(place, "theirs");
  mkdirSync(state);
  chownSync(state, 12_345, 12_345);
  expect(() => ownStateDirectory(state)).toThrow(/belongs to uid 12345/);
});
