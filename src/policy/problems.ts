import type { Position } from "../core/finding.ts";
import type { PolicyProblem } from "./types.ts";

/** Every defect that loading can name. Stable: `check --json` prints them, scripts match on them. */
export const PROBLEM_IDS = [
  // The bytes.
  "file-empty",
  "file-too-large",
  "file-not-utf8",
  "file-byte-order-mark",
  "file-control-character",
  // YAML.
  "yaml-syntax",
  "yaml-too-deep",
  "yaml-alias",
  "yaml-directive",
  "yaml-duplicate-key",
  "yaml-key",
  "yaml-multiple-documents",
  "yaml-tag",
  // The shape of the document.
  "unknown-key",
  "missing-key",
  "misplaced-key",
  "choose-one",
  "wrong-type",
  "wrong-value",
  "empty-list",
  "version-unsupported",
  // Single values.
  "name-invalid",
  "trust-domain-invalid",
  "text-invalid",
  "path-invalid",
  "path-outside",
  "env-name-invalid",
  "env-name-reserved",
  "duration-invalid",
  "size-invalid",
  "decimal-invalid",
  "number-out-of-range",
  "zone-unknown",
  "url-invalid",
  "header-invalid",
  "user-invalid",
  "tool-matcher-invalid",
  "http-matcher-invalid",
  "sql-matcher-invalid",
  "graphql-matcher-invalid",
  "condition-syntax",
  "condition-unknown-name",
  "condition-type",
  "sum-path-invalid",
  // Values that do not go together.
  "duplicate-id",
  "duplicate-item",
  "path-nested",
  "reference-unknown",
  "tool-not-listed",
  "acceptance-without-reason",
  "approvers-missing",
  "quorum-unreachable",
  "credential-readable",
] as const;

export type ProblemId = (typeof PROBLEM_IDS)[number];

/** What loading says about a file that is sound and still looks like a mistake. */
export const WARNING_IDS = ["unused"] as const;

export type WarningId = (typeof WARNING_IDS)[number];

/** Keys and indexes from the document's top to a value. */
export type Path = readonly (string | number)[];

/** RFC 6901. */
export function pointerOf(path: Path): string {
  return path.map((step) => `/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** Line and column of an offset, and the text of lines, in one text. */
export class SourceText {
  readonly text: string;
  readonly #lineStarts: readonly number[];

  constructor(text: string) {
    this.text = text;
    const starts = [0];
    for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
    this.#lineStarts = starts;
  }

  /** `offset` counts UTF-16 code units from 0; one past the end is the end. */
  position(offset: number): Position {
    let low = 0;
    let high = this.#lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#lineStarts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (this.#lineStarts[low] ?? 0) + 1 };
  }

  /** The line's text without its line break; empty past the end. */
  line(number: number): string {
    const start = this.#lineStarts[number - 1];
    if (start === undefined) return "";
    const end = this.#lineStarts[number];
    return this.text.slice(start, end).replace(/\r?\n$/, "");
  }
}

/** Nobody reads more of them, and a hostile file could have hundreds of thousands. */
const MAX_PROBLEMS = 500;

/** Collects problems, so that a file is answered with all of them at once. */
export class Report {
  readonly problems: PolicyProblem[] = [];
  readonly #source: SourceText;

  constructor(source: SourceText) {
    this.#source = source;
  }

  add(id: ProblemId | WarningId, at: Position, message: string, hint = ""): void {
    if (this.problems.length >= MAX_PROBLEMS) return;
    this.problems.push({ id, line: at.line, column: at.column, message, hint, sourceLine: this.#source.line(at.line) });
  }

  addAtOffset(id: ProblemId, offset: number, message: string, hint = ""): void {
    this.add(id, this.#source.position(offset), message, hint);
  }

  /** In the order of the file; two that say the same about the same place are one. */
  sorted(): readonly PolicyProblem[] {
    const seen = new Set<string>();
    return this.problems
      .toSorted((a, b) => a.line - b.line || a.column - b.column)
      .filter((problem) => {
        const key = `${problem.line}:${problem.column}:${problem.message}`;
        if (seen.has(key)) return false;
        seen.add(key);
        return true;
      });
  }
}
