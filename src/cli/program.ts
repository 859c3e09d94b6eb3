/** The whole command line: every verb, and what they have in common when something goes wrong. */
import { Command, CommanderError } from "commander";
import { VERSION } from "../core/build.ts";
import { HardlineError } from "../core/errors.ts";
import { checkCommand } from "./check.ts";
import { completionsCommand } from "./completions.ts";
import { doctorCommand } from "./doctor.ts";
import { UsageError } from "./errors.ts";
import { fmtCommand } from "./fmt.ts";
import { initCommand } from "./init/init.ts";
import { EXIT, type Io } from "./io.ts";
import { planCommand } from "./plan.ts";
import { describeError } from "./run.ts";
import { runCommand } from "./run-command.ts";
import type { Verb } from "./verb.ts";

export interface Program {
  readonly command: Command;
  /** In the order in which help lists them. */
  readonly verbs: readonly Verb[];
}

/**
 * The command line's definition. `given` is what stood after `--`, for the verbs that start a program. Parsing throws
 * `CommanderError` where commander by itself would end the process.
 */
export function createProgram(io: Io, finish: (status: number) => void, given: readonly string[] = []): Program {
  const command = new Command("hardline")
    .description(
      "The wall around an AI agent: it can do its work, and cannot change, argue with, get round or outlive its rules.",
    )
    .version(VERSION, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [verb]", "print the help of a verb")
    .usage("VERB [options]");
  const verbs = [
    initCommand(io, finish),
    doctorCommand(io, finish),
    checkCommand(io, finish),
    fmtCommand(io, finish),
    planCommand(io, finish, given),
    runCommand(io, finish, given),
  ];
  verbs.push(completionsCommand(io, finish, { command, verbs }));
  for (const verb of verbs) command.addCommand(verb.helpOption("-h, --help", "print this help"));
  for (const each of [command, ...verbs]) {
    each
      .exitOverride()
      .configureHelp({ subcommandTerm: (verb) => verb.name() })
      .configureOutput({
        writeOut: io.stdout.write,
        writeErr: io.stderr.write,
        outputError: (text, write) => write(text.replace(/^error: /, "hardline: ")),
        getOutHasColors: () => false,
        getErrHasColors: () => false,
      });
  }
  return { command, verbs };
}

/** Resolves to the exit status of the process. Never rejects: an error nobody expected is an answer that could not be given. */
export async function runProgram(io: Io, words: readonly string[]): Promise<number> {
  const end = words.indexOf("--");
  const [own, given] = end === -1 ? [words, undefined] : [words.slice(0, end), words.slice(end + 1)];
  const failed = own[0] === "run" ? EXIT.notStarted : EXIT.unanswered;
  let status: number = failed;
  const { command, verbs } = createProgram(
    io,
    (finished) => {
      status = finished;
    },
    given,
  );
  try {
    if (given !== undefined) requireCommand(verbs, own[0], given);
    await command.parseAsync(own, { from: "user" });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.code === "commander.helpDisplayed" || error.exitCode === 0 ? EXIT.yes : failed;
    }
    // Whoever asked for JSON gets it also where the answer is that there is none.
    if (own.includes("--json")) io.stdout.write(`${JSON.stringify({ error: errorJson(error) }, undefined, 2)}\n`);
    else io.stderr.write(`hardline: ${describeError(error)}\n`);
    return failed;
  }
}

/** `--` must be followed by something, and after a verb that starts a program. */
function requireCommand(verbs: readonly Verb[], name: string | undefined, given: readonly string[]): void {
  const takesCommand = verbs.some((verb) => verb.name() === name && verb.notes.takesCommand === true);
  if (takesCommand && given.length > 0) return;
  throw new UsageError(
    "words-after-dashes",
    takesCommand ? "there is no command after --" : "only `run` and `plan` take a command after --",
    "Usage: hardline run [options] [-- command...]",
  );
}

function errorJson(error: unknown): { code: string; message: string; remedy: string } {
  if (error instanceof HardlineError) return { code: error.code, message: error.message, remedy: error.remedy };
  return {
    code: "internal",
    message: describeError(error),
    remedy: "This is a fault of Hardline's: please report it.",
  };
}
