import { expect, test } from "vitest";
import {
  isRepository,
  isRepositoryConfig,
  RUN_LATER_NAMES,
  whyDirectoryRunsLater,
  whyPathRunsLater,
  whyRunLater,
} from "./runs-later.ts";

test("every name has a reason of its own, and is known before a start and after a run alike", () => {
  expect(new Set(RUN_LATER_NAMES).size).toBe(RUN_LATER_NAMES.length);
  for (const name of RUN_LATER_NAMES) {
    expect(whyRunLater(name), name).toMatch(/\w/);
    const isDirectory = whyDirectoryRunsLater(name) !== undefined;
    if (name !== "node_modules") {
      expect(whyPathRunsLater(isDirectory ? ["place", name, "deep", "x"] : ["place", name], false), name).toBe(
        whyRunLater(name),
      );
    }
  }
});

test.each([
  "notes.txt",
  "state.db",
  "config",
  "HEAD",
  "objects",
  "git",
  "envrc",
  "makefile.txt",
  "Makefile.am",
  ".cargo",
])("innocent: %s", (name) => {
  expect(whyRunLater(name)).toBeUndefined();
  expect(whyPathRunsLater(["place", name], false)).toBeUndefined();
  expect(whyPathRunsLater(["place", `${name}-dir`, "x"], false)).toBeUndefined();
});

test("a `.git` that is a file leads elsewhere", () => {
  expect(whyPathRunsLater(["sub", ".git"], false)).toMatch("git goes to the repository that it names");
  expect(whyPathRunsLater(["sub", "x.git"], false)).toBeUndefined();
});

test("configuration of a repository, and nowhere else", () => {
  for (const name of ["config", "config.worktree", "commondir"]) {
    expect(whyPathRunsLater(["b", name], true), name).toMatch("git ");
    expect(whyPathRunsLater([".git", "modules", "lib", name], false), name).toMatch("git ");
    expect(whyPathRunsLater(["b", name], false), name).toBeUndefined();
  }
  expect(whyPathRunsLater(["b", "HEAD"], true)).toBeUndefined();
  expect(["config", "config.worktree", "commondir", "HEAD", "x"].map(isRepositoryConfig)).toEqual([
    ...[true, true, true],
    ...[false, false],
  ]);
});

test("names that matter in one directory only", () => {
  expect(whyPathRunsLater([".cargo", "config.toml"], false)).toMatch("cargo");
  expect(whyPathRunsLater([".cargo", "registry", "config.json"], false)).toBeUndefined();
  expect(whyPathRunsLater(["app", "config.toml"], false)).toBeUndefined();
  expect(whyPathRunsLater(["x.git", "hooks", "update"], false)).toBe("git runs hooks");
  expect(whyPathRunsLater(["x", "hooks", "update"], false)).toBeUndefined();
});

test.each([
  [["HEAD", "objects", "refs", "config"], true],
  [["HEAD", "commondir"], true],
  [["objects", "refs", "config"], false],
  [["HEAD", "config"], false],
  [[], false],
])("%j is a repository: %j", (names, expected) => {
  expect(isRepository((name) => names.includes(name))).toBe(expected);
});
