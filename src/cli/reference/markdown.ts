/** docs/reference/cli.md and docs/reference/json.md. */
import { z } from "zod";
import type { Program } from "../program.ts";
import type { Verb } from "../verb.ts";
import { ERROR_SHAPE, SHAPES } from "./shapes.ts";
import { ENVIRONMENT, FILES } from "./surroundings.ts";

const GENERATED = "<!-- Generated from the definition of the command line: npm run generate -->";

export function renderCliReference({ command, verbs }: Program): string {
  const blocks = [
    GENERATED,
    "# The command line",
    command.description(),
    "Results go to standard output, talk to standard error; nothing is asked. Checks exit with 0 for yes, 1 where they could " +
      "not answer, 2 for no; `run` exits with the agent's own status, or with 125 to 127 where there was no agent.",
    table(
      ["verb", "does"],
      verbs.map((verb) => [`[\`${verb.name()}\`](#hardline-${verb.name()})`, verb.summary()]),
    ),
    ...verbs.map(renderVerb),
    "## Environment",
    table(
      ["variable", "meaning"],
      ENVIRONMENT.map(([name, meaning]) => [`\`${name}\``, meaning]),
    ),
    "## Files",
    table(
      ["file", "meaning"],
      FILES.map(([name, meaning]) => [`\`${name}\``, meaning]),
    ),
  ];
  return `${blocks.join("\n\n")}\n`;
}

function renderVerb(verb: Verb): string {
  const { manual, examples, statuses } = verb.notes;
  const blocks = [
    `## hardline ${verb.name()}`,
    `${verb.summary()}.`,
    fenced("sh", `hardline ${verb.name()} ${verb.usage()}`),
    ...manual,
    table(
      ["option", "meaning"],
      verb.options.map(({ flags, description }) => [`\`${flags}\``, description]),
    ),
    table(
      ["exit status", "meaning"],
      statuses.map(([status, meaning]) => [String(status), meaning]),
    ),
    fenced("sh", examples.map(({ command, says }) => `# ${says}\n${command}`).join("\n")),
  ];
  return blocks.filter((block) => block !== "").join("\n\n");
}

export function renderJsonReference(): string {
  const blocks = [
    GENERATED,
    "# What `--json` prints",
    "One JSON document on standard output. These shapes are stable: fields are added, never renamed or removed, so a reader " +
      "ignores the ones that it does not know. A test holds every verb to its shape.",
    ...Object.entries(SHAPES).map(([verb, shape]) => renderShape(`hardline ${verb} --json`, shape)),
    renderShape("Any verb that could not answer", ERROR_SHAPE),
  ];
  return `${blocks.join("\n\n")}\n`;
}

function renderShape(heading: string, shape: z.ZodType): string {
  const rows = fieldRows(z.toJSONSchema(shape), "");
  const { description } = z.toJSONSchema(shape);
  return [`## ${heading}`, description ?? "", table(["field", "type", "meaning"], rows)]
    .filter((block) => block !== "")
    .join("\n\n");
}

type Schema = z.core.JSONSchema.BaseSchema;

/** A line for each field, those of nested objects with their path: `findings[].id`. */
function fieldRows(schema: Schema, path: string): string[][] {
  if (schema.type === "array") return isSchema(schema.items) ? fieldRows(schema.items, `${path}[]`) : [];
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    if (!isSchema(field)) return [];
    const here = path === "" ? name : `${path}.${name}`;
    const type = `${typeName(field)}${required.has(name) ? "" : ", may be absent"}`;
    return [[`\`${here}\``, type, field.description ?? ""], ...fieldRows(field, here)];
  });
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function typeName(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(", ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.type === "array") return `list of ${isSchema(schema.items) ? typeName(schema.items) : "anything"}`;
  return String(schema.type ?? "anything");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "";
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), `|${head.map(() => "---").join("|")}|`, ...rows.map(line)].join("\n");
}

function fenced(language: string, text: string): string {
  return `\`\`\`${language}\n${text}\n\`\`\``;
}
