import { execFileSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findLeftovers } from "./leftovers.ts";

const IS_ROOT = process.getuid?.() === 0;
let place: string;
beforeEach(() => {
  place = realpathSync(mkdtempSync(join(tmpdir(), "hardline-leftovers-")));
});
afterEach(() => {
  execFileSync("chmod", ["-R", "u+rwX", place]);
  // The deepest paths are longer than what Node.js can name.
  execFileSync("rm", ["-rf", place]);
});

function put(path: string, mode = 0o644): string {
  const file = join(place, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, "x");
  chmodSync(file, mode);
  return file;
}

/** Directories in one another, deeper than a path can be long: each is entered by its own name alone. */
function nest(name: string, times: number): void {
  const script = `
    const [name, times] = process.argv.slice(1);
    for (let left = Number(times); left > 0; left -= 1) {
      require("node:fs").mkdirSync(name);
      process.chdir(name);
    }
    require("node:fs").writeFileSync(".envrc", "");
  `;
  execFileSync(process.execPath, ["-e", script, name, String(times)], { cwd: place });
}

function asOrdinaryUser<T>(act: () => T): T {
  if (!IS_ROOT) return act();
  chmodSync(place, 0o755);
  process.seteuid?.(12_345);
  try {
    return act();
  } finally {
    process.seteuid?.(0);
  }
}

/** What is found, by path relative to the place. */
function found(since = 0): Record<string, string> {
  const { leftovers } = findLeftovers([place], since);
  return Object.fromEntries(leftovers.map(({ path, why }) => [path.slice(place.length + 1), why]));
}

describe("a name that something obeys", () => {
  test.each([
    [".envrc", "direnv runs it when somebody enters the directory"],
    [".mcp.json", "MCP clients start the servers that it names"],
    [".npmrc", "npm obeys it"],
    [".gitconfig", "git obeys it, and it can name programs"],
    [".gitattributes", "git obeys it, and it can name filters"],
    [".bashrc", "shells run it"],
    [".bash_profile", "shells run it"],
    [".profile", "shells run it"],
    [".zshrc", "shells run it"],
    ["sitecustomize.py", "Python runs it at every start"],
    ["usercustomize.py", "Python runs it at every start"],
    ["conftest.py", "pytest runs it"],
    ["setup.py", "installing the directory runs it"],
    ["package.json", "npm runs its scripts"],
    ["Makefile", "make runs it"],
    ["Dockerfile", "building the image runs it"],
    [".pre-commit-config.yaml", "pre-commit runs what it names"],
    [".env", "programs read their settings from it"],
    ["site-packages/x.pth", "Python runs it at every start, if the directory is a site directory"],
    [".git/hooks/pre-commit", "git runs hooks"],
    [".git/config", "git obeys it, and it can name programs"],
    [".git/modules/lib/config", "git obeys it, and it can name programs"],
    ["bare.git/hooks/update", "git runs hooks"],
    [".git/config.worktree", "git obeys it, and it can name programs"],
    [".git/commondir", "git reads hooks and configuration from where it points"],
    [".git", "git goes to the repository that it names, whose configuration can name programs"],
    ["makefile", "make runs it"],
    ["GNUmakefile", "make runs it"],
    ["justfile", "just runs it"],
    ["compose.yaml", "docker compose mounts and runs what it names"],
    ["noxfile.py", "nox runs it"],
    ["pyproject.toml", "Python's tools obey it, and it can name programs"],
    ["build.rs", "cargo runs it"],
    [".cargo/config.toml", "cargo obeys it, and it can name programs"],
    [".zshenv", "shells run it"],
    [".ssh/authorized_keys", "ssh obeys it, and it says who may log in"],
    [".husky/pre-commit", "git runs hooks"],
    [".gitlab-ci.yml", "the continuous integration runs what it names"],
    [".yarnrc.yml", "yarn obeys it, and it can name programs"],
    [".vscode/tasks.json", "the editor runs tasks"],
    [".idea/runConfigurations/x.xml", "the editor runs configurations"],
    [".cursor/mcp.json", "the editor starts servers that it names"],
    [".claude/commands/deep/x.md", "the coding assistant obeys it"],
    [".github/workflows/ci.yml", "the forge runs workflows"],
    [".devcontainer/devcontainer.json", "the editor builds and runs the container"],
    ["node_modules/.bin/tsc", "npm scripts find programs in node_modules/.bin"],
    ["__pycache__/limits.cpython-313.pyc", "Python loads bytecode from it instead of the source"],
    ["set-uid", "it runs with its owner's rights (set-uid or set-gid)", 0o4755],
    ["set-gid", "it runs with its owner's rights (set-uid or set-gid)", 0o2644],
    ["program", "it is executable", 0o755],
    ["hooks/program", "it is executable", 0o755],
  ])("%s", (path, why, mode = 0o644) => {
    put(path, mode);
    put("deeper/notes.txt");
    expect(found()).toEqual({ [path]: why });
    rmSync(join(place, path));
    put(`deeper/down/${path}`, mode);
    expect(found()).toEqual({ [`deeper/down/${path}`]: why });
  });

  test.each([
    ...["notes.txt", "state.db", "config", "hooks/notes.txt", "github/x", "data/x.py", "envrc", "data/.git.txt"],
    ...["app/config.toml", "husky/pre-commit", "ssh/authorized_keys", "commondir", "HEAD", "objects/pack"],
  ])("is not any other: %s", (path) => {
    put(path);
    expect(found()).toEqual({});
  });

  test("counts as a symlink too", () => {
    symlinkSync("/etc/passwd", join(place, ".envrc"));
    symlinkSync("/bin/sh", join(place, "harmless"));
    expect(found()).toEqual({ ".envrc": "direnv runs it when somebody enters the directory" });
  });

  test("counts as a symlink to a directory of another name", () => {
    mkdirSync(join(place, "b"));
    symlinkSync("b", join(place, ".vscode"));
    symlinkSync("b", join(place, ".git"));
    symlinkSync("b", join(place, "hooks"));
    expect(found()).toEqual({
      ".vscode": "the editor runs tasks",
      ".git": "git goes to the repository that it names, whose configuration can name programs",
    });
  });

  test.runIf(IS_ROOT)("is a device node, whatever it is called", () => {
    execFileSync("mknod", [join(place, "notes.txt"), "c", "1", "3"]);
    execFileSync("mknod", [join(place, "block"), "b", "7", "200"]);
    expect(found()).toEqual({ "notes.txt": "it is a device node", block: "it is a device node" });
  });

  test("counts where the mutable place itself is such a directory", () => {
    put(".git/hooks/post-merge");
    const { leftovers } = findLeftovers([join(place, ".git/hooks")], 0);
    expect(leftovers).toEqual([{ path: join(place, ".git/hooks/post-merge"), why: "git runs hooks" }]);
  });
});

