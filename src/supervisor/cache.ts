/**
 * Results that follow from content alone, kept in the state directory so that a start need not work them out again. A
 * cache only: an entry that cannot be read, or that another build wrote, is worked out anew.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BUILD_ID } from "../core/build.ts";

/** A digest of everything that a result depends on. */
export function cacheKey(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256").update(BUILD_ID ?? "");
  for (const part of parts) hash.update("\0").update(part);
  return hash.digest("hex");
}

/**
 * The kept result, or the one that is worked out now. `slot` names the file: one result is kept for each slot. A fault in
 * the keeping costs time and nothing else.
 */
export async function cached<T>(state: string, slot: string, key: string, work: () => Promise<T>): Promise<T> {
  const file = join(state, "cache", `${slot}.json`);
  const kept = BUILD_ID === undefined ? undefined : read(file, key);
  if (kept !== undefined) return kept.value as T;
  const value = await work();
  if (BUILD_ID !== undefined) write(state, file, key, value);
  return value;
}

function read(file: string, key: string): { readonly value: unknown } | undefined {
  try {
    const entry = JSON.parse(readFileSync(file, "utf8"));
    return entry.key === key ? { value: entry.value } : undefined;
  } catch {
    return undefined;
  }
}

function write(state: string, file: string, key: string, value: unknown): void {
  try {
    mkdirSync(join(state, "cache"), { recursive: true, mode: 0o700 });
    const temporary = `${file}.${process.pid}`;
    writeFileSync(temporary, JSON.stringify({ key, value }), { mode: 0o600 });
    renameSync(temporary, file);
  } catch {
    // A full disk must not be answered with less checking, only with slower starts.
  }
}
