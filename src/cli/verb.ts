/** What every verb is made of: a commander command with what the manual page and the reference say besides. */
import { Command, Option } from "commander";
import { DEFAULT_POLICY } from "./locations.ts";

export interface Example {
  /** The command as typed. */
  readonly command: string;
  readonly says: string;
}

export interface VerbNotes {
  /** Paragraphs of the manual, plain text. */
  readonly manual: readonly string[];
  readonly examples: readonly Example[];
  /** A command of the caller's own may follow after `--`. */
  readonly takesCommand?: boolean;
  /** Exit status and its meaning, in the order in which they are printed. */
  readonly statuses: readonly (readonly [status: number | string, meaning: string])[];
}

/** A command that carries its own notes, so that the help, the manual page and the reference cannot disagree. */
export class Verb extends Command {
  readonly notes: VerbNotes;

  constructor(name: string, summary: string, notes: VerbNotes) {
    super(name);
    this.notes = notes;
    this.summary(summary).description(`${summary}\n\n${notes.manual.join("\n\n")}`);
    if (notes.takesCommand === true) {
      this.usage("[options] [-- command...]");
      this.showHelpAfterError("(a command goes after --, an agent's name after --agent)");
    }
    this.addHelpText("after", () => {
      const examples = notes.examples.map(({ command, says }) => `  ${command}\n      ${says}`).join("\n");
      const statuses = notes.statuses.map(([status, means]) => `  ${String(status).padEnd(5)} ${means}`);
      return `\nExamples:\n${examples}\n\nExit status:\n${statuses.join("\n")}`;
    });
  }
}

/** The answer that every check can come to, in the same words everywhere. */
export const UNANSWERED = "the question could not be answered";

export function policyOption(): Option {
  return new Option("--policy <file>", `the policy file (default: ./${DEFAULT_POLICY})`);
}

export function stateOption(): Option {
  return new Option(
    "--state <directory>",
    "where releases and records are kept (default: $XDG_STATE_HOME/hardline, else ~/.local/state/hardline; for root /var/lib/hardline)",
  );
}

export function agentOption(means = "the agent (default: the only one in the policy)"): Option {
  return new Option("--agent <name>", means);
}

export function jsonOption(): Option {
  return new Option("--json", "print the result as JSON, in the shape that docs/reference/json.md describes");
}

export function colorOption(): Option {
  return new Option("--no-color", "no colours (also: the environment variable NO_COLOR)");
}