describe("node_modules", () => {
  const WHY = "Node resolves packages from node_modules of every parent directory";

  test("names each package once, however much is in it", () => {
    put("node_modules/left-pad/index.js");
    put("node_modules/left-pad/package.json");
    put("node_modules/left-pad/bin/run.js", 0o755);
    put("node_modules/@scope/tool/index.js");
    put("node_modules/single.js");
    put("node_modules/.package-lock.json");
    expect(found()).toEqual({
      "node_modules/left-pad": WHY,
      "node_modules/@scope/tool": WHY,
      "node_modules/single.js": WHY,
    });
  });

  test("names a package inside of a package as well", () => {
    put("node_modules/a/node_modules/b/index.js");
    expect(found()).toEqual({ "node_modules/a": WHY, "node_modules/a/node_modules/b": WHY });
  });

  test("names a package that changed deep inside", async () => {
    put("node_modules/a/index.js");
    put("node_modules/b/lib/deep/index.js");
    await new Promise((resolve) => setTimeout(resolve, 30));
    const since = Date.now();
    await new Promise((resolve) => setTimeout(resolve, 30));
    put("node_modules/b/lib/deep/index.js");
    expect(found(since)).toEqual({ "node_modules/b": WHY });
  });

  test("names set-uid files in a package besides", () => {
    put("node_modules/a/tool", 0o4755);
    expect(found()).toEqual({
      "node_modules/a": WHY,
      "node_modules/a/tool": "it runs with its owner's rights (set-uid or set-gid)",
    });
  });

  test("names links to packages", () => {
    mkdirSync(join(place, "node_modules"));
    symlinkSync("../elsewhere", join(place, "node_modules/linked"));
    expect(found()).toEqual({ "node_modules/linked": WHY });
  });

  test("may be the mutable place itself, or hold it", () => {
    put("node_modules/a/cache/x.js");
    const within = (path: string): string[] =>
      findLeftovers([join(place, path)], 0).leftovers.map((leftover) => leftover.path.slice(place.length + 1));
    expect(within("node_modules")).toEqual(["node_modules/a"]);
    expect(within("node_modules/a/cache")).toEqual(["node_modules/a/cache/x.js"]);
  });
});

test("what was there before is not named", async () => {
  put(".envrc");
  await new Promise((resolve) => setTimeout(resolve, 30));
  const since = Date.now();
  await new Promise((resolve) => setTimeout(resolve, 30));
  put(".npmrc");
  expect(found(since)).toEqual({ ".npmrc": "npm obeys it" });
});

describe("a directory that git takes for a repository, whatever it is called", () => {
  const WHY = "git obeys it, and it can name programs";
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 30));

  test("has a configuration that git obeys, and no directory else has", () => {
    for (const name of ["b/HEAD", "b/config", "b/objects/x", "b/refs/x"]) put(name);
    for (const name of ["c/config", "c/objects/x", "d/HEAD", "d/config"]) put(name);
    expect(found()).toEqual({ "b/config": WHY });
  });

  test("may have all but its HEAD elsewhere", () => {
    put("b/HEAD");
    put("b/commondir");
    put("c/commondir");
    expect(found()).toEqual({ "b/commondir": "git reads hooks and configuration from where it points" });
  });

  test("may have its hooks elsewhere", () => {
    put("b/HEAD");
    put("b/objects/x");
    symlinkSync("../c", join(place, "b/hooks"));
    expect(found()).toEqual({ "b/hooks": "git runs hooks" });
  });

  test("may have become one by what was put beside the configuration", async () => {
    put("b/config");
    put("b/objects/x");
    put("b/.npmrc");
    await pause();
    const since = Date.now();
    await pause();
    put("b/HEAD");
    expect(found(since)).toEqual({ "b/config": WHY });
  });
});

