/** Where an interpreter really is: behind version managers' shims, symlinks and virtual environments. */
import { spawnSync } from "node:child_process";
import { realpathSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { isInside } from "../../core/paths.ts";
import type { Io } from "../io.ts";
import { isExecutable } from "./files.ts";

export interface Interpreter {
  /** First word of `run`: a bare name where the sandbox finds the same program by it, else an absolute path. */
  readonly word: string;
  /** Absolute host paths that it needs besides the system's own; a bare name needs none. */
  readonly read: readonly string[];
  /** What it needs and would open too much of the host, so that a person has to decide. */
  readonly tooWide?: string;
  /** Node.js that strips types by itself. */
  readonly runsTypeScript: boolean;
}

/** Where programs are found inside the sandbox, which has the host's /usr. */
const SANDBOX_PATH = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
const SYSTEM = ["/usr", "/bin", "/sbin", "/lib", "/lib64"];

/**
 * Each asks the interpreter itself, since a shim is a script and its target is known to it alone. JSON: [program, prefix, runs
 * TypeScript].
 */
const QUESTIONS: Readonly<Record<"node" | "python3", readonly string[]>> = {
  node: ["-p", "JSON.stringify([process.execPath, null, Boolean(process.features.typescript)])"],
  python3: ["-I", "-c", "import json, os, sys; print(json.dumps([os.path.realpath(sys.executable), sys.base_prefix]))"],
};

/**
 * Finds the interpreter that the person at the terminal would get by its name, or the one of the project's virtual
 * environment. Executes the former, in `/` and isolated from the project; the latter never, since it is the project's.
 * Where the program is TypeScript, one that runs it is preferred. `undefined` where there is none.
 */
export function findInterpreter(
  io: Io,
  name: "node" | "python3",
  project: string,
  typescript: boolean,
): Interpreter | undefined {
  if (name === "python3") {
    const own = [".venv", "venv"]
      .map((place) => `${place}/bin/python3`)
      .find((path) => isExecutable(join(project, path)));
    if (own !== undefined) {
      const program = realpathSync(join(project, own));
      return { word: own, ...needs(program, dirname(dirname(program)), project), runsTypeScript: false };
    }
  }
  const chosen = choose(findOnPath(io, name), name, typescript);
  if (chosen === undefined) return undefined;
  const { program, prefix, runsTypeScript } = chosen;
  if (!isSystem(program)) return { word: program, ...needs(program, prefix ?? program, project), runsTypeScript };
  const inside = SANDBOX_PATH.map((directory) => join(directory, name)).find(isExecutable);
  const isSame = inside !== undefined && realpathSync(inside) === program;
  return { word: isSame ? name : program, read: [], runsTypeScript };
}

/** The first, unless a later one can do what it cannot. No more of them are executed than needed. */
function choose(candidates: readonly string[], name: "node" | "python3", typescript: boolean): Answer | undefined {
  let first: Answer | undefined;
  for (const found of candidates) {
    const answer = ask(found, name) ?? { program: realpathSync(found), prefix: undefined, runsTypeScript: false };
    if (!typescript || answer.runsTypeScript) return answer;
    first ??= answer;
  }
  return first;
}

/** What has to be readable besides the system and the project, which are. */
function needs(program: string, needed: string, project: string): Pick<Interpreter, "read" | "tooWide"> {
  if (isSystem(program) || isInside(program, project)) return { read: [] };
  if (isTooWide(needed)) return { read: [program], tooWide: needed };
  return { read: isInside(program, needed) ? [needed] : [needed, program] };
}

function isSystem(path: string): boolean {
  return SYSTEM.some((place) => isInside(path, place));
}

/** Home, `~/.local`, `/opt`: a prefix that many things share holds more than an interpreter (keyrings, for one). */
function isTooWide(path: string): boolean {
  const home = homedir();
  return isInside(home, path) || path === join(home, ".local") || dirname(path) === "/";
}

/** Every one on PATH, the likeliest to be meant first; for Node.js at last the one that Hardline itself runs on. */
function findOnPath(io: Io, name: "node" | "python3"): string[] {
  const directories = (io.environment["PATH"] ?? "").split(":").filter((directory) => directory.startsWith("/"));
  const found = directories.map((directory) => join(directory, name)).filter(isExecutable);
  // npm and npx put the packages' programs first, an interpreter of Hardline's own among them; the agent's is the person's.
  const isPackaged = (path: string): boolean => path.includes("/node_modules/");
  const own = name === "node" ? [process.execPath] : [];
  return [...new Set([...found.filter((path) => !isPackaged(path)), ...found.filter(isPackaged), ...own])];
}

interface Answer {
  readonly program: string;
  readonly prefix: string | undefined;
  readonly runsTypeScript: boolean;
}

function ask(found: string, name: "node" | "python3"): Answer | undefined {
  const { status, stdout } = spawnSync(found, QUESTIONS[name], { cwd: "/", encoding: "utf8", timeout: 10_000 });
  if (status !== 0) return undefined;
  try {
    const [program, prefix, runsTypeScript]: unknown[] = JSON.parse(stdout);
    if (typeof program !== "string" || !isExecutable(program)) return undefined;
    return {
      program: realpathSync(program),
      prefix: typeof prefix === "string" ? realpathSync(prefix) : undefined,
      runsTypeScript: runsTypeScript === true,
    };
  } catch {
    return undefined;
  }
}
