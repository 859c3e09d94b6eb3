/** F1 to F4: a sealed file cannot be written, replaced, moved with its directories, or preceded by an absent name. */
import { chmodSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect } from "vitest";
import { type Answers, AT_FDCWD, AT_REMOVEDIR, AttackScript, text } from "../support/attack-program.ts";
import { changeFile, changeOpenFile, createName, renameDirectory, replaceFile } from "../support/file-attacks.ts";
import type { Lab } from "../support/lab.ts";
import { ALL_SHAPES, type Bench, describeSandbox } from "../support/matrix.ts";
import { runProcesses, type Seen, snapshot, withoutTimes } from "../support/truth.ts";

/** What a sealed file answers to each call; `control` is what the same calls answer on a mutable one. */
const CHANGE = {
  "open O_WRONLY": "EROFS",
  "open O_RDWR": "EROFS",
  "open O_APPEND": "EROFS",
  chmod: "EROFS",
  chown: "EROFS",
  utimensat: "EROFS",
  setxattr: "EROFS",
  "open O_RDONLY": "ok",
  // By a descriptor for reading nothing can be written anywhere; the point is that it cannot be made into another.
  "write to O_RDONLY": "EBADF",
  "mmap MAP_SHARED for writing": "EACCES",
  "mmap MAP_SHARED for reading": "ok",
  "mprotect it for writing": "EACCES",
  "ftruncate O_RDONLY": "EINVAL",
  fchmod: "EROFS",
  fchown: "EROFS",
  fsetxattr: "EROFS",
  FS_IOC_SETFLAGS: "EROFS",
  "reopen by /proc/self/fd": "EROFS",
  fallocate: "EBADF",
  truncate: "EROFS",
  "open O_TRUNC": "EROFS",
  "open for writing": "EROFS",
  write: "EBADF",
  "fallocate while writing": "EBADF",
  ftruncate: "EBADF",
  "mmap for writing": "EBADF",
} as const;
const CHANGE_CONTROL = Object.fromEntries(
  Object.entries(CHANGE).map(([name, answer]) => {
    const isSame = [
      "write to O_RDONLY",
      "mmap MAP_SHARED for writing",
      "mprotect it for writing",
      "ftruncate O_RDONLY",
      "fallocate",
    ];
    return [name, isSame.includes(name) ? answer : "ok"];
  }),
);

/** A name that is taken answers EEXIST before anything else is asked; what crosses mounts answers EXDEV. */
const REPLACE = {
  "link it elsewhere": "EXDEV",
  "rename it away": "EXDEV",
  "rename it beside": { root: "EROFS", workspace: "EBUSY" },
  "rename another over it": "EXDEV",
  "exchange it with another": "EXDEV",
  "link another over it": "EEXIST",
  "symlink over it": "EEXIST",
  "make a pipe over it": "EEXIST",
  unlink: { root: "EROFS", workspace: "EBUSY" },
  "rmdir its directory": { root: "EROFS", workspace: "EBUSY" },
} as const;

/** Where the agent's own files lie in the same mount, nothing but the mount point itself is in the way. */
const SAME_MOUNT = {
  "rename it away": "EBUSY",
  "rename another over it": "EBUSY",
  "exchange it with another": "EBUSY",
};

/** In a sealed root the name is absent; in a workspace a stand-in is there, as what the policy says it is. */
const CREATE = {
  file: {
    "open O_CREAT": { root: "EROFS", workspace: "EROFS" },
    "open O_CREAT|O_EXCL": { root: "EROFS", workspace: "EEXIST" },
    mkdir: { root: "EROFS", workspace: "EEXIST" },
    symlink: { root: "EROFS", workspace: "EEXIST" },
    link: { root: "EROFS", workspace: "EEXIST" },
    "rename to it": { root: "EXDEV", workspace: "EBUSY" },
    "rename from it": { root: "EROFS", workspace: "EBUSY" },
    unlink: { root: "EROFS", workspace: "EBUSY" },
    rmdir: { root: "EROFS", workspace: "ENOTDIR" },
  },
  directory: {
    "open O_CREAT": { root: "EROFS", workspace: "EISDIR" },
    "open O_CREAT|O_EXCL": { root: "EROFS", workspace: "EEXIST" },
    mkdir: { root: "EROFS", workspace: "EEXIST" },
    symlink: { root: "EROFS", workspace: "EEXIST" },
    link: { root: "EROFS", workspace: "EEXIST" },
    "rename to it": { root: "EXDEV", workspace: "EISDIR" },
    "rename from it": { root: "EROFS", workspace: "EBUSY" },
    unlink: { root: "EROFS", workspace: "EISDIR" },
    rmdir: { root: "EROFS", workspace: "EBUSY" },
  },
} as const;
const CREATE_CONTROL = {
  "open O_CREAT": "ok",
  "open O_CREAT|O_EXCL": "EEXIST",
  mkdir: "EEXIST",
  symlink: "EEXIST",
  link: "EEXIST",
  "rename to it": "ok",
  "rename from it": "ok",
  unlink: "ENOENT",
  rmdir: "ENOENT",
};

