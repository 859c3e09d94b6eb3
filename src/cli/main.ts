/**
 * The front door. `run` is answered here, with no library loaded; every other word loads the full command line.
 */
import { processIo } from "./io.ts";
import { runVerb } from "./run.ts";
import { parseRunArguments } from "./run-arguments.ts";

/**
 * Runs one command line (without the interpreter and the script) and resolves to the exit status of the process.
 */
export async function main(words: readonly string[]): Promise<number> {
  const [verb, ...rest] = words;
  const io = processIo();
  if (verb === "run") {
    const run = parseRunArguments(rest);
    if (run !== undefined) return runVerb(io, run);
  }
  const { runProgram } = await import("./program.ts");
  return runProgram(io, words);
}
