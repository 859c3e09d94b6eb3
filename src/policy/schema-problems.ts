import { z } from "zod";
import { didYouMean, suggest } from "../core/suggest.ts";
import type { PolicyDocument } from "./document.ts";
import { type Path, pointerOf, type Report } from "./problems.ts";

type Issue = z.core.$ZodIssue;

/** Turns what the schema found into problems with places, in words about the file rather than about the schema. */
export function reportSchemaIssues(
  schema: z.ZodType,
  issues: readonly Issue[],
  document: PolicyDocument,
  report: Report,
): void {
  const flat = issues.flatMap((issue) => flatten(issue, document.value));
  const probablyMeant = new Set<string>();
  for (const issue of flat) {
    if (issue.code !== "unrecognized_keys") continue;
    for (const key of issue.keys) {
      const meant = suggest(key, keysAt(schema, issue.path));
      if (meant !== undefined) probablyMeant.add(pointerOf([...issue.path, meant]));
    }
  }
  for (const issue of flat) reportIssue(schema, issue, document, report, probablyMeant);
}

interface FlatIssue {
  readonly code: Issue["code"];
  readonly path: Path;
  readonly expected: readonly string[];
  readonly keys: readonly string[];
  readonly values: readonly unknown[];
}

/** A union answers with what each branch has to say; the branch that takes the kind of value that was written is the one meant. */
function flatten(issue: Issue, root: unknown, prefix: Path = []): FlatIssue[] {
  const path = [...prefix, ...(issue.path as Path)];
  if (issue.code !== "invalid_union") {
    return [
      {
        code: issue.code,
        path,
        expected: issue.code === "invalid_type" ? [issue.expected] : [],
        keys: issue.code === "unrecognized_keys" ? issue.keys : [],
        values: issue.code === "invalid_value" ? issue.values : [],
      },
    ];
  }
  const fitting = issue.errors.filter((branch) => !branch.some((inner) => isOtherKind(inner)));
  const [branch] = fitting;
  if (branch !== undefined) return branch.flatMap((inner) => flatten(inner, root, path));
  const expected = issue.errors.flatMap((errors) =>
    errors.flatMap((e) => (e.code === "invalid_type" ? [e.expected] : [])),
  );
  return [{ code: "invalid_type", path, expected, keys: [], values: [] }];
}

function isOtherKind(issue: Issue): boolean {
  return issue.code === "invalid_type" && issue.path.length === 0;
}

function reportIssue(
  schema: z.ZodType,
  issue: FlatIssue,
  document: PolicyDocument,
  report: Report,
  probablyMeant: ReadonlySet<string>,
): void {
  const { path } = issue;
  const where = named(path);
  switch (issue.code) {
    case "unrecognized_keys":
      for (const key of issue.keys) {
        const known = keysAt(schema, path);
        const hint = didYouMean(key, known) || `known here: ${known.join(", ")}`;
        const place = path.length === 0 ? "a policy" : where;
        report.add("unknown-key", document.keyPosition([...path, key]), `${place} has no key "${key}"`, hint);
      }
      return;
    case "invalid_value": {
      const written = valueAt(document.value, path);
      if (pointerOf(path) === "/version" && written !== undefined) {
        const message = `version ${show(written)} is not known; this Hardline reads version 1`;
        report.add("version-unsupported", document.position(path), message, "write: version: 1");
        return;
      }
      if (written === undefined) {
        reportMissing(path, document, report, probablyMeant);
        return;
      }
      const values = issue.values.map(String);
      const hint = (typeof written === "string" ? didYouMean(written, values) : "") || `one of: ${values.join(", ")}`;
      report.add("wrong-value", document.position(path), `${where} cannot be ${show(written)}`, hint);
      return;
    }
    case "too_small":
      report.add("empty-list", document.position(path), `${where} is empty`, "it takes at least one entry");
      return;
    default:
      reportWrongType(schema, issue, document, report, probablyMeant);
  }
}

