/** Remembers, for each sealed source, which release its last fingerprint led to. A cache: losing it costs a copy. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface IndexEntry {
  readonly fingerprint: string;
  readonly digest: string;
  /** Name of the directory below `releases/`. */
  readonly directory: string;
}

/** The entry, or `undefined` where there is none that can be read: then the content is sealed anew. */
export function readIndex(state: string, name: string): IndexEntry | undefined {
  try {
    const entry: unknown = JSON.parse(readFileSync(join(state, "sealed", `${name}.json`), "utf8"));
    return isEntry(entry) ? entry : undefined;
  } catch {
    return undefined;
  }
}

export function writeIndex(state: string, name: string, entry: IndexEntry): void {
  const directory = join(state, "sealed");
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, `${name}.json`);
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, JSON.stringify(entry), { mode: 0o600 });
  renameSync(temporary, file);
}

function isEntry(value: unknown): value is IndexEntry {
  if (typeof value !== "object" || value === null) return false;
  const { fingerprint, digest, directory } = value as Record<string, unknown>;
  // The directory becomes part of a path: only a name that this store makes is one.
  return (
    typeof fingerprint === "string" &&
    typeof digest === "string" &&
    typeof directory === "string" &&
    /^[0-9a-f]{64}(-\d+)?$/.test(directory)
  );
}
