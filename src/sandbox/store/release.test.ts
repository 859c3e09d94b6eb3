import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Agent } from "../../policy/types.ts";
import { SandboxError } from "../errors.ts";
import { rootAgent, workspaceAgent } from "../made-up.ts";
import type { BuildOptions } from "./build.ts";
import { type Release, type SealOptions, sealRelease, survey, withStandIns } from "./release.ts";

const built = vi.hoisted(() => {
  // As the build does it: from the sources nothing is remembered.
  Object.assign(globalThis, { HARDLINE_BUILD_ID: "0123456789abcdef" });
  return { times: 0 };
});
// Building is what reads; it goes on as it is, and is counted.
vi.mock("./build.ts", async (importOriginal) => {
  const original = await importOriginal<typeof import("./build.ts")>();
  return {
    ...original,
    buildRelease: (options: BuildOptions) => {
      built.times += 1;
      return original.buildRelease(options);
    },
  };
});

const IS_ROOT = process.getuid?.() === 0;
const OWNER = { uid: 1_879_100_000, gid: 1_879_100_001 };
let place: string;
let state: string;
let root: string;
beforeEach(() => {
  place = realpathSync(mkdtempSync(join(tmpdir(), "hardline-release-")));
  state = join(place, "state");
  root = join(place, "bot");
  mkdirSync(root);
  built.times = 0;
});
afterEach(() => rmSync(place, { recursive: true }));

function put(path: string, content = "x", mode = 0o644): string {
  const file = join(place, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  chmodSync(file, mode);
  return file;
}

function seal(agent: Agent, more: Partial<SealOptions> = {}): Promise<Release> {
  return sealRelease(survey(agent, state), { state, progress: () => undefined, ...more });
}
/** The kernel's clock for ctime advances by ticks. */
const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));
const contentOf = (release: Release, path: string): string => readFileSync(join(release.tree, path), "utf8");
const inode = (path: string): number => statSync(path).ino;

