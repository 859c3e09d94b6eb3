/** `hardline run`: starts an agent inside the wall and waits for its end. */
import { resolve } from "node:path";
import { HardlineError } from "../core/errors.ts";
import { printable } from "../core/printable.ts";
import { runAgent } from "../supervisor/run.ts";
import { EXIT, type Io } from "./io.ts";
import { DEFAULT_POLICY, stateDirectory } from "./locations.ts";
import type { RunArguments } from "./run-arguments.ts";

/**
 * Resolves to the agent's exit status, or 125 (not started), 126 (not executable), 127 (not found). Whatever goes wrong
 * before the agent's first instruction is 125: an agent without its wall is never started.
 */
export async function runVerb(io: Io, words: RunArguments): Promise<number> {
  try {
    return await runAgent({
      policyFile: resolve(io.workingDirectory, words.policy ?? DEFAULT_POLICY),
      stateDir: stateDirectory(io, words.state),
      ...(words.agent === undefined ? {} : { agent: words.agent }),
      ...(words.command === undefined ? {} : { command: words.command }),
    });
  } catch (error) {
    io.stderr.write(`hardline: ${describeError(error)}\n`);
    return EXIT.notStarted;
  }
}

/**
 * One error for a person: what happened and what to do; a fault of Hardline's own with its stack, to be reported. Errors
 * name files, and an agent may have chosen their names: none of them may write to the operator's terminal.
 */
export function describeError(error: unknown): string {
  return inFull(error).split("\n").map(printable).join("\n");
}

function inFull(error: unknown): string {
  if (error instanceof HardlineError)
    return error.remedy === "" ? error.message : `${error.message}\n  ${error.remedy}`;
  if (error instanceof Error) return error.stack ?? error.message;
  return String(error);
}
