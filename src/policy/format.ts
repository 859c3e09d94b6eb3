import { Composer, isMap, isScalar, isSeq, type Pair, Parser, Scalar, type YAMLMap, type YAMLSeq } from "yaml";
import { z } from "zod";
import { compareDecimals, parseDecimal } from "../core/decimal.ts";
import { canonicalJson } from "../core/json.ts";
import { type PolicyDocument, readDocument, YAML_OPTIONS } from "./document.ts";
import {
  giveFirstKeyItsComment,
  markCommentBehindKey,
  outdentComments,
  placeCommentsBehindKeys,
} from "./format-comments.ts";
import { Report, SourceText } from "./problems.ts";
import { PolicySchema } from "./schema.ts";
import type { PolicyProblem } from "./types.ts";

/** What formatting a policy's text comes to. Nothing is written but on `ok`. */
export type FormatResult =
  | {
      readonly kind: "ok";
      readonly text: string;
      /** Whether it differs from what was given. */
      readonly changed: boolean;
    }
  | { readonly kind: "invalid"; readonly problems: readonly PolicyProblem[] };

/** A text that is still moving after so many rounds is left alone. */
const MAX_ROUNDS = 4;

/**
 * The one layout of a policy's text: two spaces, known keys in the order of the reference, double quotes where there are quotes, one
 * empty line at most, comments where they were. What the file means stays, number by number and text by text; formatting twice is formatting
 * once. A file that is YAML is formatted, also where it is no valid policy yet.
 */
export function formatPolicy(text: string): FormatResult {
  const before = read(text);
  if (before.kind === "invalid") return before;
  let formatted = text;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const next = formatOnce(formatted);
    if (next === undefined) break;
    if (next === formatted) {
      const after = read(formatted);
      if (after.kind === "invalid" || meaningOf(after.document) !== meaningOf(before.document)) break;
      return { kind: "ok", text: formatted, changed: formatted !== text };
    }
    formatted = next;
  }
  // Rather no formatting than another meaning.
  return { kind: "ok", text, changed: false };
}

type ReadText =
  | { readonly kind: "ok"; readonly document: PolicyDocument }
  | { readonly kind: "invalid"; readonly problems: readonly PolicyProblem[] };

function read(text: string): ReadText {
  const source = new SourceText(text);
  const report = new Report(source);
  const document = readDocument(source, report);
  if (document === undefined || report.problems.length > 0) return { kind: "invalid", problems: report.sorted() };
  return { kind: "ok", document };
}

/** One round over a text that `read` takes. */
function formatOnce(text: string): string | undefined {
  const tokens = Array.from(new Parser().parse(text));
  for (const token of tokens) outdentComments(token);
  const [document] = new Composer(YAML_OPTIONS).compose(tokens);
  if (document === undefined || document.errors.length > 0) return undefined;
  arrange(document.contents, PolicySchema, text);
  const layout = { indent: 2, lineWidth: 0, minContentWidth: 0, singleQuote: false, flowCollectionPadding: true };
  return placeCommentsBehindKeys(document.toString(layout));
}

/** Brings a node, and everything in it, into the canonical form. `schema` knows the order of its keys, where it has one. */
function arrange(node: unknown, schema: unknown, text: string): void {
  if (isMap(node)) {
    giveFirstKeyItsComment(node);
    const order = keyOrder(schema);
    const rank = (pair: Pair): number => {
      const at = order.indexOf(isScalar(pair.key) ? String(pair.key.value) : "");
      return at === -1 ? order.length : at;
    };
    node.items.sort((a, b) => rank(a) - rank(b));
    padded(node, true);
    for (const pair of node.items) {
      markCommentBehindKey(pair, text);
      arrange(pair.key, undefined, text);
      arrange(pair.value, childSchema(schema, isScalar(pair.key) ? String(pair.key.value) : ""), text);
    }
  } else if (isSeq(node)) {
    padded(node, false);
    for (const item of node.items) arrange(item, elementSchema(schema), text);
  } else if (isScalar(node)) arrangeScalar(node);
}

/** `{ a: b }` with spaces inside, `[a, b]` without. */
function padded(node: YAMLMap | YAMLSeq, padding: boolean): void {
  const print = node.toString.bind(node);
  node.toString = (context, ...rest) =>
    print(context === undefined ? context : { ...context, flowCollectionPadding: padding ? " " : "" }, ...rest);
}

function arrangeScalar(node: Scalar): void {
  const { value, source } = node;
  if (typeof value === "string" && node.type === Scalar.QUOTE_SINGLE && !/["\\]/.test(value))
    node.type = Scalar.QUOTE_DOUBLE;
  if (typeof value !== "number" || source === undefined) return;
  // What a double cannot hold would be printed rounded.
  if (sameNumber(source, String(value))) return;
  node.value = source;
  node.type = Scalar.QUOTE_DOUBLE;
}

function sameNumber(a: string, b: string): boolean {
  const left = parseDecimal(a);
  const right = parseDecimal(b);
  if (left.kind === "refused" || right.kind === "refused") return Number(a) === Number(b);
  return compareDecimals(left.value, right.value) === 0;
}

/** A document as text that differs exactly where it means something else. Numbers keep every digit. */
function meaningOf(document: PolicyDocument): string {
  return canonicalJson(exact(document.value, []));

  function exact(value: unknown, path: readonly (string | number)[]): unknown {
    if (Array.isArray(value)) return value.map((item, index) => exact(item, [...path, index]));
    if (typeof value === "object" && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, exact(member, [...path, key])]));
    }
    if (typeof value !== "number") return value;
    const source = document.numberSource(path) ?? String(value);
    // An amount may be a number or a text of the same digits.
    return sameNumber(source, String(value)) ? value : source;
  }
}

function keyOrder(schema: unknown): readonly string[] {
  const known = unwrap(schema, z.ZodObject);
  return known === undefined ? [] : Object.keys(known.shape);
}

function childSchema(schema: unknown, key: string): unknown {
  const object = unwrap(schema, z.ZodObject);
  if (object !== undefined) return Object.hasOwn(object.shape, key) ? Reflect.get(object.shape, key) : undefined;
  return unwrap(schema, z.ZodRecord)?.valueType;
}

function elementSchema(schema: unknown): unknown {
  return unwrap(schema, z.ZodArray)?.element;
}

/** The schema of one kind behind `optional` and among the branches of a union. */
function unwrap<T>(schema: unknown, kind: abstract new (...args: never[]) => T): T | undefined {
  if (schema instanceof kind) return schema;
  if (schema instanceof z.ZodOptional) return unwrap(schema.unwrap(), kind);
  if (schema instanceof z.ZodUnion) {
    for (const option of schema.options) {
      const found = unwrap(option, kind);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}
