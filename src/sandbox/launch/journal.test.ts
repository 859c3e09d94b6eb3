import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { beginRun, type JournalEntry, note, sweepRuns } from "./journal.ts";
import { startTimeOf } from "./process-tree.ts";

let state: string;
let workspace: string;
const started: ChildProcess[] = [];
beforeEach(() => {
  state = realpathSync(mkdtempSync(join(tmpdir(), "hardline-journal-")));
  workspace = join(state, "ws");
  mkdirSync(workspace);
});
afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
  rmSync(state, { recursive: true });
});

/** A run that was left behind: noted by a process that is gone. */
function leftRun(id: string, entry: Partial<JournalEntry> = {}): string {
  const directory = join(state, "runs", id);
  mkdirSync(directory, { recursive: true });
  const noted = { agent: "a", release: "r", placeholders: [], cgroups: [], ...entry };
  writeFileSync(join(directory, "journal.json"), JSON.stringify(noted));
  return directory;
}
const runs = (): string[] => readdirSync(join(state, "runs")).sort();

describe("a run", () => {
  test("has a directory of its own, and a note of whose it is before anything else", () => {
    const before = process.umask(0);
    try {
      const run = beginRun(state, (id) => [`/cg/hardline-${id}`]);
      expect(run.id).toMatch(new RegExp(`^${process.pid}\\.${startTimeOf(process.pid)}\\.[A-Za-z0-9]{6}$`));
      expect(run.directory).toBe(join(state, "runs", run.id));
      expect(statSync(run.directory).mode & 0o777).toBe(0o700);
      expect(statSync(join(state, "runs")).mode & 0o777).toBe(0o700);
      expect(JSON.parse(readFileSync(run.journal, "utf8"))).toEqual({
        agent: "",
        policy: "",
        mutable: [],
        release: "",
        placeholders: [],
        cgroups: [`/cg/hardline-${run.id}`],
      });
      expect(beginRun(state, () => []).id).not.toBe(run.id);
    } finally {
      process.umask(before);
    }
  });

  test("notes what it will make, in one piece", () => {
    const run = beginRun(state, () => []);
    note(run, {
      agent: "a",
      policy: "sha256:p",
      mutable: [],
      release: "r",
      placeholders: [{ path: "/x/y", kind: "file" }],
      cgroups: ["/cg/1"],
    });
    expect(JSON.parse(readFileSync(run.journal, "utf8"))).toMatchObject({
      agent: "a",
      placeholders: [{ path: "/x/y", kind: "file" }],
    });
    expect(readdirSync(run.directory)).toEqual(["journal.json"]);
  });
});

describe("what runs left whose supervisor and keeper are gone", () => {
  test("is taken away: stand-ins, control groups, the directory", () => {
    const group = join(state, "cg");
    mkdirSync(group);
    mkdirSync(join(workspace, "hooks/inner"), { recursive: true });
    writeFileSync(join(workspace, "limits.py"), "");
    const directory = leftRun("aaaaaa", {
      placeholders: [
        { path: join(workspace, "limits.py"), kind: "file" },
        { path: join(workspace, "hooks"), kind: "directory" },
        { path: join(workspace, "hooks/inner"), kind: "directory" },
      ],
      cgroups: [group, join(state, "never-made")],
    });
    writeFileSync(join(directory, "launcher"), "");
    sweepRuns(state);
    expect(readdirSync(workspace)).toEqual([]);
    expect(existsSync(group)).toBe(false);
    expect(runs()).toEqual([]);
  });

  test("stays where somebody has put something into it", () => {
    mkdirSync(join(workspace, "hooks"));
    writeFileSync(join(workspace, "hooks/pre-commit"), "mine");
    writeFileSync(join(workspace, "limits.py"), "mine");
    mkdirSync(join(workspace, "was-a-file"));
    symlinkSync("limits.py", join(workspace, "link"));
    const placeholders = (
      [
        ["hooks", "directory"],
        ["limits.py", "file"],
        ["was-a-file", "file"],
        ["link", "file"],
        ["gone", "file"],
      ] as const
    ).map(([name, kind]) => ({ path: join(workspace, name), kind }));
    leftRun("aaaaaa", { placeholders });
    sweepRuns(state);
    expect(readdirSync(workspace).sort()).toEqual(["hooks", "limits.py", "link", "was-a-file"]);
    expect(readFileSync(join(workspace, "limits.py"), "utf8")).toBe("mine");
    expect(runs()).toEqual([]);
  });

  test("is not looked for behind a symlink that stands on the way by now", () => {
    mkdirSync(join(state, "elsewhere"));
    writeFileSync(join(state, "elsewhere/empty"), "");
    symlinkSync("../elsewhere", join(workspace, "dir"));
    leftRun("aaaaaa", { placeholders: [{ path: join(workspace, "dir/empty"), kind: "file" }] });
    sweepRuns(state);
    expect(existsSync(join(state, "elsewhere/empty"))).toBe(true);
  });

  test("stays noted as long as a control group is in use", () => {
    const group = join(state, "cg");
    mkdirSync(join(group, "busy"), { recursive: true });
    leftRun("aaaaaa", { cgroups: [group] });
    sweepRuns(state);
    expect(runs()).toEqual(["aaaaaa"]);
    rmSync(join(group, "busy"), { recursive: true });
    sweepRuns(state);
    expect(runs()).toEqual([]);
    expect(existsSync(group)).toBe(false);
  });

  test("is told from a run of another process that has the number by now", () => {
    leftRun(`${process.pid}.1.aaaaaa`);
    sweepRuns(state);
    expect(runs()).toEqual([]);
  });
});

