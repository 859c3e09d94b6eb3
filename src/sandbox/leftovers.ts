/**
 * The exit report: what appeared in mutable places during a run that somebody or something else might later execute
 * (F12). The sandbox ends with the run; these files do not.
 */
import { lstatSync, readdirSync, type Stats } from "node:fs";
import { join } from "node:path";

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
  [".vscode", "the editor runs tasks"],
  [".idea", "the editor runs configurations"],
  [".cursor", "the editor starts servers that it names"],
  [".claude", "the assistant obeys it"],
  [".github", "the forge runs workflows"],
  [".bin", "npm scripts find programs in node_modules/.bin"],
  ["__pycache__", "Python loads bytecode from it instead of the source"],
]);

/** Looks through the mutable places for what changed since then. `since` is in milliseconds of the wall clock. */
export function findLeftovers(places: readonly string[], since: number): LeftoverReport {
  const leftovers: Leftover[] = [];
  let entries = 0;
  const visit = (directory: string): void => {
    for (const entry of read(directory)) {
      entries += 1;
      if (entries > MOST_ENTRIES) return;
      const path = join(directory, entry.name);
      const stats = lstatSync(path, { throwIfNoEntry: false });
      if (stats === undefined) continue;
      if (stats.ctimeMs >= since && leftovers.length < MOST_LEFTOVERS) {
        const why = reason(directory, entry.name, stats);
        if (why !== undefined) leftovers.push({ path, why });
      }
      if (entry.isDirectory()) visit(path);
    }
  };
  for (const place of places) visit(place);
  return { leftovers, incomplete: entries > MOST_ENTRIES || leftovers.length >= MOST_LEFTOVERS };
}

function read(directory: string): ReturnType<typeof readdir> {
  try {
    return readdir(directory);
  } catch {
    return []; // The agent may take away its own permissions; what nobody can enter nobody runs.
  }
}

const readdir = (directory: string) => readdirSync(directory, { withFileTypes: true });

function reason(directory: string, name: string, stats: Stats): string | undefined {
  if (stats.isBlockDevice() || stats.isCharacterDevice()) return "it is a device node";
  if (stats.isFile() && (stats.mode & 0o6000) !== 0) return "it runs with its owner's rights (set-uid or set-gid)";
  if (stats.isDirectory()) return undefined;
  const parts = directory.split("/");
  const parent = parts.at(-1) ?? "";
  if (name === "config" && parent === ".git") return "git obeys it, and it can name programs";
  if (parent === "hooks" && !parts.includes(".git") && !parts.at(-2)?.endsWith(".git")) return executable(stats);
  const byDirectory = BY_DIRECTORY.get(parent);
  if (byDirectory !== undefined) return byDirectory;
  if (name.endsWith(".pth")) return "Python runs it at every start, if the directory is a site directory";
  return BY_NAME.get(name) ?? executable(stats);
}

function executable(stats: Stats): string | undefined {
  return stats.isFile() && (stats.mode & 0o111) !== 0 ? "it is executable" : undefined;
}
