import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Agent } from "../policy/types.ts";
import { rootAgent } from "../sandbox/made-up.ts";
import { surroundings } from "./surroundings.ts";

let place: string;
const at = (path: string): string => join(place, path);
beforeEach(() => {
  place = realpathSync(mkdtempSync("/var/tmp/hardline-surroundings-"));
  for (const directory of ["root/state/.git/hooks", "root/memory", "ws/conf/deep", "read", "hl", "tools"]) {
    mkdirSync(at(directory), { recursive: true });
  }
  for (const file of ["root/state/a", "ws/conf/deep/limits.txt", "read/x", "file", "source", "tools/bot"]) {
    writeFileSync(at(file), "x", { mode: 0o755 });
  }
  symlinkSync("a", at("root/state/link"));
  symlinkSync("read", at("seen"));
});
afterEach(() => rmSync(place, { recursive: true }));

const inRoot = (): Agent =>
  rootAgent(at("root"), ["state", "memory"], {
    ...{ run: ["bot"], env: { PATH: at("tools") }, read: [at("read"), at("file"), at("seen"), at("absent")] },
  });
const inWorkspace = (): Agent => {
  const sealed = [
    { path: "conf/deep/limits.txt", directory: false },
    { path: "laid", source: at("source"), directory: false },
  ];
  return { ...rootAgent(at("ws"), []), shape: { kind: "workspace", workspace: at("ws"), sealed } };
};

test("the same is the same", () => {
  for (const agent of [inRoot(), inWorkspace()])
    expect(surroundings(agent, at("hl"))).toBe(surroundings(agent, at("hl")));
});

test.each<[string, () => void]>([
  ["a new name in a mutable directory", () => writeFileSync(at("root/state/b"), "")],
  ["a name that has gone", () => rmSync(at("root/state/a"))],
  [
    "a link that leads elsewhere",
    () => {
      rmSync(at("root/state/link"));
      symlinkSync("b", at("root/state/link"));
    },
  ],
  [
    "a name of another kind",
    () => {
      rmSync(at("root/state/a"));
      mkdirSync(at("root/state/a"));
    },
  ],
  ["a hook", () => writeFileSync(at("root/state/.git/hooks/update"), "")],
  [
    "a `.git` that is a file",
    () => {
      rmSync(at("root/state/.git"), { recursive: true });
      writeFileSync(at("root/state/.git"), "");
    },
  ],
  ["packages", () => mkdirSync(at("root/memory/node_modules"))],
  ["a mutable directory that has gone", () => rmSync(at("root/memory"), { recursive: true })],
  [
    "one that has become a link",
    () => {
      renameSync(at("root/memory"), at("m"));
      symlinkSync("../m", at("root/memory"));
    },
  ],
  ["a `read:` path that has come", () => mkdirSync(at("absent"))],
  ["one that has gone", () => rmSync(at("read"), { recursive: true })],
  [
    "one that is another file",
    () => {
      rmSync(at("file"));
      writeFileSync(at("file"), "x");
    },
  ],
  [
    "one that leads elsewhere",
    () => {
      rmSync(at("seen"));
      symlinkSync("tools", at("seen"));
    },
  ],
  [
    "one whose target is another",
    () => {
      renameSync(at("read"), at("old"));
      mkdirSync(at("read"));
    },
  ],
  ["a program that has gone", () => rmSync(at("tools/bot"))],
  ["a program that is no longer one", () => chmodSync(at("tools/bot"), 0o600)],
])("%s", (_what, change) => {
  const before = surroundings(inRoot(), at("hl"));
  change();
  expect(surroundings(inRoot(), at("hl"))).not.toBe(before);
});

test.each<[string, () => void]>([
  ["a name in the workspace", () => writeFileSync(at("ws/new"), "")],
  ["a name beside something sealed", () => writeFileSync(at("ws/conf/deep/new"), "")],
  [
    "a link above something sealed",
    () => {
      renameSync(at("ws/conf"), at("c"));
      symlinkSync("../c", at("ws/conf"));
    },
  ],
  [
    "a link at a source",
    () => {
      renameSync(at("source"), at("s"));
      symlinkSync("s", at("source"));
    },
  ],
])("of a workspace: %s", (_what, change) => {
  const before = surroundings(inWorkspace(), at("hl"));
  change();
  expect(surroundings(inWorkspace(), at("hl"))).not.toBe(before);
});

test("of the places where a program is looked for, only those that come before it is found", () => {
  const looking = (): string => {
    const agent = inRoot();
    return surroundings({ ...agent, env: { PATH: `${at("read")}:${at("tools")}:${at("hl")}` } }, at("hl"));
  };
  const before = looking();
  writeFileSync(at("hl/bot"), "", { mode: 0o755 });
  expect(looking()).toBe(before);
  mkdirSync(at("read/bot"));
  const shadowed = looking();
  rmSync(at("read/bot"), { recursive: true });
  writeFileSync(at("read/bot"), "", { mode: 0o755 });
  expect(new Set([before, shadowed, looking()]).size).toBe(3);
});

test("another state directory", () => {
  expect(surroundings(inRoot(), at("hl"))).not.toBe(surroundings(inRoot(), at("other")));
});

test("not what a mutable file holds, nor what lies deeper in a mutable directory", () => {
  mkdirSync(at("root/memory/days"));
  const before = surroundings(inRoot(), at("hl"));
  writeFileSync(at("root/state/a"), "different");
  writeFileSync(at("root/memory/days/monday"), "");
  writeFileSync(at("read/new"), "");
  expect(surroundings(inRoot(), at("hl"))).toBe(before);
});
