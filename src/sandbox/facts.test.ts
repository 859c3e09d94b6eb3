import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { collectFacts } from "./facts.ts";

const IS_ROOT = process.getuid?.() === 0;
const WHO = IS_ROOT ? { agentUid: 4711 } : {};
let place: string;
beforeEach(() => {
  place = realpathSync(mkdtempSync(join(tmpdir(), "hardline-facts-")));
});
afterEach(() => {
  chmodSync(place, 0o755);
  rmSync(place, { recursive: true });
});
const facts = (read: readonly string[] = []) => collectFacts({ state: join(place, "state"), read, ...WHO });

test("the agent has a uid of its own as root's, and the user's own otherwise", () => {
  const { root, agentUid, agentGid } = facts();
  expect({ root, agentUid, agentGid }).toEqual(
    IS_ROOT
      ? { root: true, agentUid: 4711, agentGid: 4711 }
      : { root: false, agentUid: process.getuid?.(), agentGid: process.getgid?.() },
  );
});

test.runIf(IS_ROOT)("root without a uid for the agent is a fault of the caller's", () => {
  expect(() => collectFacts({ state: join(place, "state"), read: [] })).toThrow(
    "as root, an agent needs a uid of its own",
  );
});

test.runIf(IS_ROOT)("a set-uid Hardline is refused", () => {
  chmodSync(place, 0o755);
  process.seteuid?.(12_345);
  try {
    expect(() => facts()).toThrow("Hardline must not be run with a set-uid bit");
  } finally {
    process.seteuid?.(0);
  }
});

test("the system's directories are links or directories, as on this host", () => {
  for (const { name, link } of facts().systemDirectories) {
    expect(lstatSync(name).isSymbolicLink()).toBe(link !== undefined);
  }
  expect(facts().systemDirectories.map(({ name }) => name)).toContain("/bin");
});

test("what is covered in /proc is what this kernel has there", () => {
  expect(facts().covered).toEqual(["/proc/keys", "/proc/key-users"].filter((path) => existsSync(path)));
});

test("a readable path is known with what it really is, and an absent one is not known at all", () => {
  mkdirSync(join(place, "runtime"));
  writeFileSync(join(place, "runtime/node"), "");
  const paths = ["runtime", "runtime/node", "none"].map((name) => join(place, name));
  expect(facts(paths).read).toEqual([
    { path: join(place, "runtime"), source: join(place, "runtime"), kind: "directory" },
    { path: join(place, "runtime/node"), source: join(place, "runtime/node"), kind: "file" },
  ]);
});

test("a link cannot be shown: whoever may change it would choose what the agent reads", () => {
  mkdirSync(join(place, "runtime"));
  writeFileSync(join(place, "runtime/node"), "");
  symlinkSync("runtime", join(place, "link"));
  for (const name of ["link", "link/node"]) {
    expect(() => facts([join(place, name)])).toThrow(
      `read: ${join(place, name)} is a symlink, or is reached through one`,
    );
  }
});

test("what is neither file nor directory cannot be shown", () => {
  execFileSync("mkfifo", [join(place, "pipe")]);
  expect(() => facts([join(place, "pipe")])).toThrow(`read: ${join(place, "pipe")} is neither file nor directory`);
});

test("what leads nowhere by going in a circle is refused by name", () => {
  symlinkSync("b", join(place, "a"));
  symlinkSync("a", join(place, "b"));
  expect(() => facts([join(place, "a")])).toThrow(
    expect.objectContaining({ code: "bad-path", message: `read: ${join(place, "a")} cannot be looked at: ELOOP` }),
  );
});
