import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { rootAgent, workspaceAgent } from "./made-up.ts";
import { prepareMutable } from "./mutable.ts";

const IS_ROOT = process.getuid?.() === 0;
/** Handing over is root's; an ordinary user can only try it out on what is its own already. */
const OWNER = IS_ROOT
  ? { uid: 1_879_100_000, gid: 1_879_100_001 }
  : { uid: process.getuid?.() ?? -1, gid: process.getgid?.() ?? -1 };

let place: string;
let root: string;
beforeEach(() => {
  place = realpathSync(mkdtempSync(join(tmpdir(), "hardline-mutable-")));
  root = join(place, "bot ü");
  mkdirSync(root);
});
afterEach(() => rmSync(place, { recursive: true }));

function put(path: string, content = "x"): string {
  const file = join(place, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

function ownerOf(path: string): { uid: number; gid: number } {
  const { uid, gid } = lstatSync(path);
  return { uid, gid };
}
const OURS = { uid: process.getuid?.() ?? -1, gid: process.getgid?.() ?? -1 };

describe("what is absent", () => {
  test("is made, with the directories on the way", () => {
    prepareMutable(rootAgent(root, ["state", "var/cache/deep"]), undefined);
    expect(statSync(join(root, "state")).isDirectory()).toBe(true);
    expect(statSync(join(root, "var/cache/deep")).isDirectory()).toBe(true);
    expect(ownerOf(join(root, "state"))).toEqual(OURS);
  });

  test("is made the agent's own, but not the directories on the way", () => {
    prepareMutable(rootAgent(root, ["var/cache"]), OWNER);
    expect(ownerOf(join(root, "var/cache"))).toEqual(OWNER);
    expect(ownerOf(join(root, "var"))).toEqual(OURS);
    expect(ownerOf(root)).toEqual(OURS);
  });

  test.each(["state/deep", "state"])("is not made through a symlink: %s", (path) => {
    mkdirSync(join(place, "elsewhere"));
    symlinkSync("../elsewhere", join(root, "state"));
    const act = (): void => prepareMutable(rootAgent(root, [path]), OWNER);
    if (path === "state") act();
    else expect(act).toThrow(`${join(root, "state")} could not be opened: `);
    expect(readdirSync(join(place, "elsewhere"))).toEqual([]);
    expect(ownerOf(join(place, "elsewhere"))).toEqual(OURS);
  });

  test("is not made in a root that is reached through a symlink", () => {
    symlinkSync("bot ü", join(place, "alias"));
    expect(() => prepareMutable(rootAgent(join(place, "alias"), ["state"]), undefined)).toThrow(
      /could not be opened: /,
    );
    symlinkSync(".", join(place, "here"));
    const through = join(place, "here", "bot ü");
    expect(() => prepareMutable(rootAgent(through, ["state"]), undefined)).toThrow(
      `${through} is reached through a symlink`,
    );
    expect(readdirSync(root)).toEqual([]);
  });

  test("is not made in a file", () => {
    put("bot ü/state", "a file");
    expect(() => prepareMutable(rootAgent(root, ["state/deep"]), undefined)).toThrow(/could not be opened: ENOTDIR/);
  });
});

describe("what is there", () => {
  test("is handed over with everything in it, and nothing beside it", () => {
    const inner = put("bot ü/state/a/b/c.txt");
    const beside = put("bot ü/limits.txt");
    prepareMutable(rootAgent(root, ["state"]), OWNER);
    for (const path of [inner, dirname(inner), join(root, "state/a"), join(root, "state")]) {
      expect(ownerOf(path)).toEqual(OWNER);
    }
    expect(ownerOf(beside)).toEqual(OURS);
    expect(ownerOf(root)).toEqual(OURS);
  });

  test("may be a single file", () => {
    const file = put("bot ü/state.db");
    prepareMutable(rootAgent(root, ["state.db"]), OWNER);
    expect(ownerOf(file)).toEqual(OWNER);
  });

  test("is left as it is for an ordinary user", () => {
    const file = put("bot ü/state/a");
    const before = lstatSync(file);
    prepareMutable(rootAgent(root, ["state"]), undefined);
    expect(lstatSync(file).ctimeMs).toBe(before.ctimeMs);
  });

  test("is handed over in a workspace but for what is sealed", () => {
    const mine = put("bot ü/src/code.py");
    const sealed = put("bot ü/src/limits.py");
    const deep = put("bot ü/.git/hooks/pre-commit");
    prepareMutable(workspaceAgent(root, ["src/limits.py", ".git/"]), OWNER);
    expect(ownerOf(root)).toEqual(OWNER);
    expect(ownerOf(mine)).toEqual(OWNER);
    expect(ownerOf(sealed)).toEqual(OURS);
    expect(ownerOf(deep)).toEqual(OURS);
    expect(ownerOf(join(root, ".git"))).toEqual(OURS);
  });

  test("and is a symlink is handed over itself, never what it points to", () => {
    const target = put("secret");
    mkdirSync(join(place, "outside"));
    mkdirSync(join(root, "state"));
    symlinkSync(target, join(root, "state/file"));
    symlinkSync(join(place, "outside"), join(root, "state/directory"));
    symlinkSync("/nowhere", join(root, "state/dangling"));
    prepareMutable(rootAgent(root, ["state"]), OWNER);
    for (const name of ["file", "directory", "dangling"]) expect(ownerOf(join(root, "state", name))).toEqual(OWNER);
    expect(ownerOf(target)).toEqual(OURS);
    expect(ownerOf(join(place, "outside"))).toEqual(OURS);
  });

  test("and is a pipe or a socket does not hold the start up", () => {
    mkdirSync(join(root, "state"));
    execFileSync("mkfifo", [join(root, "state/pipe")]);
    prepareMutable(rootAgent(root, ["state"]), OWNER);
    expect(ownerOf(join(root, "state/pipe"))).toEqual(OWNER);
  });

  test.runIf(IS_ROOT)("and has a second name elsewhere is refused, and stays as it is (F7)", () => {
    const secret = put("limits.txt");
    mkdirSync(join(root, "state/deep"), { recursive: true });
    linkSync(secret, join(root, "state/deep/innocent"));
    expect(() => prepareMutable(rootAgent(root, ["state"]), OWNER)).toThrow(
      `${join(root, "state/deep/innocent")} has 2 names and is not the agent's own; it will not be handed over`,
    );
    expect(ownerOf(secret)).toEqual(OURS);
  });

  test.runIf(IS_ROOT)("and is the agent's own may have as many names as it likes", () => {
    const file = put("bot ü/state/a");
    linkSync(file, join(root, "state/b"));
    chownSync(file, OWNER.uid, OWNER.gid);
    prepareMutable(rootAgent(root, ["state"]), OWNER);
    expect(ownerOf(file)).toEqual(OWNER);
  });
});

test.runIf(IS_ROOT)("a directory that turns into a symlink and back meanwhile leads nowhere else", async () => {
  // What a second run of the agent can do while this one is made ready.
  const outside = put("outside/secret");
  mkdirSync(join(root, "state"));
  put("bot ü/state/real/file");
  symlinkSync(join(place, "outside"), join(root, "state/link"));
  const script = `
    const { renameSync } = require("node:fs");
    process.chdir(process.argv[1]);
    process.stdout.write("on");
    for (;;) {
      try { renameSync("real", "kept"); renameSync("link", "real"); renameSync("real", "link"); renameSync("kept", "real"); }
      catch {}
    }
  `;
  const child = spawn(process.execPath, ["-e", script, join(root, "state")], { stdio: ["ignore", "pipe", "ignore"] });
  try {
    await once(child.stdout, "data");
    const until = Date.now() + 1500;
    let rounds = 0;
    for (; Date.now() < until; rounds += 1) {
      chownSync(join(root, "state"), 0, 0);
      prepareMutable(rootAgent(root, ["state"]), OWNER);
      expect(ownerOf(outside)).toEqual(OURS);
      expect(ownerOf(dirname(outside))).toEqual(OURS);
    }
    expect(rounds).toBeGreaterThan(10);
  } finally {
    child.kill("SIGKILL");
    await once(child, "close");
  }
  expect(existsSync(outside)).toBe(true);
});

test("a mutable place that was replaced by a symlink since it was looked at is refused", () => {
  mkdirSync(join(root, "var/state"), { recursive: true });
  mkdirSync(join(place, "outside/state"), { recursive: true });
  renameSync(join(root, "var"), join(root, "old"));
  symlinkSync(join(place, "outside"), join(root, "var"));
  expect(() => prepareMutable(rootAgent(root, ["var/state"]), OWNER)).toThrow(
    /\/var could not be opened: (ELOOP|ENOTDIR)/,
  );
  expect(ownerOf(join(place, "outside/state"))).toEqual(OURS);
});
