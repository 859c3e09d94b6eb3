/** Reading a project that nobody vouches for: whatever cannot be read is as if it were not there. */
import { accessSync, constants, lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** Larger than any configuration file that a person wrote. */
const MAX_TEXT = 4 << 20;

export function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** A directory itself, not a symlink to one. */
export function isRealDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return isFile(path);
  } catch {
    return false;
  }
}

export function readText(path: string): string | undefined {
  try {
    const status = statSync(path);
    return status.isFile() && status.size <= MAX_TEXT ? readFileSync(path, "utf8") : undefined;
  } catch {
    return undefined;
  }
}

/** Sorted names; empty where there is no such directory. */
export function list(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch {
    return [];
  }
}

/** Sorted names of the plain files in a directory. */
export function listFiles(directory: string): string[] {
  return list(directory).filter((name) => isFile(join(directory, name)));
}

interface Json {
  readonly [key: string]: unknown;
}

function isJsonObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The object under a chain of keys; an empty one where any of it is missing or something else. */
export function objectAt(value: unknown, ...keys: readonly string[]): Json {
  let found: unknown = value;
  for (const key of keys) found = isJsonObject(found) && Object.hasOwn(found, key) ? found[key] : undefined;
  return isJsonObject(found) ? found : {};
}

/** `undefined` where the file is missing or is not JSON. */
export function readJson(path: string): unknown {
  const text = readText(path);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
