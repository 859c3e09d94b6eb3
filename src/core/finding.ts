/** How grave a finding is. An `error` that is not accepted by name keeps `run` from starting. */
export type Severity = "error" | "warning" | "info";

/** A place in a text file. Lines and columns count from 1; columns count UTF-16 code units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One thing that `check` has to say, in the documented shape of `check --json`. */
export interface Finding extends Position {
  /** Stable, kebab-case name of the rule, as used in `accept:`. */
  readonly id: string;
  readonly severity: Severity;
  /** Absolute path of the file that `line` and `column` refer to (mostly the policy file). */
  readonly file: string;
  readonly message: string;
  /** What to change so that it goes away. Never empty. */
  readonly fix: string;
  /** The agent concerned, where it is one agent's. */
  readonly agent?: string;
  /** The reason given under `accept:`; present only where the finding was accepted by name. */
  readonly accepted?: string;
}

/** True where `run` refuses to start because of it. */
export function isBlocking(finding: Finding): boolean {
  return finding.severity === "error" && finding.accepted === undefined;
}
