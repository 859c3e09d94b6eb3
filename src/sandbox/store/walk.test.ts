import { execFileSync } from "node:child_process";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SandboxError } from "../errors.ts";
import { stampOf, type Walked, walk } from "./walk.ts";

let place: string;
beforeEach(() => {
  place = realpathSync(mkdtempSync(join(tmpdir(), "hardline-walk-")));
});
afterEach(() => rmSync(place, { recursive: true }));

function walked(source = place, path = "", holes: readonly string[] = []): Walked[] {
  const found: Walked[] = [];
  walk(source, path, new Set(holes), found);
  return found;
}
const names = (found: readonly Walked[]): string[] => found.map(({ kind, path }) => `${kind} ${path}`);

test("a tree is found in one order, whatever the directory's own", () => {
  for (const name of ["b", "a", "Z", "ü", "10", "9"]) writeFileSync(join(place, name), "");
  mkdirSync(join(place, "d"));
  writeFileSync(join(place, "d/inner"), "");
  expect(names(walked())).toEqual([
    "directory ",
    "file 10",
    "file 9",
    "file Z",
    "file a",
    "file b",
    "directory d",
    "file d/inner",
    "file ü",
  ]);
});

test("it lies in the release where the policy puts it", () => {
  writeFileSync(join(place, "x.py"), "");
  expect(names(walked(place, "lib/tool"))).toEqual(["directory lib/tool", "file lib/tool/x.py"]);
  expect(names(walked(join(place, "x.py"), "limits.py"))).toEqual(["file limits.py"]);
});

test("holes are left out with all that is in them, and nothing else that ends alike", () => {
  mkdirSync(join(place, "state/deep"), { recursive: true });
  mkdirSync(join(place, "a/state"), { recursive: true });
  writeFileSync(join(place, "state/deep/file"), "");
  writeFileSync(join(place, "a/state/file"), "");
  expect(names(walked(place, "", ["state"]))).toEqual([
    "directory ",
    "directory a",
    "directory a/state",
    "file a/state/file",
  ]);
  expect(names(walked(place, "in/release", ["a/state"]))).not.toContain("directory in/release/a/state");
});

test("what a file is, is noted without reading it", () => {
  const file = join(place, "run.sh");
  writeFileSync(file, "12345");
  chmodSync(file, 0o100);
  utimesSync(file, 1000, 2000);
  expect(walked(file, "run.sh")).toEqual([
    {
      kind: "file",
      path: "run.sh",
      source: file,
      executable: true,
      bytes: 5,
      mtimeMs: 2_000_000,
      stamp: stampOf(lstatSync(file)),
      links: 1,
    },
  ]);
});

test("a file's stamp changes with its content, its mode and its identity, even where its date is put back", () => {
  const file = join(place, "limits");
  writeFileSync(file, "-5");
  utimesSync(file, 1000, 1000);
  const stamps = new Set([stampOf(lstatSync(file))]);
  const changes = [
    (): void => writeFileSync(file, "-9"),
    (): void => chmodSync(file, 0o755),
    (): void => {
      rmSync(file);
      writeFileSync(file, "-5");
    },
  ];
  for (const [index, change] of changes.entries()) {
    // The kernel's own clock for ctime, which nobody can set, advances by ticks.
    execFileSync("sleep", ["0.02"]);
    change();
    utimesSync(file, 1000, 1000);
    stamps.add(stampOf(lstatSync(file)));
    expect(stamps.size).toBe(index + 2);
  }
});

describe("a symlink", () => {
  test("is kept as one and never followed, wherever it points", () => {
    symlinkSync("/etc", join(place, "directory"));
    symlinkSync("/etc/passwd", join(place, "file"));
    symlinkSync("nowhere", join(place, "dangling"));
    symlinkSync("loop", join(place, "loop"));
    expect(walked()).toEqual([
      { kind: "directory", path: "" },
      { kind: "symlink", path: "dangling", to: "nowhere" },
      { kind: "symlink", path: "directory", to: "/etc" },
      { kind: "symlink", path: "file", to: "/etc/passwd" },
      { kind: "symlink", path: "loop", to: "loop" },
    ]);
  });

  test("as the tree itself is not followed either", () => {
    symlinkSync("/etc", join(place, "link"));
    expect(walked(join(place, "link"), "x")).toEqual([{ kind: "symlink", path: "x", to: "/etc" }]);
  });
});

describe("what is neither file, directory nor symlink is refused by name", () => {
  function refused(path: string): void {
    const message = `${path} is neither file, directory nor symlink and cannot be sealed`;
    expect(() => walked()).toThrow(
      new SandboxError("cannot-seal", message, "Remove it, or list its directory under mutable:."),
    );
  }

  test("a named pipe, which would hold the start up", () => {
    mkdirSync(join(place, "deep"));
    execFileSync("mkfifo", [join(place, "deep/pipe")]);
    refused(join(place, "deep/pipe"));
  });

  test("a socket", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => {
      server.listen(join(place, "socket"), resolve);
    });
    refused(join(place, "socket"));
    await new Promise((resolve) => {
      server.close(resolve);
    });
  });

  test.runIf(process.getuid?.() === 0)("a device node", () => {
    execFileSync("mknod", [join(place, "null"), "c", "1", "3"]);
    refused(join(place, "null"));
  });

  test("but not where it lies in a hole", () => {
    mkdirSync(join(place, "state"));
    execFileSync("mkfifo", [join(place, "state/pipe")]);
    expect(names(walked(place, "", ["state"]))).toEqual(["directory "]);
  });
});