type Expected = string | { readonly root: string; readonly workspace: string };

function inShape(table: Readonly<Record<string, Expected>>, { shape }: Bench, prefix = ""): Answers {
  return Object.fromEntries(
    Object.entries(table).map(([name, answer]) => {
      const own = typeof answer === "string" ? answer : answer[shape === "root" ? "root" : "workspace"];
      return [`${prefix}${name}`, own];
    }),
  );
}

/** Hardline makes and takes away names in a workspace, which moves the times of directories and nothing else. */
function truth({ lab, shape }: Bench): Readonly<Record<string, unknown>> {
  const seen: Readonly<Record<string, Seen>> = snapshot(lab.project, ["state"]);
  if (shape === "root") return seen;
  return Object.fromEntries(
    Object.entries(seen).map(([path, entry]) => [
      path,
      entry.kind === "directory" ? withoutTimes({ path: entry }) : entry,
    ]),
  );
}

/** Whatever an attack was answered, the host's files must be what they were. */
async function unharmed(bench: Bench, attack: () => Promise<void>): Promise<void> {
  const before = truth(bench);
  expect(Object.keys(before)).toContain("code/deep/rules.txt");
  await attack();
  expect(truth(bench)).toEqual(before);
}

describeSandbox("a sealed file", ALL_SHAPES, (bench) => {
  ancestorsHold(bench);
  changing(bench);
  replacing(bench);
  movingControl(bench);
  // In the map form whatever is sealed has a source, so that no name is absent in this sense.
  if (bench.shape !== "map") creating(bench);
});

function changing(bench: Bench): void {
  const sealed = ["limits.txt", "code/deep/rules.txt", "kept/inner.txt"];
  bench.test.each(sealed)("F1: %s: every call is refused by the mount", async (name) => {
    await unharmed(bench, async () => {
      const file = join(bench.lab.project, name);
      const script = changeOpenFile(changeFile(new AttackScript(), file), file);
      expect((await bench.lab.attack(script)).answers).toEqual(CHANGE);
    });
  });

  bench.test("F1: the same calls on a mutable file succeed", async () => {
    const file = join(bench.lab.state, "changed.txt");
    await bench.lab.run(["/bin/sh", "-c", `echo mine > ${file}`]);
    const script = changeOpenFile(changeFile(new AttackScript(), file), file);
    expect((await bench.lab.attack(script)).answers).toEqual(CHANGE_CONTROL);
    const seen = snapshot(bench.lab.state)["changed.txt"];
    expect(seen?.mode).toBe("100666");
  });
}

function replacing(bench: Bench): void {
  bench.test("F2: every call is refused, the name stays", async () => {
    await unharmed(bench, async () => {
      const { lab } = bench;
      const script = replaceFile(new AttackScript(), lab.rules, join(lab.project, "code/deep"), lab.state);
      expect((await lab.attack(script)).answers).toEqual(inShape(REPLACE, bench));
      const top = replaceFile(new AttackScript(), lab.limits, join(lab.project, "kept"), lab.state);
      const sameMount = bench.shape === "root" ? {} : SAME_MOUNT;
      expect((await lab.attack(top)).answers).toEqual({ ...inShape(REPLACE, bench), ...sameMount });
      expect(existsSync(join(lab.state, "linked.txt"))).toBe(false);
      expect(existsSync(join(lab.state, "own.txt"))).toBe(true);
    });
  });

  bench.test("F2: neither does a file of the agent's in the very directory replace it", async () => {
    const { lab, shape } = bench;
    // In a sealed root the agent has no file there.
    if (shape === "root") return;
    const deep = join(lab.project, "code/deep");
    await lab.run(["/bin/sh", "-c", `cd ${deep} && touch own.txt other.txt`]);
    await unharmed(bench, async () => {
      const { answers } = await lab.attack(replaceFile(new AttackScript(), lab.rules, deep, deep));
      expect(answers).toEqual({ ...inShape(REPLACE, bench), ...SAME_MOUNT });
    });
    await lab.run(["/bin/sh", "-c", `cd ${deep} && rm own.txt other.txt`]);
  });

  bench.test("F2: the same calls on a mutable name succeed", async () => {
    const { lab } = bench;
    await lab.run([
      "/bin/sh",
      "-c",
      `mkdir ${lab.state}/d && cd ${lab.state}/d && touch own.txt other.txt && mkdir e && touch e/file`,
    ]);
    const own = join(lab.state, "d");
    const { answers } = await lab.attack(replaceFile(new AttackScript(), join(own, "e/file"), join(own, "e"), own));
    expect(answers).toEqual({
      "link it elsewhere": "ok",
      "rename it away": "ok",
      "rename it beside": "ENOENT", // It was renamed away: that it could be is the control.
      "rename another over it": "ok",
      "exchange it with another": "ok",
      "link another over it": "EEXIST",
      "symlink over it": "EEXIST",
      "make a pipe over it": "EEXIST",
      unlink: "ok",
      "rmdir its directory": "ok",
    });
    expect(existsSync(join(own, "e"))).toBe(false);
  });
}

