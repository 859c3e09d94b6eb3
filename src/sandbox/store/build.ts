/** Builds a release in a temporary directory of the store and gives it its name once all of it is on disk. */
import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import {
  chownSync,
  existsSync,
  lchownSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { errnoOf } from "../../core/errors.ts";
import { SandboxError } from "../errors.ts";
import { collectReleases, touchRelease } from "./collect.ts";
import { copySealed } from "./copy.ts";
import type { Walked, WalkedFile } from "./walk.ts";

/** Told how far sealing is, at most every tenth of a second, so that a long copy can show that it lives. */
export type Progress = (done: { readonly files: number; readonly of: number; readonly bytes: number }) => void;

export interface BuildOptions {
  readonly state: string;
  readonly owner?: { readonly uid: number; readonly gid: number };
  readonly progress: Progress;
  readonly found: readonly Walked[];
  readonly empty: Readonly<Record<string, "file" | "directory">>;
  /** Directory name of the release that this source led to before: unchanged files are linked from it. */
  readonly previous: string | undefined;
}

export interface BuiltRelease {
  readonly digest: string;
  readonly directory: string;
  readonly tree: string;
}

/** By path: the stamp of the source and the digest of what was stored. */
type Manifest = Record<string, readonly [stamp: string, digest: string, executable: 0 | 1]>;

const TICK_MS = 100;

export async function buildRelease(options: BuildOptions): Promise<BuiltRelease> {
  const releases = join(options.state, "releases");
  mkdirSync(releases, { recursive: true, mode: 0o700 });
  const temporary = join(releases, `.new-${process.pid}-${randomBytes(4).toString("hex")}`);
  try {
    // Not the owner's, unlike the tree in it: the manifest is the supervisor's.
    mkdirSync(temporary, { mode: 0o700 });
    const manifest = await fill(join(temporary, "tree"), options);
    const digest = digestOf(options, manifest);
    const directory = options.owner === undefined ? digest : `${digest}-${options.owner.uid}`;
    writeFileSync(join(temporary, "manifest.json"), JSON.stringify(manifest), { mode: 0o600 });
    const final = join(releases, directory);
    // Touched before anything is collected: content that comes back after a week is in use again.
    if (!touchRelease(final, Date.now())) {
      syncFileSystem(temporary);
      giveName(temporary, final);
    }
    collectReleases(options.state, Date.now());
    return { digest: `sha256:${digest}`, directory, tree: join(final, "tree") };
  } catch (error) {
    if (error instanceof SandboxError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new SandboxError("cannot-seal", `the release could not be stored: ${reason}`, "", { cause: error });
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** A supervisor that sealed the same content at the same time may have been faster: then both have it. */
function giveName(temporary: string, final: string): void {
  try {
    renameSync(temporary, final);
  } catch (error) {
    if (!["ENOTEMPTY", "EEXIST"].includes(errnoOf(error) ?? "")) throw error;
  }
}

async function fill(tree: string, options: BuildOptions): Promise<Manifest> {
  const previous = previousRelease(options);
  const manifest: Manifest = {};
  const total = options.found.length;
  let bytes = 0;
  let next = performance.now() + TICK_MS;
  makeDirectory(tree, options);
  for (const [index, entry] of options.found.entries()) {
    const target = entry.path === "" ? tree : join(tree, entry.path);
    if (entry.kind === "directory") makeDirectory(target, options);
    else {
      makeDirectory(dirname(target), options);
      if (entry.kind === "symlink") {
        symlinkSync(entry.to, target);
        own(target, options);
      } else {
        manifest[entry.path] = [entry.stamp, storeFile(entry, target, previous, options), entry.executable ? 1 : 0];
        bytes += entry.bytes;
      }
    }
    if (performance.now() < next) continue;
    next = performance.now() + TICK_MS;
    options.progress({ files: index + 1, of: total, bytes });
    await setImmediate();
  }
  options.progress({ files: total, of: total, bytes });
  for (const [path, kind] of Object.entries(options.empty)) {
    const target = join(tree, path);
    makeDirectory(kind === "directory" ? target : dirname(target), options);
    if (kind === "file") writeFileSync(target, "", { mode: 0o644, flag: "wx" });
    own(target, options);
  }
  return manifest;
}

function makeDirectory(path: string, options: BuildOptions): void {
  if (existsSync(path)) return;
  makeDirectory(dirname(path), options);
  mkdirSync(path, { mode: 0o755 });
  own(path, options);
}

function own(path: string, { owner }: BuildOptions): void {
  if (owner !== undefined) lchownSync(path, owner.uid, owner.gid);
}

interface Previous {
  readonly tree: string;
  readonly manifest: Manifest;
}

function previousRelease({ state, previous }: BuildOptions): Previous | undefined {
  if (previous === undefined) return undefined;
  const directory = join(state, "releases", previous);
  try {
    return {
      tree: join(directory, "tree"),
      manifest: JSON.parse(readFileSync(join(directory, "manifest.json"), "utf8")),
    };
  } catch {
    return undefined; // Collected, or never finished: everything is copied.
  }
}

/** An unchanged file is a second name of the stored one: nothing in the store is ever written again. */
function storeFile(file: WalkedFile, target: string, previous: Previous | undefined, options: BuildOptions): string {
  const known = previous?.manifest[file.path];
  if (previous !== undefined && known?.[0] === file.stamp) {
    try {
      linkSync(join(previous.tree, file.path), target);
      return known[1];
    } catch {
      // The file system's limit on links, or a release that is going away: copy instead.
    }
  }
  const digest = copySealed(file, target);
  if (options.owner !== undefined) chownSync(target, options.owner.uid, options.owner.gid);
  return digest;
}

function digestOf(options: BuildOptions, manifest: Manifest): string {
  const lines = options.found.map((entry) => {
    if (entry.kind === "directory") return `directory\0${entry.path}\n`;
    if (entry.kind === "symlink") return `symlink\0${entry.path}\0${entry.to}\n`;
    return `file\0${entry.path}\0${entry.executable ? "x" : "-"}\0${manifest[entry.path]?.[1] ?? ""}\n`;
  });
  for (const [path, kind] of Object.entries(options.empty)) lines.push(`empty ${kind}\0${path}\n`);
  return createHash("sha256").update(lines.sort().join("")).digest("hex");
}

/** A release that has its name must be whole even after a power cut: one syncfs instead of an fsync for each file. */
function syncFileSystem(directory: string): void {
  // Not from the caller's PATH, which may name a directory that an agent writes.
  for (const program of ["/usr/bin/sync", "/bin/sync", "/run/current-system/sw/bin/sync"]) {
    if (spawnSync(program, ["-f", directory], { stdio: "ignore", env: {} }).status === 0) return;
  }
  throw new SandboxError(
    "cannot-seal",
    `the release store ${directory} could not be written to disk (sync -f failed)`,
    "Check the disk, and that coreutils' sync is installed.",
  );
}
