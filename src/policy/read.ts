import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { errnoOf } from "../core/errors.ts";

/** A policy is written and reviewed by people; what is larger than this is something else. */
export const MAX_POLICY_BYTES = 1024 * 1024;

/** The bytes of a policy file, or why there are none. */
export type ReadResult =
  | {
      readonly kind: "read";
      /** At most `MAX_POLICY_BYTES + 1` of them: one more than allowed shows that the file is too large. */
      readonly bytes: Uint8Array;
      /** Absolute path as asked for; its last component may be a symbolic link. */
      readonly file: string;
      /** Absolute and symlink-free directory of the path asked for. */
      readonly dir: string;
    }
  | { readonly kind: "missing"; readonly file: string }
  | { readonly kind: "unreadable"; readonly file: string; readonly reason: string };

/**
 * Reads a policy file once, through one descriptor, so that what was examined is what is returned. Never throws for
 * anything the file system answers.
 */
export function readPolicyFile(path: string): ReadResult {
  const file = resolve(path);
  try {
    const dir = realpathSync(dirname(file));
    // O_NONBLOCK: a FIFO under the policy's name must not hang the supervisor.
    const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    try {
      const status = fstatSync(descriptor);
      if (status.isDirectory()) return { kind: "unreadable", file, reason: "it is a directory; name the file in it" };
      if (!status.isFile()) return { kind: "unreadable", file, reason: "it is not a regular file" };
      return { kind: "read", bytes: readUpTo(descriptor, MAX_POLICY_BYTES + 1), file, dir };
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    return failed(file, error);
  }
}

function failed(file: string, error: unknown): ReadResult {
  switch (errnoOf(error)) {
    case "ENOENT":
    case "ENOTDIR":
      return { kind: "missing", file };
    case "EACCES":
    case "EPERM":
      return { kind: "unreadable", file, reason: "permission denied; let the user that runs Hardline read it" };
    case "ELOOP":
      return { kind: "unreadable", file, reason: "its symbolic links go in a circle" };
    case undefined:
      throw error;
    default:
      return { kind: "unreadable", file, reason: error instanceof Error ? error.message : String(error) };
  }
}

function readUpTo(descriptor: number, limit: number): Uint8Array {
  const buffer = Buffer.alloc(limit);
  let length = 0;
  while (length < limit) {
    const count = readSync(descriptor, buffer, length, limit - length, length);
    if (count === 0) break;
    length += count;
  }
  return buffer.subarray(0, length);
}