/** The directories above a sealed file, by what holds each: the sealed tree, a pin, or the sandbox's own root. */
function ancestors(lab: Lab): (readonly [name: string, path: string])[] {
  const above: (readonly [string, string])[] = [];
  const parts = lab.rules.split("/").slice(1, -1);
  for (let count = 1; count <= parts.length; count += 1)
    above.push([`${count}`, `/${parts.slice(0, count).join("/")}`]);
  return above;
}

function ancestorsHold(bench: Bench): void {
  bench.test("no directory above a sealed file can be renamed, removed or made anew", async () => {
    await unharmed(bench, async () => {
      const { lab } = bench;
      const script = new AttackScript();
      for (const [name, path] of ancestors(lab)) renameDirectory(script, name, path);
      const { answers } = await lab.attack(script);
      for (const [name, path] of ancestors(lab)) {
        const inWorkspace = lab.shape !== "root" && path.startsWith(`${lab.project}/`);
        const own = answers[`${name}: rename`];
        expect(answers[`${name}: make it anew`], path).toBe("EEXIST");
        // A mount point, or a name in a file system that is read-only. A name in /tmp itself is always a mount point.
        const isInTmp = path.startsWith("/tmp/") && path.split("/").length === 3;
        expect(own, path).toBe(inWorkspace || isInTmp ? "EBUSY" : "EROFS");
        expect(answers[`${name}: rmdir`], path).toBe(own);
      }
    });
  });
}

describe.each(["/srv", "/tmp"])("F3 below %s", (base) => {
  describeSandbox("F3: moving a sealed file with its directories", ALL_SHAPES, ancestorsHold, { base });
});
// Only root can get there, and the agent's uid cannot: what is bound for it is staged.
describeSandbox("F3: moving a sealed file below root's own home", ALL_SHAPES, ancestorsHold, {
  base: "/root",
  as: ["root"],
});

function movingControl(bench: Bench): void {
  bench.test("F3: a mutable directory can be renamed, made anew and removed", async () => {
    const path = join(bench.lab.state, "directory");
    await bench.lab.run(["/bin/mkdir", path]);
    const { answers } = await bench.lab.attack(renameDirectory(new AttackScript(), "own", path));
    expect(answers).toEqual({ "own: rename": "ok", "own: make it anew": "ok", "own: rmdir": "ok" });
    expect(existsSync(`${path}.old`)).toBe(true);
  });
}

function creating(bench: Bench): void {
  bench.test("F4: a name that is absent cannot be made in any way, and nothing is left of it", async () => {
    await unharmed(bench, async () => {
      const { lab } = bench;
      const script = createName(new AttackScript(), "file", join(lab.project, "absent.txt"), lab.state);
      createName(script, "directory", join(lab.project, "absent.d"), lab.state);
      expect((await lab.attack(script)).answers).toEqual({
        ...inShape(CREATE.file, bench, "file: "),
        ...inShape(CREATE.directory, bench, "directory: "),
      });
      expect(existsSync(join(lab.project, "absent.txt"))).toBe(false);
      expect(existsSync(join(lab.project, "absent.d"))).toBe(false);
    });
  });

  bench.test("F4: neither can a name inside the stand-in of a directory", async () => {
    const { lab } = bench;
    const inside = createName(new AttackScript(), "inside", join(lab.project, "absent.d/hook"), lab.state);
    const { answers } = await lab.attack(inside);
    expect(answers["inside: open O_CREAT"]).toBe(bench.shape === "root" ? "ENOENT" : "EROFS");
    expect(answers["inside: mkdir"]).toBe(bench.shape === "root" ? "ENOENT" : "EROFS");
    expect(answers["inside: symlink"]).toBe(bench.shape === "root" ? "ENOENT" : "EROFS");
    expect(existsSync(join(lab.project, "absent.d"))).toBe(false);
  });

  bench.test("F4: the same calls on a mutable name make it", async () => {
    const { lab } = bench;
    const { answers } = await lab.attack(createName(new AttackScript(), "own", join(lab.state, "new"), lab.state));
    expect(answers).toEqual(inShape(CREATE_CONTROL, bench, "own: "));
    expect(existsSync(join(lab.state, "new.gone"))).toBe(true);
  });
}

