/**
 * Results that follow from content alone, kept in files so that a start need not work them out again. A cache only: an
 * entry that cannot be read, or that another build wrote, is worked out anew. Keys are compared in full, so a name that
 * two of them share costs time and nothing else.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BUILD_ID } from "./build.ts";

/** So many characters of a long text, spread over all of it, go into its short name. */
const SAMPLES = 128;

/** A short file name for a text, the same every time. Not a digest: two texts may share it. Twice FNV-1a, 32 bits. */
export function slotName(text: string): string {
  const stride = Math.ceil((text.length + 1) / SAMPLES);
  let low = 0x811c_9dc5 ^ text.length;
  let high = 0x01c9_c511;
  for (let at = 0; at < text.length; at += stride) {
    const unit = text.charCodeAt(at);
    low = Math.imul(low ^ unit, 0x0100_0193);
    high = Math.imul(high ^ (unit + at), 0x0100_0193);
  }
  return [high, low].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
}

/** The kept value for that key, if there is one. `undefined` is not a value that can be kept. */
export function recall(state: string, slot: string, key: string): unknown {
  if (BUILD_ID === undefined) return undefined;
  try {
    const entry = JSON.parse(readFileSync(join(state, "cache", slot), "utf8"));
    return entry.build === BUILD_ID && entry.key === key ? entry.value : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps a value under that key. A fault in the keeping costs time, never correctness, and is not reported. */
export function keep(state: string, slot: string, key: string, value: unknown): void {
  if (BUILD_ID === undefined) return;
  try {
    const directory = join(state, "cache");
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const temporary = join(directory, `${slot}.${process.pid}`);
    writeFileSync(temporary, JSON.stringify({ build: BUILD_ID, key, value }), { mode: 0o600 });
    renameSync(temporary, join(directory, slot));
  } catch {
    // A full disk must not be answered with less checking, only with slower starts.
  }
}