describe("a sealed root", () => {
  test("is stored with everything in it but for what is mutable, where there are only mount points", async () => {
    put("bot/limits.py", "cap = -5");
    put("bot/lib/run.sh", "#!/bin/sh", 0o755);
    put("bot/state/memory.json");
    put("bot/log.txt", "mine");
    mkdirSync(join(root, "empty"));
    symlinkSync("lib/run.sh", join(root, "run"));
    const release = await seal(rootAgent(root, ["state", "log.txt", "var/cache"]));
    expect(contentOf(release, "limits.py")).toBe("cap = -5");
    expect(statSync(join(release.tree, "lib/run.sh")).mode & 0o777).toBe(0o755);
    expect(readlinkSync(join(release.tree, "run"))).toBe("lib/run.sh");
    expect(readdirSync(join(release.tree, "empty"))).toEqual([]);
    expect(readdirSync(join(release.tree, "state"))).toEqual([]);
    expect(contentOf(release, "log.txt")).toBe("");
    expect(release.overlays).toEqual([]);
    // What is absent further up is mounted as a whole from its first absent directory on.
    expect(release.mutableKinds).toEqual({ state: "directory", "log.txt": "file", "var/cache": "directory" });
    expect(release.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(release.tree).toBe(join(state, "releases", readdirSync(join(state, "releases"))[0] ?? "", "tree"));
  });

  test("that has not changed is not read again", async () => {
    put("bot/limits.py");
    const agent = rootAgent(root, ["state"]);
    const first = await seal(agent);
    expect(built.times).toBe(1);
    expect(await seal(agent)).toEqual(first);
    expect(built.times).toBe(1);
  });

  test("is read again when the stored tree is gone", async () => {
    put("bot/limits.py", "cap = -5");
    const agent = rootAgent(root, []);
    const first = await seal(agent);
    rmSync(dirname(first.tree), { recursive: true });
    const second = await seal(agent);
    expect(built.times).toBe(2);
    expect(second).toEqual(first);
    expect(contentOf(second, "limits.py")).toBe("cap = -5");
  });

  test.each<[string, () => void]>([
    [
      "a file is written, with its date put back",
      () => {
        const file = put("bot/limits.py", "-9");
        utimesSync(file, 1000, 1000);
      },
    ],
    ["a file is added", () => void put("bot/limits.pyc")],
    ["a file is removed", () => rmSync(join(root, "other.py"))],
    ["an empty directory is added", () => void mkdirSync(join(root, "limits"))],
    ["a symlink is added", () => symlinkSync("/etc", join(root, "etc"))],
    ["a file is made executable", () => chmodSync(join(root, "limits.py"), 0o755)],
  ])("is another release when %s", async (_, change) => {
    utimesSync(put("bot/limits.py", "-5"), 1000, 1000);
    put("bot/other.py");
    const agent = rootAgent(root, ["state"]);
    const first = await seal(agent);
    await tick();
    change();
    const second = await seal(agent);
    expect(second.digest).not.toBe(first.digest);
    expect(second.tree).not.toBe(first.tree);
    // The old one stays as it is: a run that is under way has it mounted.
    expect(contentOf(first, "limits.py")).toBe("-5");
  });

  test("shares unchanged files with the release before", async () => {
    put("bot/big.bin", "big".repeat(1000));
    put("bot/limits.py", "-5");
    const agent = rootAgent(root, ["state"]);
    const first = await seal(agent);
    await tick();
    put("bot/limits.py", "-6");
    const second = await seal(agent);
    expect(inode(join(second.tree, "big.bin"))).toBe(inode(join(first.tree, "big.bin")));
    expect(inode(join(second.tree, "limits.py"))).not.toBe(inode(join(first.tree, "limits.py")));
    expect(contentOf(first, "limits.py")).toBe("-5");
    expect(contentOf(second, "limits.py")).toBe("-6");
    // And never with the working tree: a hard link would let the agent's side write to it (F7).
    expect(inode(join(second.tree, "big.bin"))).not.toBe(inode(join(root, "big.bin")));
  });

  test("has a digest of its content, whatever the dates, the place and the owner", async () => {
    for (const [name, date] of [
      ["bot", 1000],
      ["twin", 2000],
    ] as const) {
      put(`${name}/a/limits.py`, "-5", name === "bot" ? 0o600 : 0o644);
      utimesSync(join(place, name, "a/limits.py"), date, date);
    }
    const first = await seal(rootAgent(root, ["state"]));
    await tick();
    utimesSync(join(root, "a/limits.py"), 3000, 3000);
    expect((await seal(rootAgent(root, ["state"]))).tree).toBe(first.tree);
    expect((await seal(rootAgent(join(place, "twin"), ["state"]))).digest).toBe(first.digest);
    if (IS_ROOT) expect((await seal(rootAgent(root, ["state"]), { owner: OWNER })).digest).toBe(first.digest);
  });

  test.each<[string, (at: string) => void, (at: string) => void]>([
    ["a name", (at) => writeFileSync(join(at, "a"), ""), (at) => writeFileSync(join(at, "b"), "")],
    ["a kind", (at) => writeFileSync(join(at, "a"), ""), (at) => mkdirSync(join(at, "a"))],
    ["a link's target", (at) => symlinkSync("x", join(at, "a")), (at) => symlinkSync("y", join(at, "a"))],
    ["a link for a file", (at) => writeFileSync(join(at, "a"), "x"), (at) => symlinkSync("x", join(at, "a"))],
    [
      "a line break in a name",
      (at) => {
        writeFileSync(join(at, "a\nfile"), "");
      },
      (at) => {
        writeFileSync(join(at, "a"), "");
        writeFileSync(join(at, "file"), "");
      },
    ],
  ])("has another digest for another: %s", async (_, one, other) => {
    mkdirSync(join(place, "twin"));
    one(root);
    other(join(place, "twin"));
    const first = await seal(rootAgent(root, []));
    expect((await seal(rootAgent(join(place, "twin"), []))).digest).not.toBe(first.digest);
  });

  test.runIf(IS_ROOT)(
    "belongs to the agent's uid, so that only the mount answers a write; its manifest does not",
    async () => {
      put("bot/a/limits.py");
      symlinkSync("limits.py", join(root, "a/link"));
      const release = await seal(rootAgent(root, ["state", "var/cache"]), { owner: OWNER });
      for (const path of ["", "a", "a/limits.py", "a/link", "state", "var", "var/cache"]) {
        expect(lstatSync(join(release.tree, path))).toMatchObject(OWNER);
      }
      expect(statSync(dirname(release.tree))).toMatchObject({ uid: 0, gid: 0 });
      expect(statSync(join(dirname(release.tree), "manifest.json"))).toMatchObject({ uid: 0, gid: 0 });
      // Another agent with the same content has one of its own.
      const other = await seal(rootAgent(root, ["state", "var/cache"]), {
        owner: { uid: OWNER.uid + 1, gid: OWNER.gid },
      });
      expect(other.digest).toBe(release.digest);
      expect(other.tree).not.toBe(release.tree);
    },
  );

  test("lies where nobody else can get to it", async () => {
    const before = process.umask(0);
    try {
      put("bot/limits.py");
      const release = await seal(rootAgent(root, []));
      expect(statSync(join(state, "releases")).mode & 0o777).toBe(0o700);
      expect(statSync(dirname(release.tree)).mode & 0o777).toBe(0o700);
      if (!IS_ROOT) return;
      chmodSync(place, 0o755);
      chmodSync(state, 0o755);
      process.seteuid?.(12_345);
      expect(() => readFileSync(join(release.tree, "limits.py"))).toThrow(/EACCES/);
      expect(() => writeFileSync(join(release.tree, "limits.py"), "")).toThrow(/EACCES/);
    } finally {
      if (IS_ROOT) process.seteuid?.(0);
      process.umask(before);
    }
  });

  test("says how far it is, to the end", async () => {
    for (let index = 0; index < 20; index += 1) put(`bot/${index}`, "xx");
    const said: unknown[] = [];
    await seal(rootAgent(root, []), { progress: (done) => said.push(done) });
    expect(said.at(-1)).toEqual({ files: 21, of: 21, bytes: 40 });
  });
});

describe("what cannot be used is refused by name:", () => {
  function refusal(agent: Agent, at = state): string {
    try {
      survey(agent, at);
    } catch (error) {
      expect(error).toBeInstanceOf(SandboxError);
      return (error as SandboxError).message;
    }
    throw new Error("it was surveyed");
  }

  test("a root that is not there", () => {
    expect(refusal(rootAgent(join(place, "none"), []))).toMatch(`${join(place, "none")} cannot be read: ENOENT`);
  });

  test("a root that is a file", () => {
    put("file");
    expect(refusal(rootAgent(join(place, "file"), []))).toBe(`root: ${join(place, "file")} is not a directory`);
  });

  test("a root that is a symlink, or is reached through one (F5)", () => {
    symlinkSync("bot", join(place, "alias"));
    mkdirSync(join(root, "inner"));
    expect(refusal(rootAgent(join(place, "alias"), []))).toBe(
      `${join(place, "alias")} is a symlink, or is reached through one (it leads to ${root})`,
    );
    expect(refusal(rootAgent(join(place, "alias/inner"), []))).toMatch("is a symlink, or is reached through one");
  });

  test.each(["state", "state/deep"])("a mutable place that is a symlink or lies behind one (F6): %s", (path) => {
    symlinkSync("/etc", join(root, "state"));
    expect(refusal(rootAgent(root, [path]))).toBe(`${join(root, "state")} is a symlink`);
  });

  test("a state directory inside, also where a link hides that", () => {
    symlinkSync("bot", join(place, "alias"));
    for (const inside of [join(root, "st"), join(place, "alias/st"), join(place, "alias"), root]) {
      expect(refusal(rootAgent(root, []), inside)).toBe(`the state directory ${inside} lies inside ${root}`);
      expect(refusal(workspaceAgent(root, []), inside)).toBe(`the state directory ${inside} lies inside ${root}`);
    }
  });

  test("a sealed name in a workspace that is a symlink, or lies behind one", () => {
    symlinkSync("/etc/passwd", join(root, "limits.py"));
    symlinkSync("/etc", join(root, "conf"));
    expect(refusal(workspaceAgent(root, ["limits.py"]))).toBe(`${join(root, "limits.py")} is a symlink`);
    expect(refusal(workspaceAgent(root, ["conf/passwd"]))).toBe(`${join(root, "conf")} is a symlink`);
  });

  test("a source that is absent, a symlink, or reached through one", () => {
    put("src/limits.py");
    symlinkSync("src", join(place, "alias"));
    symlinkSync("limits.py", join(place, "src/link"));
    const from = (source: string): Agent =>
      workspaceAgent(root, [{ path: "limits.py", source: join(place, source), directory: false }]);
    expect(refusal(from("src/none"))).toBe(`${join(place, "src/none")} does not exist`);
    expect(refusal(from("src/link"))).toBe(`${join(place, "src/link")} is a symlink`);
    expect(refusal(from("alias/limits.py"))).toBe(
      `${join(place, "alias/limits.py")} is a symlink, or is reached through one (it leads to ${join(place, "src/limits.py")})`,
    );
  });

  test("a file where a directory is to be sealed", () => {
    put("src/x/y");
    put("bot/x");
    const agent = workspaceAgent(root, [{ path: "x", source: join(place, "src/x"), directory: false }]);
    expect(refusal(agent)).toBe(`${join(root, "x")} is not a directory, but a directory is sealed there`);
  });

  test("a workspace that is a file", () => {
    put("file");
    expect(refusal(workspaceAgent(join(place, "file"), []))).toBe(
      `workspace: ${join(place, "file")} is not a directory`,
    );
  });
});

describe("a workspace", () => {
  test("has what is there sealed as a copy, and what comes from elsewhere", async () => {
    put("bot/hooks/pre-commit", "old", 0o755);
    put("src/trade.py", "new");
    put("bot/trade.py", "stale");
    const release = await seal(
      workspaceAgent(root, ["hooks", { path: "trade.py", source: join(place, "src/trade.py"), directory: false }]),
    );
    expect(release.overlays).toEqual([
      { path: "hooks", kind: "directory", source: join(release.tree, "hooks"), absent: false, standIn: false },
      { path: "trade.py", kind: "file", source: join(release.tree, "trade.py"), absent: false, standIn: false },
    ]);
    expect(contentOf(release, "hooks/pre-commit")).toBe("old");
    expect(contentOf(release, "trade.py")).toBe("new");
    expect(release.mutableKinds).toEqual({});
  });

  test("has something empty stand in for a name that is absent, from the first absent directory on (F4)", async () => {
    const release = await seal(workspaceAgent(root, ["limits.toml", "conf/", "a/b/deep.py"]));
    expect(release.overlays.map(({ path, kind, absent }) => [path, kind, absent])).toEqual([
      ["a", "directory", true],
      ["conf", "directory", true],
      ["limits.toml", "file", true],
    ]);
    expect(contentOf(release, "limits.toml")).toBe("");
    expect(contentOf(release, "a/b/deep.py")).toBe("");
    expect(readdirSync(root)).toEqual([]);
  });

  test("gets stand-ins of Hardline's own where the names are absent", async () => {
    const surveyed = survey(workspaceAgent(root, []), state);
    const more = withStandIns(surveyed, [{ path: "__pycache__", kind: "directory" }]);
    expect(more.fingerprint).not.toBe(surveyed.fingerprint);
    const release = await sealRelease(more, { state, progress: () => undefined });
    expect(release.overlays).toEqual([
      {
        path: "__pycache__",
        kind: "directory",
        source: join(release.tree, "__pycache__"),
        absent: true,
        standIn: true,
      },
    ]);
  });

  test("has such a name covered where something stands there", async () => {
    put("bot/__pycache__/forged.pyc");
    const more = withStandIns(survey(workspaceAgent(root, []), state), [{ path: "__pycache__", kind: "directory" }]);
    const release = await sealRelease(more, { state, progress: () => undefined });
    expect(release.overlays).toMatchObject([{ path: "__pycache__", absent: false, standIn: true }]);
    expect(readdirSync(join(release.tree, "__pycache__"))).toEqual([]);
  });

  test.each(["a/b", "file"])("is refused where such a name cannot be had: %s", (path) => {
    const surveyed = survey(workspaceAgent(root, []), state);
    put("bot/file");
    expect(() => withStandIns(surveyed, [{ path, kind: "directory" }])).toThrow(
      `a sealed empty directory cannot stand at ${join(root, path)}`,
    );
  });

  test("needs none in a sealed root", () => {
    const surveyed = survey(rootAgent(root, []), state);
    expect(withStandIns(surveyed, [{ path: "__pycache__", kind: "directory" }])).toBe(surveyed);
  });
});
