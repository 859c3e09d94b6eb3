import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SandboxError } from "../errors.ts";
import { copySealed } from "./copy.ts";
import { type Walked, type WalkedFile, walk } from "./walk.ts";

/** What happens once, after a file has been opened and when its content is taken. */
const during = vi.hoisted(() => ({ copy: undefined as (() => void) | undefined }));
vi.mock("node:fs", async (importOriginal) => {
  const fs = await importOriginal<typeof import("node:fs")>();
  const happen = (): void => {
    const { copy } = during;
    during.copy = undefined;
    copy?.();
  };
  return {
    ...fs,
    readFileSync: (...given: Parameters<typeof fs.readFileSync>) => {
      happen();
      return fs.readFileSync(...given);
    },
    copyFileSync: (...given: Parameters<typeof fs.copyFileSync>) => {
      happen();
      fs.copyFileSync(...given);
    },
  };
});

const IS_ROOT = process.getuid?.() === 0;
let place: string;
let source: string;
let target: string;
beforeEach(() => {
  place = realpathSync(mkdtempSync(join(tmpdir(), "hardline-copy-")));
  mkdirSync(join(place, "tree"));
  source = join(place, "tree/limits.py");
  target = join(place, "stored");
});
afterEach(() => rmSync(place, { recursive: true }));

function walked(path = source): WalkedFile {
  const found: Walked[] = [];
  walk(path, "limits.py", new Set(), found);
  const [file] = found;
  if (file?.kind !== "file") throw new Error("not a file");
  return file;
}
const sha256 = (content: Uint8Array): string => createHash("sha256").update(content).digest("hex");

function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(SandboxError);
    expect(error).toMatchObject({ code: "cannot-seal" });
    return (error as SandboxError).message;
  }
  throw new Error("it was copied");
}

const MEBIBYTE = 1024 * 1024;

test.each([0, 1, 4096, MEBIBYTE, MEBIBYTE + 1, 9 * MEBIBYTE + 7])(
  "%i bytes are stored as they are, with their digest",
  (bytes) => {
    const content = Buffer.alloc(bytes, "0123456789\0\n");
    writeFileSync(source, content);
    expect(copySealed(walked(), target)).toBe(sha256(content));
    expect(readFileSync(target).equals(content)).toBe(true);
  },
);

test("any bytes are stored as they are", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (content) => {
      writeFileSync(source, content);
      rmSync(target, { force: true });
      expect(copySealed(walked(), target)).toBe(sha256(content));
      expect(new Uint8Array(readFileSync(target))).toEqual(new Uint8Array(content));
    }),
    { numRuns: 50 },
  );
});

test("a file with holes is stored whole", () => {
  execFileSync("truncate", ["-s", "5M", source]);
  appendFileSync(source, "end");
  expect(copySealed(walked(), target)).toBe(sha256(readFileSync(source)));
  expect(statSync(target).size).toBe(5 * MEBIBYTE + 3);
});

test.each([
  [0o644, 0o644],
  [0o600, 0o644],
  [0o755, 0o755],
  [0o500, 0o755],
  [0o4755, 0o755],
  [0o2777, 0o755],
])("mode %o is stored as %o: executable or not, and nothing else", (mode, stored) => {
  for (const content of ["small", Buffer.alloc(MEBIBYTE + 1)]) {
    writeFileSync(source, content);
    chmodSync(source, mode);
    copySealed(walked(), target);
    expect(statSync(target).mode & 0o7777).toBe(stored);
    rmSync(target);
    rmSync(source);
  }
});

test("the date goes along, so that bytecode beside it stays valid", () => {
  for (const content of ["small", Buffer.alloc(MEBIBYTE + 1)]) {
    writeFileSync(source, content);
    utimesSync(source, 1_700_000_000, 1_600_000_000.25);
    copySealed(walked(), target);
    expect(statSync(target).mtimeMs).toBe(1_600_000_000_250);
    rmSync(target);
  }
});

describe("a file that is no longer the one that was looked at is refused:", () => {
  const changes: readonly (readonly [string, () => void])[] = [
    ["written", () => writeFileSync(source, "-50")],
    ["appended to", () => appendFileSync(source, "0")],
    [
      "replaced by another with the same date and size",
      () => {
        const { mtime } = statSync(source);
        writeFileSync(`${source}.new`, "-9");
        utimesSync(`${source}.new`, mtime, mtime);
        renameSync(`${source}.new`, source);
      },
    ],
    ["made executable", () => chmodSync(source, 0o755)],
    ["removed", () => rmSync(source)],
    [
      "replaced by a symlink to another",
      () => {
        renameSync(source, join(place, "other"));
        symlinkSync(join(place, "other"), source);
      },
    ],
    [
      "replaced by a pipe",
      () => {
        rmSync(source);
        execFileSync("mkfifo", [source]);
      },
    ],
    [
      "replaced by a directory",
      () => {
        rmSync(source);
        mkdirSync(source);
      },
    ],
    [
      "now reached through a symlink, though it is the very same file",
      () => {
        renameSync(join(place, "tree"), join(place, "elsewhere"));
        symlinkSync("elsewhere", join(place, "tree"));
      },
    ],
  ];

  test.each(changes)("%s", (_, change) => {
    writeFileSync(source, "-5");
    const file = walked();
    execFileSync("sleep", ["0.02"]);
    change();
    expect(refusal(() => copySealed(file, target))).toBe(`${source} changed while it was being sealed`);
    expect(existsSync(target)).toBe(false);
  });
});

test.each([10, MEBIBYTE + 1])("a file of %i bytes that changes while it is copied is refused", (bytes) => {
  writeFileSync(source, Buffer.alloc(bytes));
  const file = walked();
  execFileSync("sleep", ["0.02"]);
  // As long as before, so that only the kernel's own note of it tells.
  during.copy = () => writeFileSync(source, Buffer.alloc(bytes, 1));
  expect(refusal(() => copySealed(file, target))).toBe(`${source} changed while it was being sealed`);
});

test.each(["a file", "a symlink"])("nothing is ever written over: %s stands there", (what) => {
  writeFileSync(source, "-5");
  writeFileSync(join(place, "victim"), "before");
  if (what === "a file") writeFileSync(target, "before");
  else symlinkSync("victim", target);
  expect(() => copySealed(walked(), target)).toThrow(/EEXIST/);
  expect(readFileSync(join(place, "victim"), "utf8")).toBe("before");
  expect(readFileSync(target, "utf8")).toBe("before");
});

test("a file that may not be read is named", () => {
  writeFileSync(source, "-5");
  chmodSync(source, 0o000);
  const file = walked();
  chmodSync(place, 0o777);
  if (IS_ROOT) process.seteuid?.(12_345);
  try {
    expect(refusal(() => copySealed(file, target))).toBe(`${source} cannot be read: EACCES`);
  } finally {
    if (IS_ROOT) process.seteuid?.(0);
  }
});
