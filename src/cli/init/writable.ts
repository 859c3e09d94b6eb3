/** Which directories of a project the agent will have to write. */
import { join } from "node:path";
import { isRealDirectory, list, readText } from "./files.ts";
import type { Assumption } from "./project.ts";

export interface WritablePlaces {
  /** Sorted. Some may not be there yet: a fresh clone has none of what .gitignore names. */
  readonly mutable: readonly string[];
  readonly assumptions: readonly Assumption[];
}

/** Directories in which programs keep what they remember, observe or put out. */
const USUAL_NAMES = new Set(
  (
    "state memory memories logs log data market output outputs results reports artifacts runs checkpoints cache .cache tmp temp " +
    "var storage store db database journal history sessions workspace downloads uploads inbox outbox notes scratch"
  ).split(" "),
);

/** What a version control ignores and a program still must not be able to change: it is executed. */
const EXECUTED =
  /^(node_modules|\.?venv|\.?env|__pycache__|dist|build|out|target|vendor|bin|lib|site-packages|\.git|\.tox|\.next)$/;

const CODE = /\.(py|pyc|pyd|so|js|mjs|cjs|jsx|ts|mts|cts|tsx|wasm|node|sh|bash|rb|pl|php|lua|jar|dll|exe)$/i;
const MAX_LOOKED_AT = 5_000;

/** Existing directories with a usual name or ignored by git, and usual names that git ignores and that are still absent. */
export function findWritablePlaces(directory: string): WritablePlaces {
  const ignored = ignoredDirectories(directory);
  const present = list(directory).filter((name) => USUAL_NAMES.has(name) || ignored.has(name));
  const absent = [...ignored].filter((name) => USUAL_NAMES.has(name) && !list(directory).includes(name));
  const mutable: string[] = [];
  const assumptions: Assumption[] = [];
  for (const name of present) {
    const path = join(directory, name);
    if (EXECUTED.test(name)) continue;
    if (!isRealDirectory(path)) {
      if (USUAL_NAMES.has(name))
        assumptions.push({
          id: "not-a-directory",
          message: `${name} is not a directory itself (a file, or a symlink): left sealed`,
        });
      continue;
    }
    const code = findCode(path);
    if (code === undefined) mutable.push(name);
    else assumptions.push({ id: "code-in-writable", message: `${name}/ holds code (${code}): left sealed` });
  }
  return { mutable: [...mutable, ...absent].sort(), assumptions };
}

/** Plain directory names at the top of the project; patterns are not interpreted. */
function ignoredDirectories(directory: string): Set<string> {
  const lines = (readText(join(directory, ".gitignore")) ?? "").split(/\r?\n/);
  const names = lines.flatMap((line) => /^\/?([\w.-]+)\/?(?:\*{1,2})?\s*$/.exec(line)?.[1] ?? []);
  return new Set(names.filter((name) => name !== "." && name !== ".."));
}

/** The first file below that something might execute. Not everything is looked at: so many files are data, and `check` follows imports. */
function findCode(directory: string): string | undefined {
  const waiting = [""];
  let looked = 0;
  for (let below = waiting.pop(); below !== undefined; below = waiting.pop()) {
    for (const name of list(join(directory, below))) {
      const path = join(below, name);
      looked += 1;
      if (looked > MAX_LOOKED_AT) return undefined;
      if (isRealDirectory(join(directory, path))) waiting.push(path);
      else if (CODE.test(name)) return path;
    }
  }
  return undefined;
}
