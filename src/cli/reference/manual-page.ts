/** The manual page, man/hardline.1, in the macros of man(7). */
import type { Program } from "../program.ts";
import type { Verb } from "../verb.ts";
import { ENVIRONMENT, FILES } from "./surroundings.ts";

export function renderManualPage({ command, verbs }: Program): string {
  const sections = [
    '.\\" Generated from the definition of the command line: npm run generate',
    ".TH HARDLINE 1",
    ".SH NAME",
    "hardline \\- the wall around an AI agent",
    ".SH SYNOPSIS",
    ...verbs.flatMap((verb) => [`.B hardline ${verb.name()}`, `${text(verb.usage())}`, ".br"]),
    ".SH DESCRIPTION",
    text(command.description()),
    ".PP",
    "Results go to standard output, talk to standard error. Nothing is asked.",
    ".SH VERBS",
    ...verbs.flatMap(renderVerb),
    ".SH ENVIRONMENT",
    ...ENVIRONMENT.flatMap(([name, meaning]) => [".TP", `.B ${text(name)}`, text(meaning)]),
    ".SH FILES",
    ...FILES.flatMap(([name, meaning]) => [".TP", `.I ${text(name)}`, text(meaning)]),
  ];
  return `${sections.join("\n")}\n`;
}

function renderVerb(verb: Verb): string[] {
  const { manual, examples, statuses } = verb.notes;
  return [
    `.SS hardline ${verb.name()} ${text(verb.usage())}`,
    `${text(verb.summary())}.`,
    ...manual.flatMap((paragraph) => [".PP", text(paragraph)]),
    ...verb.options.flatMap(({ flags, description }) => [".TP", `.B ${text(flags)}`, text(description)]),
    ".PP",
    "Exit status:",
    ...statuses.flatMap(([status, meaning]) => [".TP", `.B ${text(String(status))}`, text(meaning)]),
    ".PP",
    "Examples:",
    ...examples.flatMap(({ command, says }) => [".TP", `.B ${text(command)}`, text(says)]),
  ];
}

/** Escaped for troff: backslashes, hyphens that are typed as such, and what would be a request at the start of a line. */
function text(plain: string): string {
  const escaped = plain
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("'", "\\(aq")
    .replaceAll("`", "\\(ga")
    .replaceAll("^", "\\(ha")
    .replaceAll("~", "\\(ti")
    .replaceAll("…", "\\&...");
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}