function reportWrongType(
  schema: z.ZodType,
  issue: FlatIssue,
  document: PolicyDocument,
  report: Report,
  probablyMeant: ReadonlySet<string>,
): void {
  const { path } = issue;
  const written = valueAt(document.value, path);
  if (written === undefined && path.length > 0) {
    reportMissing(path, document, report, probablyMeant);
    return;
  }
  if (path.at(-2) === "accept" && typeof written === "string") {
    const message = `accepting ${show(written)} takes a reason`;
    const hint = `write: { id: ${written}, because: "…" }`;
    report.add("acceptance-without-reason", document.position(path), message, hint);
    return;
  }
  const kinds = [...new Set(issue.expected.map(kindName))];
  const message = `${named(path)} has to be ${kinds.join(" or ")}, and is ${kindOf(written)}`;
  report.add("wrong-type", document.position(path), message, typeHint(issue.expected, written, schemaAt(schema, path)));
}

function reportMissing(path: Path, document: PolicyDocument, report: Report, probablyMeant: ReadonlySet<string>): void {
  if (probablyMeant.has(pointerOf(path))) return;
  const parent = path.slice(0, -1);
  const key = String(path.at(-1));
  const place = document.position(parent);
  if (parent.at(-2) === "accept" && key === "because") {
    report.add("acceptance-without-reason", place, `${named(parent)} gives no reason`, 'add: because: "…"');
    return;
  }
  const owner = parent.length === 0 ? "the policy" : named(parent);
  report.add(
    "missing-key",
    place,
    `${owner} has no "${key}"`,
    key === "version" ? "begin the file with: version: 1" : "",
  );
}

function typeHint(expected: readonly string[], written: unknown, schema: unknown): string {
  const pattern = schema instanceof z.ZodType ? schema.meta() : undefined;
  if (typeof written === "number" && typeof pattern?.["pattern"] === "string") {
    return `write it with a unit: ${String(items(pattern["examples"])[0])}`;
  }
  if (expected.includes("array") && typeof written === "string") {
    return `write a list: [${written.trim().split(/\s+/).join(", ")}]`;
  }
  if (expected.includes("string") && (typeof written === "number" || typeof written === "boolean")) {
    return `put it in quotes: "${written}"`;
  }
  if (expected.includes("number") && typeof written === "string" && /^[0-9.]+$/.test(written)) {
    return `write it without quotes: ${written}`;
  }
  return written === null ? "remove the key, or give it a value" : "";
}

/** `agents.trader.mutable[0]`: a path as people write it. */
export function named(path: Path): string {
  if (path.length === 0) return "the policy";
  return path
    .map((step, index) => (typeof step === "number" ? `[${step}]` : `${index === 0 ? "" : "."}${step}`))
    .join("");
}

function show(value: unknown): string {
  const text = typeof value === "string" ? `"${value}"` : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function kindName(expected: string): string {
  switch (expected) {
    case "array":
      return "a list";
    case "object":
    case "record":
      return "a mapping";
    case "string":
      return "text";
    case "number":
      return "a number";
    case "boolean":
      return "true or false";
    default:
      return expected;
  }
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return "empty";
  if (Array.isArray(value)) return "a list";
  switch (typeof value) {
    case "object":
      return "a mapping";
    case "string":
      return "text";
    default:
      return JSON.stringify(value);
  }
}

function valueAt(value: unknown, path: Path): unknown {
  let current: unknown = value;
  for (const step of path) {
    if (typeof current !== "object" || current === null || !Object.hasOwn(current, step)) return undefined;
    current = Reflect.get(current, step);
  }
  return current;
}

/** The keys that the schema knows at a path. */
function keysAt(schema: z.ZodType, path: Path): readonly string[] {
  const object = unwrapped(schemaAt(schema, path));
  return object instanceof z.ZodObject ? Object.keys(object.shape) : [];
}

function schemaAt(schema: z.ZodType, path: Path): unknown {
  let current: unknown = schema;
  for (const step of path) current = childOf(unwrapped(current), step);
  return current instanceof z.ZodOptional ? current.unwrap() : current;
}

function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function childOf(schema: unknown, step: string | number): unknown {
  if (schema instanceof z.ZodObject) return Reflect.get(schema.shape, step);
  if (schema instanceof z.ZodRecord) return schema.valueType;
  if (schema instanceof z.ZodArray) return schema.element;
  return undefined;
}

function unwrapped(schema: unknown): unknown {
  if (schema instanceof z.ZodOptional) return unwrapped(schema.unwrap());
  if (schema instanceof z.ZodUnion) return schema.options.find((option: unknown) => option instanceof z.ZodObject);
  return schema;
}
