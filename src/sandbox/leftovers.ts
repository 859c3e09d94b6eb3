/**
 * The exit report: what appeared in mutable places during a run that somebody or something else might later execute
 * (F12). The sandbox ends with the run; these files do not.
 */
import { type Dirent, lstatSync, readdirSync, type Stats } from "node:fs";
import { errnoOf } from "../core/errors.ts";
import {
  isRepository,
  isRepositoryConfig,
  PACKAGES,
  PACKAGES_RUN_LATER,
  whyDirectoryRunsLater,
  whyPathRunsLater,
} from "../core/runs-later.ts";

export interface Leftover {
  /** Absolute host path. */
  readonly path: string;
  /** Why it matters, in words. */
  readonly why: string;
}

export interface LeftoverReport {
  readonly leftovers: readonly Leftover[];
  /** Not everything was looked at: too many entries. */
  readonly incomplete: boolean;
}

/** So many entries are looked at; a report must not take longer than the run. */
const MOST_ENTRIES = 200_000;
const MOST_LEFTOVERS = 100;

/** A directory on the way, as it is gone through. */
interface Visited {
  readonly path: string;
  /** It or one above it may have been moved to where it is: all below has a new name, whatever its own time says. */
  readonly moved: boolean;
  /** Something was made in it, taken out of it, or moved into it. */
  readonly changed: boolean;
}

/**
 * Looks through the mutable places for what changed since then. `since` is in milliseconds of the wall clock. Who
 * controls the names, the depth and the permissions: the agent. None of them may end the search early unsaid. What it
 * cannot set is the time of a change (ctime): the kernel keeps that, for the directory that something is moved into too.
 */
export function findLeftovers(places: readonly string[], since: number): LeftoverReport {
  const leftovers: Leftover[] = [];
  const packages = new Set<string>();
  let entries = 0;
  let incomplete = false;
  const add = (path: string, why: string): void => {
    if (leftovers.length < MOST_LEFTOVERS) leftovers.push({ path: shown(path), why });
    else incomplete = true;
  };
  const judge = (place: string, path: string, stats: Stats, inRepository: boolean): void => {
    const parts = path.slice(place.length + 1).split("/");
    const holder = packageOf(place, parts);
    if (holder !== undefined && !packages.has(holder)) add(holder, PACKAGES_RUN_LATER);
    if (holder !== undefined) packages.add(holder);
    const why = dangerous(stats) ?? (holder === undefined ? reason(place, parts, stats, inRepository) : undefined);
    if (why !== undefined) add(path, why);
  };
  const visit = (place: string, directory: Visited): void => {
    const list = read(directory.path);
    const names = new Set(list.map(({ name }) => name));
    const inRepository = isRepository((name) => names.has(name));
    // What was harmless there is obeyed from when the directory became a repository.
    const became = inRepository && directory.changed;
    for (const entry of list) {
      entries += 1;
      if (entries > MOST_ENTRIES) return;
      const path = `${directory.path}/${entry.name}`;
      const stats = look(path);
      if (stats === "unknown") incomplete = true;
      const changed = stats === "unknown" || (stats !== undefined && stats.ctimeMs >= since);
      if (typeof stats === "object" && (changed || directory.moved || (became && isRepositoryConfig(entry.name)))) {
        judge(place, path, stats, inRepository);
      }
      // A rename changes the directory that is moved and the one that it is moved into.
      const moved = directory.moved || (changed && directory.changed);
      if (entry.isDirectory()) visit(place, { path, moved, changed });
    }
  };
  const read = (directory: string): Dirent[] => {
    try {
      return readdirSync(bytesOf(directory), { withFileTypes: true, encoding: "latin1" });
    } catch (error) {
      // The agent may have taken away its own permission, and the owner can give it back; or the path is too long.
      if (errnoOf(error) !== "ENOENT") incomplete = true;
      return [];
    }
  };
  for (const place of places.map(latin1)) {
    // A place is mounted, and stays where it is.
    const stats = look(place);
    const changed = stats === "unknown" || (stats !== undefined && stats.ctimeMs >= since);
    visit(place, { path: place, moved: false, changed });
  }
  return { leftovers, incomplete: incomplete || entries > MOST_ENTRIES };
}

// Names are bytes, which need not be UTF-8. As Latin-1 each byte is one character, and none is lost.
const latin1 = (path: string): string => Buffer.from(path).toString("latin1");
const bytesOf = (path: string): Buffer => Buffer.from(path, "latin1");
const shown = (path: string): string => bytesOf(path).toString();

function look(path: string): Stats | "unknown" | undefined {
  try {
    return lstatSync(bytesOf(path), { throwIfNoEntry: false });
  } catch {
    return "unknown";
  }
}

/** The package of a `node_modules` that something belongs to: `node_modules/x`, `node_modules/@scope/x`. */
function packageOf(place: string, parts: readonly string[]): string | undefined {
  // A mutable place may be such a directory itself, or lie in one.
  const above = place.split("/");
  const whole = [...above, ...parts];
  const at = whole.lastIndexOf(PACKAGES);
  const name = whole[at + 1];
  if (at === -1 || name === undefined || name.startsWith(".")) return undefined;
  const end = at + (name.startsWith("@") ? 3 : 2);
  // What the place itself belongs to was there before; what is named is never above it.
  return end > whole.length ? undefined : whole.slice(0, Math.max(end, above.length + 1)).join("/");
}

function dangerous(stats: Stats): string | undefined {
  if (stats.isBlockDevice() || stats.isCharacterDevice()) return "it is a device node";
  if (stats.isFile() && (stats.mode & 0o6000) !== 0) return "it runs with its owner's rights (set-uid or set-gid)";
  return undefined;
}

function reason(place: string, inner: readonly string[], stats: Stats, inRepository: boolean): string | undefined {
  if (stats.isDirectory()) return undefined;
  // The place's own name counts: `.git/hooks` may be what is mutable.
  const parts = [...place.split("/").slice(-2), ...inner];
  const name = parts.at(-1) ?? "";
  const byName =
    whyPathRunsLater(parts, inRepository) ?? (stats.isSymbolicLink() ? linked(name, inRepository) : undefined);
  return byName ?? executable(stats);
}

/** A link of such a name may lead to a directory of any other. */
function linked(name: string, inRepository: boolean): string | undefined {
  return name === "hooks" && inRepository ? "git runs hooks" : whyDirectoryRunsLater(name);
}

function executable(stats: Stats): string | undefined {
  return stats.isFile() && (stats.mode & 0o111) !== 0 ? "it is executable" : undefined;
}
