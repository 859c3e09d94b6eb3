import { printable } from "../core/printable.ts";
import type { PolicyProblem } from "./types.ts";

export interface RenderOptions {
  /** Whether the reader is a terminal that wants colours. */
  readonly color: boolean;
  /** What each line says it is; `error` where absent. */
  readonly severity?: "error" | "warning";
}

const RED = 31;
const YELLOW = 33;
const CYAN = 36;
const BOLD = 1;

/** Longer lines are cut around the place that matters. */
const MAX_LINE = 120;

/**
 * Problems as people read them: `file:line:column: error: message`, the line itself, a caret under the place, and what to do.
 * The file's text is shown with its control characters made visible, since whoever wrote it may not be who reads this.
 *
 * @param file as the reader knows it: relative or absolute.
 */
export function renderProblems(problems: readonly PolicyProblem[], file: string, options: RenderOptions): string {
  return problems.map((problem) => renderProblem(problem, file, options)).join("\n");
}

/** One problem; several lines, each with its line break. */
export function renderProblem(problem: PolicyProblem, file: string, options: RenderOptions): string {
  const severity = options.severity ?? "error";
  const paint = (code: number, text: string): string => (options.color ? `\u001b[${code}m${text}\u001b[0m` : text);
  const place = `${printable(file)}:${problem.line}:${problem.column}`;
  const label = paint(severity === "error" ? RED : YELLOW, `${severity}:`);
  let text = `${paint(BOLD, place)}: ${label} ${printable(problem.message)}\n`;
  if (problem.sourceLine !== "") {
    const { line, column } = excerpt(problem.sourceLine, problem.column);
    const gutter = `${problem.line} | `;
    text += `  ${paint(CYAN, gutter)}${printable(line)}\n`;
    text += `  ${paint(CYAN, `${" ".repeat(gutter.length - 2)}| `)}${under(line, column)}${paint(severity === "error" ? RED : YELLOW, "^")}\n`;
  }
  if (problem.hint !== "") text += `  ${paint(CYAN, "hint:")} ${printable(problem.hint)}\n`;
  return text;
}

function excerpt(line: string, column: number): { readonly line: string; readonly column: number } {
  if (line.length <= MAX_LINE) return { line, column };
  const start = Math.max(0, Math.min(column - 1 - MAX_LINE / 2, line.length - MAX_LINE));
  const before = start > 0 ? "…" : "";
  const after = start + MAX_LINE < line.length ? "…" : "";
  return { line: before + line.slice(start, start + MAX_LINE) + after, column: column - start + before.length };
}

/** As much blank space as the text before the column takes. */
function under(line: string, column: number): string {
  const before = printable(line.slice(0, column - 1));
  return Array.from(before, (character) => (isWide(character) ? "  " : " ")).join("");
}

/** East Asian wide and emoji characters take two columns of a terminal; close enough for a caret. */
function isWide(character: string): boolean {
  return /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Extended_Pictographic}/u.test(
    character,
  );
}