describe("a directory that was there under another name", () => {
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 30));
  async function later(act: () => void): Promise<Record<string, string>> {
    await pause();
    const since = Date.now();
    await pause();
    act();
    return found(since);
  }

  test("is looked at as if all in it were new, however deep", async () => {
    put("x/tasks.json");
    put("y/deep/.envrc");
    put("z/notes.txt");
    expect(await later(() => renameSync(join(place, "x"), join(place, ".vscode")))).toEqual({
      ".vscode/tasks.json": "the editor runs tasks",
    });
    expect(await later(() => renameSync(join(place, "y"), join(place, "z/y")))).toEqual({
      "z/y/deep/.envrc": "direnv runs it when somebody enters the directory",
    });
  });

  test("may be one in which something was renamed", async () => {
    put("a/b/x/commands/deep/y.md");
    expect(await later(() => renameSync(join(place, "a/b/x"), join(place, "a/b/.claude")))).toEqual({
      "a/b/.claude/commands/deep/y.md": "the coding assistant obeys it",
    });
  });

  test("cannot be told from one in which something was made, while its parent changed too; from others it can", async () => {
    put("a/.envrc");
    put("a/b/.npmrc");
    mkdirSync(join(place, "a/c"));
    expect(
      await later(() => {
        put("a/notes.txt");
        put("notes.txt");
      }).then((all) => Object.keys(all)),
    ).toEqual(["a/.envrc", "a/b/.npmrc"]);
    expect(await later(() => put("a/more.txt"))).toEqual({});
    expect(await later(() => put("notes.txt"))).toEqual({});
  });
});

test("a file that was given an old date is named all the same", async () => {
  await new Promise((resolve) => setTimeout(resolve, 30));
  const since = Date.now() - 15;
  utimesSync(put(".envrc"), 1, 1);
  expect(Object.keys(found(since))).toEqual([".envrc"]);
});

test("a file that became executable is named", async () => {
  const file = put("tool");
  await new Promise((resolve) => setTimeout(resolve, 30));
  const since = Date.now();
  await new Promise((resolve) => setTimeout(resolve, 30));
  chmodSync(file, 0o755);
  expect(found(since)).toEqual({ tool: "it is executable" });
});

describe("an agent that hides something", () => {
  test("in a name that is not UTF-8 does not succeed", () => {
    const directory = Buffer.concat([Buffer.from(`${place}/`), Buffer.from([0xff, 0xfe])]);
    mkdirSync(directory);
    writeFileSync(Buffer.concat([directory, Buffer.from("/.envrc")]), "x");
    const { leftovers, incomplete } = findLeftovers([place], 0);
    expect(leftovers.map(({ why }) => why)).toEqual(["direnv runs it when somebody enters the directory"]);
    expect(leftovers[0]?.path.endsWith("/.envrc")).toBe(true);
    expect(incomplete).toBe(false);
  });

  test("deeper than a path can be long is found out", () => {
    nest("d".repeat(200), 25);
    put(".npmrc");
    const { leftovers, incomplete } = findLeftovers([place], 0);
    expect(leftovers.map(({ path }) => path)).toEqual([join(place, ".npmrc")]);
    expect(incomplete).toBe(true);
  });

  test("in very many directories in one another is found out, and does not end the search", () => {
    nest("d", 3000);
    put("e/.npmrc");
    expect(found()).toEqual({ "e/.npmrc": "npm obeys it" });
  });

  // One that can be listed and not looked into, and one that cannot even be listed.
  test.each([0o444, 0o000])("behind permissions of its own is found out: %o", (mode) => {
    put("closed/.envrc");
    put("open/.npmrc");
    chmodSync(join(place, "closed"), mode);
    // Root sees through permissions; the agent's own user does not.
    const { leftovers, incomplete } = asOrdinaryUser(() => findLeftovers([place], 0));
    expect(leftovers.map(({ path }) => path)).toEqual([join(place, "open/.npmrc")]);
    expect(incomplete).toBe(true);
  });

  test("among many others gets a report that says that it is not all", () => {
    for (let index = 0; index < 120; index += 1) put(`${index}/.envrc`);
    const { leftovers, incomplete } = findLeftovers([place], 0);
    expect(leftovers).toHaveLength(100);
    expect(incomplete).toBe(true);
  });
});

test("nothing left is nothing said", () => {
  put("state.json");
  expect(findLeftovers([place], 0)).toEqual({ leftovers: [], incomplete: false });
  expect(findLeftovers([join(place, "gone")], 0)).toEqual({ leftovers: [], incomplete: false });
});
