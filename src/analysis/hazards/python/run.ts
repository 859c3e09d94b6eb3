import type { Command, CommandChecker } from "../command.ts";
import type { Inquiry } from "../inquiry.ts";
import type { Interpreter } from "./interpreter.ts";

/** One run of an interpreter. */
export interface PythonRun {
  readonly inquiry: Inquiry;
  readonly command: Command;
  readonly interpreter: Interpreter;
  /** Entries of sys.path before the library's; grows as the program is seen to extend it. */
  readonly path: string[];
  /** Bytecode is not looked for beside the sources, but where the agent cannot write (`PYTHONPYCACHEPREFIX`). */
  readonly bytecodeElsewhere: boolean;
  /** The identifiers of a package's own file, by file. */
  readonly namesOf: Map<string, ReadonlySet<string>>;
  readonly checkCommand: CommandChecker;
}