describe("a run that is under way stays as it is", () => {
  test("while its supervisor lives", () => {
    writeFileSync(join(workspace, "limits.py"), "");
    const run = beginRun(state, () => []);
    note(run, {
      agent: "a",
      policy: "sha256:p",
      mutable: [],
      release: "r",
      placeholders: [{ path: join(workspace, "limits.py"), kind: "file" }],
      cgroups: [],
    });
    sweepRuns(state);
    expect(runs()).toEqual([run.id]);
    expect(existsSync(join(workspace, "limits.py"))).toBe(true);
  });

  test("while its keeper lives, which outlasts a supervisor that was killed", async () => {
    writeFileSync(join(workspace, "limits.py"), "");
    const directory = leftRun("aaaaaa", { placeholders: [{ path: join(workspace, "limits.py"), kind: "file" }] });
    // Keeper, launcher and finisher are given the directory as their first argument.
    const script = "process.stdout.write('x'); setTimeout(() => 0, 60_000)";
    writeFileSync(join(directory, "index.js"), script);
    const living = spawn(process.execPath, [directory], { stdio: ["ignore", "pipe", "ignore"] });
    started.push(living);
    await once(living.stdout, "data");
    sweepRuns(state);
    expect(runs()).toEqual(["aaaaaa"]);
    expect(existsSync(join(workspace, "limits.py"))).toBe(true);
    living.kill("SIGKILL");
    await once(living, "close");
    sweepRuns(state);
    expect(runs()).toEqual([]);
    expect(existsSync(join(workspace, "limits.py"))).toBe(false);
  });
});

describe("garbage", () => {
  const GARBAGE = ["", "{", "null", "7", "[]", "{}", '{"placeholders":{},"cgroups":[]}', '{"placeholders":[]}'];

  test.each(GARBAGE)("in a note stops no start, and goes: %j", (content) => {
    const directory = leftRun("aaaaaa");
    writeFileSync(join(directory, "journal.json"), content);
    sweepRuns(state);
    expect(runs()).toEqual([]);
  });

  test("is a directory without a note, or a file, and goes, unless its name is a living supervisor's", () => {
    const own = `${process.pid}.${startTimeOf(process.pid)}.cccccc`;
    for (const name of ["bbbbbb", own]) mkdirSync(join(state, "runs", name), { recursive: true });
    writeFileSync(join(state, "runs/file"), "x");
    sweepRuns(state);
    expect(runs()).toEqual([own]);
  });

  test("among placeholders does not keep the rest from going", () => {
    writeFileSync(join(workspace, "limits.py"), "");
    const placeholders = [{ path: join(workspace, "limits.py"), kind: "file" as const }, { path: 7 }, null, "x"];
    const directory = leftRun("aaaaaa");
    const entry = { placeholders, cgroups: [null, 7] };
    writeFileSync(join(directory, "journal.json"), JSON.stringify(entry));
    sweepRuns(state);
    expect(readdirSync(workspace)).toEqual([]);
  });

  test("is nothing where nothing has run yet", () => {
    sweepRuns(join(state, "none"));
    expect(existsSync(join(state, "none"))).toBe(false);
  });
});
