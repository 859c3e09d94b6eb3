/**
 * Hardline's small programs on disk. Each is kept in the state directory under what it was made from, so that a start with
 * an unchanged plan writes and encodes nothing.
 */
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { BUILD_ID } from "../../core/build.ts";
import { slotName } from "../../core/cache.ts";
import { errnoOf } from "../../core/errors.ts";
import { encode } from "../native/executable.ts";
import type { Program } from "../native/program.ts";

export interface ProgramFile {
  readonly path: string;
  readonly bytes: Buffer;
}

const UNUSED_MS = 7 * 24 * 3600 * 1000;

/**
 * The executable for what `spec` says. `spec` must determine the program; it stands behind the program in the file, so
 * that a file of the same name for another one is never taken for it.
 */
export function programFile(state: string, kind: string, spec: unknown, make: () => Program): ProgramFile {
  const text = `\n${JSON.stringify([BUILD_ID ?? process.pid, kind, spec])}`;
  const directory = join(state, "programs");
  const base = join(directory, `${kind}-${slotName(text)}`);
  for (const path of [base, `${base}-${process.pid}`]) {
    const bytes = read(path);
    if (bytes?.subarray(-Buffer.byteLength(text)).equals(Buffer.from(text))) return { path, bytes };
  }
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  removeUnused(directory);
  const bytes = Buffer.concat([encode(make()), Buffer.from(text)]);
  return { path: write(base, bytes), bytes };
}

function read(path: string): Buffer | undefined {
  try {
    const bytes = readFileSync(path);
    const now = Date.now() / 1000;
    // Once a day is enough to be seen as in use.
    if (now - statSync(path).mtimeMs / 1000 > 24 * 3600) utimesSync(path, now, now);
    return bytes;
  } catch {
    return undefined;
  }
}

/** A name that is taken by another program keeps it: somebody may be starting that one. */
function write(base: string, bytes: Buffer): string {
  const own = `${base}-${process.pid}`;
  const temporary = `${base}.new-${process.pid}`;
  writeFileSync(temporary, bytes, { mode: 0o700 });
  for (const path of [base, own]) {
    try {
      linkSync(temporary, path);
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error;
      if (read(path)?.equals(bytes) !== true) continue;
    }
    rmSync(temporary);
    return path;
  }
  // Left by an earlier process of the same number, which nobody can still be starting.
  renameSync(temporary, own);
  return own;
}

function removeUnused(directory: string): void {
  for (const name of readdirSync(directory)) {
    const stats = statSync(join(directory, name), { throwIfNoEntry: false });
    if (stats !== undefined && Date.now() - stats.mtimeMs > UNUSED_MS) rmSync(join(directory, name), { force: true });
  }
}
