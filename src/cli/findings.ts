/** Findings, as a person reads them. */
import { readFileSync } from "node:fs";
import type { Finding, Severity } from "../core/finding.ts";
import { printable } from "../core/printable.ts";
import type { Palette } from "./palette.ts";

/** Longest source line that is shown; a longer one is no help, and the terminal would wrap the caret away. */
const MAX_EXCERPT = 160;

/** Every finding with its line and its fix, and a line that sums up. Paths are shown from `workingDirectory` where they lie in it. */
export function renderFindings(findings: readonly Finding[], workingDirectory: string, paint: Palette): string {
  const files = new Map<string, readonly string[]>();
  const blocks = findings.map((finding) => renderFinding(finding, workingDirectory, paint, files));
  return [...blocks, summary(findings, paint)].join("\n");
}

function renderFinding(
  finding: Finding,
  workingDirectory: string,
  paint: Palette,
  files: Map<string, readonly string[]>,
): string {
  const { file, line, column, severity, message, id, fix, agent, accepted } = finding;
  const near = file.startsWith(`${workingDirectory}/`) ? file.slice(workingDirectory.length + 1) : file;
  const word = accepted === undefined ? colored(severity, paint)(severity) : paint.dim(`${severity}, accepted`);
  const subject = agent === undefined ? "" : `${printable(agent)}: `;
  const lines = [
    `${paint.bold(`${printable(near)}:${line}:${column}`)}: ${word}: ${subject}${printable(message)} ${paint.dim(`[${id}]`)}`,
    ...excerpt(sourceLine(file, line, files), column, paint),
    accepted === undefined ? `  ${paint.cyan("fix")}: ${printable(fix)}` : `  accepted: ${printable(accepted)}`,
  ];
  return `${lines.join("\n")}\n`;
}

function sourceLine(file: string, line: number, files: Map<string, readonly string[]>): string {
  let lines = files.get(file);
  if (lines === undefined) {
    try {
      lines = readFileSync(file, "utf8").split(/\r?\n/);
    } catch {
      // Only an aid to the reader: the finding stands without it.
      lines = [];
    }
    files.set(file, lines);
  }
  return lines[line - 1] ?? "";
}

function excerpt(text: string, column: number, paint: Palette): string[] {
  if (text.trim() === "" || text.length > MAX_EXCERPT) return [];
  // Escapes widen what stands before the caret.
  const indent = " ".repeat(printable(text.slice(0, column - 1)).length);
  return [`  ${printable(text)}`, `  ${indent}${paint.red("^")}`];
}

function colored(severity: Severity, paint: Palette): (text: string) => string {
  switch (severity) {
    case "error":
      return paint.red;
    case "warning":
      return paint.yellow;
    case "info":
      return paint.cyan;
  }
}

function summary(findings: readonly Finding[], paint: Palette): string {
  if (findings.length === 0) return `${paint.green("ok")}: nothing found\n`;
  const count = (severity: Severity): number =>
    findings.filter((finding) => finding.severity === severity && finding.accepted === undefined).length;
  const accepted = findings.filter((finding) => finding.accepted !== undefined).length;
  const errors = count("error");
  const parts = [
    plural(errors, "error"),
    plural(count("warning"), "warning"),
    ...(count("info") > 0 ? [`${count("info")} info`] : []),
    ...(accepted > 0 ? [`${accepted} accepted`] : []),
  ];
  return `${errors > 0 ? paint.red("no") : paint.green("ok")}: ${parts.join(", ")}\n`;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
