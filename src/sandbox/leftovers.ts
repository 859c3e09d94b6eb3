/**
 * The exit report: what appeared in mutable places during a run that somebody or something else might later execute
 * (F12). The sandbox ends with the run; these files do not.
 */
import { type Dirent, lstatSync, readdirSync, type Stats } from "node:fs";
import { errnoOf } from "../core/errors.ts";

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

/** Names that programs on the host execute or obey without being asked. */
const BY_NAME: ReadonlyMap<string, string> = new Map([
  [".envrc", "direnv runs it when somebody enters the directory"],
  [".mcp.json", "MCP clients start the servers that it names"],
  [".npmrc", "npm obeys it"],
  [".gitconfig", "git obeys it, and it can name programs"],
  [".gitattributes", "git obeys it, and it can name filters"],
  [".bashrc", "shells run it"],
  [".bash_profile", "shells run it"],
  [".profile", "shells run it"],
  [".zshrc", "shells run it"],
  ["sitecustomize.py", "Python runs it at every start"],
  ["usercustomize.py", "Python runs it at every start"],
  ["conftest.py", "pytest runs it"],
  ["setup.py", "installing the directory runs it"],
  ["package.json", "npm runs its scripts"],
  ["Makefile", "make runs it"],
  ["Dockerfile", "building the image runs it"],
  [".pre-commit-config.yaml", "pre-commit runs what it names"],
  [".env", "programs read their settings from it"],
]);
/** Directories whose content is obeyed, whatever it is called. */
const BY_DIRECTORY: ReadonlyMap<string, string> = new Map([
  ["hooks", "git runs hooks"],
  [".bin", "npm scripts find programs in node_modules/.bin"],
  ["__pycache__", "Python loads bytecode from it instead of the source"],
]);
/** The same for everything below them too. */
const BY_ANCESTOR: ReadonlyMap<string, string> = new Map([
  [".vscode", "the editor runs tasks"],
  [".idea", "the editor runs configurations"],
  [".cursor", "the editor starts servers that it names"],
  [".claude", "the assistant obeys it"],
  [".github", "the forge runs workflows"],
  [".devcontainer", "the editor builds and runs the container"],
]);
const PACKAGE = "Node resolves packages from node_modules of every parent directory";

/**
 * Looks through the mutable places for what changed since then. `since` is in milliseconds of the wall clock. Who
 * controls the names, the depth and the permissions: the agent. None of them may end the search early unsaid.
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
  const judge = (place: string, path: string, stats: Stats): void => {
    const parts = path.slice(place.length + 1).split("/");
    const holder = packageOf(place, parts);
    if (holder !== undefined && !packages.has(holder)) add(holder, PACKAGE);
    if (holder !== undefined) packages.add(holder);
    const why = dangerous(stats) ?? (holder === undefined ? reason(place, parts, stats) : undefined);
    if (why !== undefined) add(path, why);
  };
  const visit = (place: string, directory: string): void => {
    for (const entry of read(directory)) {
      entries += 1;
      if (entries > MOST_ENTRIES) return;
      const path = `${directory}/${entry.name}`;
      const stats = look(path);
      if (stats === "unknown") incomplete = true;
      else if (stats !== undefined && stats.ctimeMs >= since) judge(place, path, stats);
      if (entry.isDirectory()) visit(place, path);
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
  for (const place of places.map(latin1)) visit(place, place);
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
  const at = whole.lastIndexOf("node_modules");
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

function reason(place: string, inner: readonly string[], stats: Stats): string | undefined {
  if (stats.isDirectory()) return undefined;
  // The place's own name counts: `.git/hooks` may be what is mutable.
  const parts = [...place.split("/").slice(-2), ...inner];
  const name = parts.at(-1) ?? "";
  const parent = parts.at(-2) ?? "";
  if (name === "config" && parts.includes(".git")) return "git obeys it, and it can name programs";
  if (parent === "hooks" && !parts.slice(0, -2).some((part) => part.endsWith(".git"))) return executable(stats);
  for (const part of parts.slice(0, -1)) {
    const why = BY_ANCESTOR.get(part);
    if (why !== undefined) return why;
  }
  const byDirectory = BY_DIRECTORY.get(parent);
  if (byDirectory !== undefined) return byDirectory;
  if (name.endsWith(".pth")) return "Python runs it at every start, if the directory is a site directory";
  return BY_NAME.get(name) ?? executable(stats);
}

function executable(stats: Stats): string | undefined {
  return stats.isFile() && (stats.mode & 0o111) !== 0 ? "it is executable" : undefined;
}
