/**
 * A command line as the sandbox would carry it out: which program is found, whether the agent could have put it there, and
 * which file that program runs in turn.
 */
import { basename, join, resolve } from "node:path";
import { DEFAULT_PATH, type Inquiry } from "./inquiry.ts";
import type { Where } from "./report.ts";

export interface Command {
  /** Never empty. */
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly at: Where;
  /** `entry` is what the policy runs; `child` is what a sealed program starts, and then a mutable file is a choice of its own. */
  readonly role: "entry" | "child";
  /** How many programs led here: a wrapper, an interpreter, a script. */
  readonly depth: number;
}

/** Judges a command that a program starts; handed to the languages, which would otherwise import in a circle. */
export type CommandChecker = (inquiry: Inquiry, command: Command) => Promise<void>;

/** As deep as scripts start scripts before the rest is left alone. */
export const MAX_DEPTH = 8;

/** Where a name is found on PATH inside the sandbox; `undefined` where nowhere. */
export function findOnPath(inquiry: Inquiry, command: Command, name: string): string | undefined {
  const { world, report } = inquiry;
  for (const entry of (command.env["PATH"] ?? DEFAULT_PATH).split(":")) {
    const path = resolve(command.cwd, entry, name);
    const stats = world.stat(world.follow(path).path);
    if (world.kind(path) === "file" && stats !== undefined && (stats.mode & 0o111) !== 0) return path;
    // The policy's own PATH is judged as such; a script may have set another.
    if (command.role === "child" && world.forgeable(path, "file")) {
      report.add("search-path-mutable", {
        at: command.at,
        message: `${name} is looked for in ${join(path, "..")} first, which the agent can write`,
        fix: `Call ${name} by its absolute path, or take the directory out of PATH.`,
      });
    }
  }
  return undefined;
}

/** The program file of a command, judged; `undefined` where there is nothing to follow. */
export function locateProgram(inquiry: Inquiry, command: Command): string | undefined {
  const { world } = inquiry;
  const name = command.argv[0] ?? "";
  const path = name.includes("/") ? resolve(command.cwd, name) : findOnPath(inquiry, command, name);
  if (path === undefined || world.kind(path) !== "file") {
    if (path !== undefined && world.forgeable(path, "file")) judgeFile(inquiry, command, path, "program");
    else if (command.role === "entry") missing(inquiry, command, name);
    return undefined;
  }
  // What the agent writes is not followed: there is nothing in it to rely on.
  return judgeFile(inquiry, command, path, "program") ? path : undefined;
}

/** Reports a program, script or other file that decides what happens, where the agent decides what it holds. */
export function judgeFile(inquiry: Inquiry, command: Command, path: string, what: string): boolean {
  const { world, report } = inquiry;
  const absent = world.kind(path) === "absent";
  if (!(absent ? world.forgeable(path, "file") : world.agentDecides(path))) return true;
  report.add(command.role === "entry" ? "program-mutable" : "runs-mutable", {
    at: command.at,
    message: `the ${what} ${path} ${absent ? "is not there, and the agent can create it" : "can be written by the agent"}`,
    fix:
      inquiry.agent.shape.kind === "workspace" && path.startsWith(`${world.base}/`)
        ? `Add \`${path.slice(world.base.length + 1)}\` to \`sealed:\`, best with the whole directory it is in.`
        : `Move ${basename(path)} out of the mutable place.`,
  });
  return false;
}

function missing(inquiry: Inquiry, command: Command, name: string): void {
  const fix = name.includes("/")
    ? `Correct the path, or add its directory under \`read:\` where it is outside the project.`
    : `Install ${name} under /usr, or add its installation under \`read:\` and write its absolute path under \`run:\`.`;
  inquiry.report.add("program-missing", { at: command.at, message: `${name} is not in the sandbox`, fix });
}
