/** Copies one file into the release store and says what it copied: the digest is of the bytes that are in the store. */
import { createHash } from "node:crypto";
import {
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  fstatSync,
  futimesSync,
  openSync,
  readFileSync,
  readlinkSync,
  readSync,
  writeSync,
} from "node:fs";
import { errnoOf } from "../../core/errors.ts";
import { SandboxError } from "../errors.ts";
import { stampOf, type WalkedFile } from "./walk.ts";

/** Up to here a file is read once and written once; larger ones are cloned where the file system can. */
const WHOLE = 1024 * 1024;
const CHUNK = 4 * 1024 * 1024;

/**
 * Copies a walked file to `target`, which must not exist. Returns the SHA-256 of what was stored, in hex. Throws
 * `SandboxError` with `cannot-seal` where the file is not, or no longer, the one that was walked.
 */
export function copySealed(file: WalkedFile, target: string): string {
  const source = openSource(file);
  try {
    const digest = file.bytes <= WHOLE ? copyWhole(source, file, target) : copyLarge(source, file, target);
    if (stampOf(fstatSync(source)) !== file.stamp) throw changed(file);
    return digest;
  } finally {
    closeSync(source);
  }
}

function openSource(file: WalkedFile): number {
  try {
    const source = openSync(file.source, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    // The path as the kernel knows it: a directory on the way that has become a symlink leads to another one (F5).
    const isWhereItWas = readlinkSync(`/proc/self/fd/${source}`) === file.source;
    if (isWhereItWas && stampOf(fstatSync(source)) === file.stamp) return source;
    closeSync(source);
  } catch (error) {
    if (errnoOf(error) !== "ELOOP" && errnoOf(error) !== "ENOENT") {
      throw new SandboxError("cannot-seal", `${file.source} cannot be read: ${errnoOf(error) ?? error}`, "", {
        cause: error,
      });
    }
  }
  throw changed(file);
}

function changed(file: WalkedFile): SandboxError {
  return new SandboxError(
    "cannot-seal",
    `${file.source} changed while it was being sealed`,
    "Start again once nothing writes to the sealed tree.",
  );
}

/** Never through a symlink, never over something that is there. */
function create(target: string): number {
  return openSync(target, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
}

function copyWhole(source: number, file: WalkedFile, target: string): string {
  const content = readFileSync(source);
  if (content.length !== file.bytes) throw changed(file);
  const stored = create(target);
  try {
    for (let at = 0; at < content.length; ) at += writeSync(stored, content, at);
    finish(stored, file);
  } finally {
    closeSync(stored);
  }
  return createHash("sha256").update(content).digest("hex");
}

function copyLarge(source: number, file: WalkedFile, target: string): string {
  copyFileSync(`/proc/self/fd/${source}`, target, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
  const stored = openSync(target, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const hash = createHash("sha256");
    const chunk = Buffer.allocUnsafe(CHUNK);
    for (let bytes = readSync(stored, chunk); bytes > 0; bytes = readSync(stored, chunk)) {
      hash.update(chunk.subarray(0, bytes));
    }
    finish(stored, file);
    return hash.digest("hex");
  } finally {
    closeSync(stored);
  }
}

/**
 * Ordinary permissions that would allow everything: the read-only mount alone answers, with EROFS, and can be told from a
 * permission by that. The store's own directory keeps every other user of the host out.
 */
function finish(stored: number, file: WalkedFile): void {
  fchmodSync(stored, file.executable ? 0o755 : 0o644);
  futimesSync(stored, file.mtimeMs / 1000, file.mtimeMs / 1000);
}