describeSandbox("F4: a second run in the same workspace", ["list", "map"], (bench) => {
  bench.test("does not start, whatever state directory it has, and so takes no stand-in away", async () => {
    const { lab } = bench;
    const absent = bench.shape === "list" ? "absent.txt" : "kept/inner.txt";
    const first = lab.start(["/bin/sh", "-c", `cat; echo forged > ${absent}`], { input: "pipe" });
    await runProcesses(first.pid);
    for (const state of [lab.stateDir, join(lab.directory, "hl-state-2")]) {
      const words = lab.words("/bin/true").map((word) => (word === lab.stateDir ? state : word));
      const { status, stderr } = await lab.runWords(words);
      expect(status).toBe(125);
      expect(stderr).toContain(`another run is using ${lab.project}`);
    }
    first.child.stdin?.end();
    expect((await first.ended).stderr).toContain("Read-only file system");
    expect(existsSync(join(lab.project, "absent.txt"))).toBe(false);
    expect((await lab.run(["/bin/true"])).status).toBe(0);
  });
});

describeSandbox("F4: a stand-in that somebody outside takes away", ["list"], (bench) => {
  afterEach(() => {
    if (bench.isPossible) bench.lab.endAll();
  });

  bench.test("takes its mount with it, and ends the sandbox", async () => {
    const { lab } = bench;
    const run = lab.start(["/bin/sleep", "60"]);
    await runProcesses(run.pid);
    rmSync(join(lab.project, "absent.txt"));
    const late = new Promise((resolve) => setTimeout(resolve, 2000, "it goes on").unref());
    expect(await Promise.race([run.ended, late])).toMatchObject({ status: 125 });
    expect((await lab.run(["/bin/true"])).status).toBe(0);
  });
});

describeSandbox("F4: a workspace that the agent closes", ["list"], (bench) => {
  bench.test("keeps no stand-in either", async () => {
    const { lab } = bench;
    for (const mode of ["555", "000"]) {
      expect((await lab.run(["/bin/chmod", mode, "."])).status).toBe(0);
      // What an ordinary user can no longer look into is looked into with the mode that Hardline had to give it.
      expect(snapshot(lab.project)["."]?.content.split("\n"), mode).toEqual(["code", "kept", "limits.txt", "state"]);
      chmodSync(lab.project, 0o755);
    }
    expect((await lab.run(["/bin/true"])).status).toBe(0);
  });
});

describeSandbox(
  "F4: several levels that are absent",
  ["list"],
  (bench) => {
    bench.test("are held by the first of them, which is gone afterwards", async () => {
      await unharmed(bench, async () => {
        const { lab } = bench;
        const script = createName(new AttackScript(), "deep", join(lab.project, "x/y/z.txt"), lab.state);
        const at = (path: string) => [AT_FDCWD, text(join(lab.project, path))] as const;
        script.attempt("make x/other", "mkdirat", [...at("x/other"), 0o755]);
        script.attempt("rename x", "renameat2", [...at("x"), ...at("w"), 0]);
        script.attempt("make w", "mkdirat", [...at("w"), 0o755]);
        script.attempt("remove w", "unlinkat", [...at("w"), AT_REMOVEDIR]);
        const { answers } = await lab.attack(script);
        expect(answers).toMatchObject({
          "deep: open O_CREAT": "EROFS",
          "deep: unlink": "EROFS",
          "make x/other": "EROFS",
          "rename x": "EBUSY",
          "make w": "ok",
        });
        expect(existsSync(join(lab.project, "x"))).toBe(false);
      });
    });
  },
  { sealed: "[limits.txt, code/deep/rules.txt, x/y/z.txt]" },
);
