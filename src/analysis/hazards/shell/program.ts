/** Judges a shell script: what it sources, what it starts, and what it is told to read at start-up. */
import { dirname, resolve } from "node:path";
import { type Command, type CommandChecker, judgeFile } from "../command.ts";
import { DEFAULT_PATH, type Inquiry, locator } from "../inquiry.ts";
import { judgeData } from "../limits-files.ts";
import type { Where } from "../report.ts";
import { isWithin } from "../world.ts";
import { readShell, type ShellCommand } from "./words.ts";

/** Words that run the rest of their command. */
const PREFIXES: ReadonlySet<string> = new Set(["exec", "command", "builtin", "eval", "time", "then", "nohup"]);

/** What the shell does itself: never looked for on PATH (the special and regular built-ins of POSIX and bash). */
const BUILT_IN: ReadonlySet<string> = new Set(
  (
    ": [ [[ alias bg bind break caller case compgen complete continue declare dirs disown echo enable exit false fc fg " +
    "getopts hash help history jobs kill let local logout mapfile popd printf pushd pwd read readarray readonly return set " +
    "shift shopt suspend test times trap true type typeset ulimit umask unalias unset wait"
  ).split(" "),
);

/** A script as it is being read. */
interface Script {
  readonly text: string;
  readonly at: (offset: number) => Where;
  /** `$0`'s directory, where the script has one: `source "$(dirname "$0")/lib.sh"` is common. */
  cwd: string;
  env: Readonly<Record<string, string>>;
}

export async function checkShell(inquiry: Inquiry, command: Command, checkCommand: CommandChecker): Promise<void> {
  const rest = command.argv.slice(1);
  let code = false;
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--") continue;
    if (
      word === "-o" ||
      word === "+o" ||
      word === "-O" ||
      word === "+O" ||
      word === "--rcfile" ||
      word === "--init-file"
    ) {
      const value = rest.shift();
      if (word.startsWith("--") && value !== undefined) judgeSource(inquiry, resolve(command.cwd, value), command.at);
      continue;
    }
    if (word.startsWith("-") || word.startsWith("+")) {
      code ||= !word.startsWith("--") && word.includes("c");
      continue;
    }
    if (code)
      return checkText(
        inquiry,
        command,
        { text: word, at: () => command.at, cwd: command.cwd, env: command.env },
        checkCommand,
      );
    const path = resolve(command.cwd, word);
    if (inquiry.world.kind(path) === "absent" && !inquiry.world.forgeable(path, "file")) {
      if (command.role !== "entry") return;
      const fix = "Correct the path under `run:`.";
      inquiry.report.add("program-missing", { at: command.at, message: `${path} is not there`, fix });
      return;
    }
    if (judgeFile(inquiry, command, path, "script")) await readScript(inquiry, command, path, checkCommand);
    return;
  }
}

async function readScript(
  inquiry: Inquiry,
  command: Command,
  path: string,
  checkCommand: CommandChecker,
): Promise<void> {
  if (!isWithin(path, inquiry.world.base)) return;
  const text = inquiry.sources.take(path, "shell", command.at);
  if (text === undefined) return;
  const at = locator(inquiry, path, text);
  await checkText(inquiry, command, { text, at, cwd: command.cwd, env: command.env }, checkCommand);
}

async function checkText(
  inquiry: Inquiry,
  command: Command,
  script: Script,
  checkCommand: CommandChecker,
): Promise<void> {
  const { parse } = await import("sh-syntax");
  try {
    await parse(script.text, { keepComments: false });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    inquiry.report.add("unparsable", { at: script.at(0), message: `a shell script is not understood: ${reason}` });
  }
  const { commands, functions } = readShell(script.text);
  for (const each of commands) {
    for (const input of each.inputs) {
      if (input.text !== undefined) judgeData(inquiry, resolve(script.cwd, input.text), script.at(input.offset));
    }
    await checkOne(inquiry, command, script, each, functions, checkCommand);
  }
}

async function checkOne(
  inquiry: Inquiry,
  command: Command,
  script: Script,
  each: ShellCommand,
  functions: ReadonlySet<string>,
  checkCommand: CommandChecker,
): Promise<void> {
  let { words } = each;
  while (words[0]?.text !== undefined && PREFIXES.has(words[0].text)) words = words.slice(1);
  const [first, second] = words;
  if (first === undefined) {
    keepAssignments(script, each);
    return;
  }
  const at = script.at(first.offset);
  const argument = second?.text;
  if (first.text === undefined || BUILT_IN.has(first.text) || functions.has(first.text)) return;
  if (first.text === "cd") {
    if (argument !== undefined) script.cwd = resolve(script.cwd, argument);
  } else if (first.text === "export") {
    for (const word of words.slice(1)) keepAssignment(script, word.text);
  } else if (first.text === "." || first.text === "source") {
    if (argument !== undefined) await followSource(inquiry, command, script, argument, at, checkCommand);
  } else {
    const argv = words.map((word) => word.text);
    // An argument that is not known cannot be the program, but may be the script: then it is not followed.
    const known = argv.indexOf(undefined);
    const env = { ...script.env, ...definedOf(each.assignments) };
    const depth = command.depth + 1;
    const constant = argv.slice(0, known === -1 ? undefined : known).filter((text) => text !== undefined);
    await checkCommand(inquiry, { argv: constant, cwd: script.cwd, env, at, role: "child", depth });
  }
}

/** A name without a slash is looked for on PATH first, and by bash in the current directory after that. */
async function followSource(
  inquiry: Inquiry,
  command: Command,
  script: Script,
  name: string,
  at: Where,
  checkCommand: CommandChecker,
): Promise<void> {
  const { world } = inquiry;
  const places = name.includes("/")
    ? [script.cwd]
    : [...(script.env["PATH"] ?? DEFAULT_PATH).split(":").map((entry) => resolve(script.cwd, entry)), script.cwd];
  for (const place of places) {
    const path = resolve(place, name);
    if (!judgeSource(inquiry, path, at)) return;
    if (world.kind(path) === "file") {
      await readScript(inquiry, command, path, checkCommand);
      return;
    }
  }
}

function judgeSource(inquiry: Inquiry, path: string, at: Where): boolean {
  const { world, report } = inquiry;
  const there = world.kind(path) === "file";
  if (!(there ? world.agentDecides(path) : world.forgeable(path, "file"))) return true;
  report.add("shell-source-mutable", {
    at,
    message: `the sealed script sources ${path}, which the agent can ${there ? "write" : "create"}`,
    fix: `Seal ${path}${dirname(path) === world.base ? ", best in a directory of its own" : ""}, and source it by a path with a slash.`,
  });
  return false;
}

function keepAssignments(script: Script, each: ShellCommand): void {
  script.env = { ...script.env, ...definedOf(each.assignments) };
}

function keepAssignment(script: Script, text: string | undefined): void {
  const equals = text?.indexOf("=") ?? -1;
  if (text === undefined || equals < 1) return;
  script.env = { ...script.env, [text.slice(0, equals)]: text.slice(equals + 1) };
}

function definedOf(assignments: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(assignments).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
