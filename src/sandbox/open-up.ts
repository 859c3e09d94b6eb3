/**
 * Directories that an agent closed to itself. It may take away its own permissions on what is its own; that must not keep
 * the next start from looking, mounting and cleaning up there.
 */
import { chmodSync, closeSync, fstatSync, openSync } from "node:fs";
import { isInside, join, parentsWithin } from "../core/paths.ts";
import type { Agent } from "../policy/types.ts";

/** `O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC` needs no permission on what it opens; two of them differ by machine. */
const OPEN_PATH = process.arch === "arm64" ? 0o12140000 : 0o12600000;

/** Gives back to its owner what is missing on each directory that a shape names, and on those that lead to them. */
export function openUp(agent: Agent): void {
  const { shape } = agent;
  const base = shape.kind === "root" ? shape.root : shape.workspace;
  const named = shape.kind === "root" ? shape.mutable : shape.sealed.map(({ path }) => path);
  const inner = named.flatMap((path) => [...parentsWithin(path), path]);
  // A sealed root itself, and what is sealed in it, is not the agent's to close.
  const places = shape.kind === "root" ? named : ["", ...inner];
  const outermostFirst = [...new Set(places)].sort((a, b) => a.length - b.length);
  for (const path of outermostFirst) open(join(base, path), base);
}

function open(path: string, base: string): void {
  if (!isInside(path, base)) return;
  let directory: number;
  try {
    directory = openSync(path, OPEN_PATH);
  } catch {
    return; // Not there, or no directory: whoever needs it says so.
  }
  try {
    const { mode } = fstatSync(directory);
    if ((mode & 0o700) !== 0o700) chmodSync(`/proc/self/fd/${directory}`, (mode & 0o7777) | 0o700);
  } catch {
    // Somebody else's: then it is closed to this start too, which says so where it looks.
  } finally {
    closeSync(directory);
  }
}
