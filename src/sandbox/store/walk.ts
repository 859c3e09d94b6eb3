/**
 * Looks over a tree that is to be sealed: one `lstat` for each file, no content. Who controls the tree: whoever may write
 * the project, which on an unlucky day includes an earlier agent. So no symlink is ever followed, and what is neither
 * file, directory nor symlink is refused.
 */
import { lstatSync, readdirSync, readlinkSync, type Stats } from "node:fs";
import { join } from "../../core/paths.ts";
import { SandboxError } from "../errors.ts";

export interface WalkedFile {
  readonly kind: "file";
  /** Relative to the release's tree. */
  readonly path: string;
  readonly source: string;
  readonly executable: boolean;
  readonly bytes: number;
  readonly mtimeMs: number;
  /** Changes whenever the file's content or identity does; the kernel keeps its ctime, nobody can set it. */
  readonly stamp: string;
  readonly links: number;
}

export type Walked =
  | WalkedFile
  | { readonly kind: "directory"; readonly path: string }
  | { readonly kind: "symlink"; readonly path: string; readonly to: string };

/** Identity and version of a file's content, without reading it. */
export function stampOf(stats: Stats): string {
  return `${stats.dev}:${stats.ino}:${stats.size}:${stats.mode}:${stats.mtimeMs}:${stats.ctimeMs}`;
}

/**
 * Everything below (and with) `source`, in a stable order, as it will lie at `path` in the release. `holes` are relative
 * paths below `source` that are left empty: directories, or files where a file stands there.
 */
export function walk(source: string, path: string, holes: ReadonlySet<string>, found: Walked[]): void {
  const stats = lstatSync(source);
  if (stats.isDirectory()) walkDirectory(source, path, "", holes, found);
  else found.push(leaf(source, path, stats));
}

function walkDirectory(source: string, path: string, below: string, holes: ReadonlySet<string>, found: Walked[]): void {
  found.push({ kind: "directory", path });
  const entries = readdirSync(source, { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const inner = join(source, entry.name);
    const innerPath = path === "" ? entry.name : `${path}/${entry.name}`;
    const innerBelow = below === "" ? entry.name : `${below}/${entry.name}`;
    if (holes.has(innerBelow)) continue;
    if (entry.isDirectory()) walkDirectory(inner, innerPath, innerBelow, holes, found);
    else found.push(leaf(inner, innerPath, lstatSync(inner)));
  }
}

function leaf(source: string, path: string, stats: Stats): Walked {
  if (stats.isSymbolicLink()) return { kind: "symlink", path, to: readlinkSync(source) };
  if (!stats.isFile()) {
    throw new SandboxError(
      "cannot-seal",
      `${source} is neither file, directory nor symlink and cannot be sealed`,
      "Remove it, or list its directory under mutable:.",
    );
  }
  return {
    kind: "file",
    path,
    source,
    executable: (stats.mode & 0o111) !== 0,
    bytes: stats.size,
    mtimeMs: stats.mtimeMs,
    stamp: stampOf(stats),
    links: stats.nlink,
  };
}
