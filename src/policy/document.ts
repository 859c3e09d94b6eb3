import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  type Node,
  parseAllDocuments,
  type YAMLError,
} from "yaml";
import type { Position } from "../core/finding.ts";
import { reportConfusingCharacters } from "./encoding.ts";
import { type Path, pointerOf, type Report, type SourceText } from "./problems.ts";

/** Deeper files are refused before anything recursive looks at them. */
const MAX_DEPTH = 24;

/** A YAML document as JSON-like data, with the place of everything in it. */
export interface PolicyDocument {
  /** Maps without a prototype, lists, strings, finite numbers, booleans and null. */
  readonly value: unknown;
  /** Where a value stands: the value itself, or its key where it is a block that begins below the key. */
  position(path: Path): Position;
  /** Where the last step's key stands; the value's own place in a list. */
  keyPosition(path: Path): Position;
  /** A number as it was written (`0.10`), before it became a double. */
  numberSource(path: Path): string | undefined;
  /** Where the character at `offset` of a plain, one-line text stands; else where the text begins. */
  positionInText(path: Path, offset: number): Position;
  /** Every value's place, by JSON pointer. */
  positions(): Record<string, Position>;
}

interface Entry {
  readonly key?: number;
  readonly value: number;
  readonly shown: number;
  readonly source?: string;
  /** Offset of a text's first character where its characters stand in the file one by one. */
  readonly verbatim?: number;
}

/** How `load` and `fmt` read YAML: version 1.2, the core schema, nothing resolved beyond it. */
export const YAML_OPTIONS = {
  version: "1.2",
  schema: "core",
  merge: false,
  strict: true,
  uniqueKeys: false,
  prettyErrors: false,
  logLevel: "silent",
} as const;

/**
 * Reads the text of a policy as exactly one YAML 1.2 document. Whatever makes YAML mean something else than it seems to say
 * is a problem: aliases, tags, directives, merge keys, equal keys, keys that are not text, several documents.
 *
 * @returns the document, or `undefined` where there is none to speak of; problems go to `report`.
 */
export function readDocument(source: SourceText, report: Report): PolicyDocument | undefined {
  const document = parseSingle(source, report);
  if (document === undefined) return undefined;
  const walker = new Walker(source, report);
  const value = walker.walk(document.contents, [], undefined);
  // Values that could not be read would be missed again by everything that follows.
  if (walker.gaps) return undefined;
  return { value, ...placesOf(walker.entries, source) };
}

/** The document itself, with its comments; problems of syntax go to `report`. */
function parseSingle(source: SourceText, report: Report): Document.Parsed | undefined {
  const before = report.problems.length;
  reportConfusingCharacters(source, report);
  if (report.problems.length > before) return undefined;
  const nesting = deepFlow(source.text);
  if (nesting !== undefined) {
    report.addAtOffset(
      "yaml-too-deep",
      nesting,
      `nested more than ${MAX_DEPTH} levels deep`,
      "no part of a policy is that deep",
    );
    return undefined;
  }
  const documents = parseAll(source, report);
  for (const document of documents) {
    for (const error of [...document.errors, ...document.warnings]) addSyntaxProblem(error, source, report);
  }
  const directive = /^%/m.exec(source.text);
  if (directive !== null) {
    const message = "a YAML directive would change how the file is read";
    report.addAtOffset("yaml-directive", directive.index, message, "remove the line");
  }
  const [first, second] = documents;
  if (second !== undefined) {
    const message = "a second YAML document begins here; a policy is one document";
    report.addAtOffset("yaml-multiple-documents", second.range[0], message, 'remove the "---" or "..." before it');
  }
  if (report.problems.length > before) return undefined;
  const contents = first?.contents ?? null;
  if (first === undefined || contents === null || (isScalar(contents) && contents.value === null)) {
    report.add("file-empty", { line: 1, column: 1 }, "the file says nothing", "begin it with: version: 1");
    return undefined;
  }
  return first as Document.Parsed;
}

/** Indentation can still nest deeper than the parser's recursion reaches; then it answers with nothing, and there is a problem. */
function parseAll(source: SourceText, report: Report): readonly Document.Parsed[] {
  try {
    return parseAllDocuments(source.text, YAML_OPTIONS);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    report.add(
      "yaml-too-deep",
      { line: 1, column: 1 },
      "nested too deep to be read",
      "no part of a policy is that deep",
    );
    return [];
  }
}

function addSyntaxProblem(error: YAMLError, source: SourceText, report: Report): void {
  const offset = Math.min(error.pos[0], source.text.length);
  if (error.code === "BAD_DIRECTIVE") return;
  if (error.code === "MULTIPLE_DOCS") return;
  if (error.code === "TAG_RESOLVE_FAILED") {
    report.addAtOffset("yaml-tag", offset, "a tag would change what the value is", "remove it");
    return;
  }
  const hint = error.code === "TAB_AS_INDENT" ? "indent with spaces; YAML does not allow tabs there" : "";
  report.addAtOffset("yaml-syntax", offset, `not YAML: ${lowerFirst(error.message)}`, hint);
}

/**
 * The offset at which brackets or indentation nest too deep. Read off the text, since the parser itself is recursive: a
 * mebibyte of "[" must be an answer, not a stack overflow. Brackets in texts and comments count too; nobody writes that many.
 */
function deepFlow(text: string): number | undefined {
  let depth = 0;
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (character === "[" || character === "{") {
      depth += 1;
      if (depth > 200) return index;
    } else if (character === "]" || character === "}") depth = Math.max(0, depth - 1);
    else if ((character === "-" || character === "?" || character === ":") && compactRun(text, index) > 200)
      return index;
  }
  return undefined;
}

/** How many `- - - -` or `? ? ?` indicators follow one another on one line. */
function compactRun(text: string, from: number): number {
  let count = 0;
  for (let index = from; index < text.length && count <= 200; index += 2) {
    const character = text[index];
    if ((character !== "-" && character !== "?" && character !== ":") || !/[ \t]/.test(text[index + 1] ?? "")) break;
    count += 1;
  }
  return count;
}

class Walker {
  readonly entries = new Map<string, Entry>();
  /** Some value was left out. */
  gaps = false;
  readonly #source: SourceText;
  readonly #report: Report;

  constructor(source: SourceText, report: Report) {
    this.#source = source;
    this.#report = report;
  }

  walk(node: unknown, path: Path, key: number | undefined): unknown {
    if (!isNode(node)) {
      // A key without a value: `agents:` and nothing after it.
      if (key !== undefined) this.#enter(path, { key, value: key, shown: key });
      return null;
    }
    const value = node.range?.[0] ?? 0;
    if (path.length > MAX_DEPTH) {
      this.#report.addAtOffset(
        "yaml-too-deep",
        value,
        `nested more than ${MAX_DEPTH} levels deep`,
        "no part of a policy is that deep",
      );
      this.gaps = true;
      return null;
    }
    this.#refuseIndirection(node, value);
    const below = ((isMap(node) || isSeq(node)) && node.flow !== true) || (isScalar(node) && node.source === "");
    const shown = below && key !== undefined ? key : value;
    const entry: Entry = { ...(key === undefined ? {} : { key }), value, shown };
    if (isMap(node)) {
      this.#enter(path, entry);
      return this.#walkMap(node.items, path);
    }
    if (isSeq(node)) {
      this.#enter(path, entry);
      return node.items.map((item, index) => this.walk(item, [...path, index], undefined));
    }
    return isScalar(node) ? this.#walkScalar(node, path, entry) : null;
  }

  #walkMap(items: readonly unknown[], path: Path): Record<string, unknown> {
    const result: Record<string, unknown> = Object.create(null);
    for (const pair of items) {
      if (!isPair(pair)) continue;
      const offset = isNode(pair.key) ? (pair.key.range?.[0] ?? 0) : 0;
      if (isNode(pair.key)) this.#refuseIndirection(pair.key, offset);
      if (!isScalar(pair.key) || typeof pair.key.value !== "string") {
        if (!isAlias(pair.key)) {
          this.#report.addAtOffset("yaml-key", offset, "a key has to be text", "put it in quotes");
        }
        this.gaps = true;
        continue;
      }
      const name = pair.key.value;
      if (name === "<<" || name === "__proto__") {
        const hint = name === "<<" ? "merge keys are not read; write the entries out" : "choose another name";
        this.#report.addAtOffset("yaml-key", offset, `"${name}" cannot be a key`, hint);
        continue;
      }
      if (Object.hasOwn(result, name)) {
        const first = this.#source.position(this.entries.get(pointerOf([...path, name]))?.key ?? 0);
        const message = `the key "${name}" stands here for the second time`;
        this.#report.addAtOffset("yaml-duplicate-key", offset, message, `the first is on line ${first.line}; keep one`);
        continue;
      }
      result[name] = this.walk(pair.value, [...path, name], offset);
    }
    return result;
  }

  #walkScalar(node: Node, path: Path, entry: Entry): unknown {
    if (!isScalar(node)) return null;
    const scalar = node.value;
    // `.inf`, `.nan` and 1e999 are no numbers that anything could be compared with: texts, as far as a policy goes.
    if (typeof scalar === "number" && !Number.isFinite(scalar)) {
      this.#enter(path, entry);
      return node.source ?? String(scalar);
    }
    if (typeof scalar === "string") {
      // Characters of a folded or escaped text are not where they seem to be.
      const quoted = node.type === "QUOTE_SINGLE" || node.type === "QUOTE_DOUBLE";
      const start = entry.value + (quoted ? 1 : 0);
      const verbatim = this.#source.text.startsWith(scalar, start) && !scalar.includes("\n");
      this.#enter(path, verbatim ? { ...entry, verbatim: start } : entry);
      return scalar;
    }
    this.#enter(path, node.source === undefined ? entry : { ...entry, source: node.source });
    return scalar;
  }

  /** Anchors, aliases and tags make a value depend on something that is not where one reads it. */
  #refuseIndirection(node: Node, offset: number): void {
    if (isAlias(node)) {
      const message = `*${node.source} stands for a value written elsewhere`;
      this.#report.addAtOffset("yaml-alias", offset, message, "write the value out");
      this.gaps = true;
      return;
    }
    // Both stand before what they belong to, where the node's own range does not reach.
    const before = /(?:[!&][^\s,[\]{}]*\s+)+$/.exec(this.#source.text.slice(Math.max(0, offset - 512), offset));
    const start = offset - (before?.[0].length ?? 0);
    if ((isScalar(node) || isMap(node) || isSeq(node)) && node.anchor !== undefined) {
      const message = `&${node.anchor} names a value for use elsewhere`;
      this.#report.addAtOffset("yaml-alias", start, message, "remove the anchor");
    }
    if (node.tag !== undefined) {
      this.#report.addAtOffset("yaml-tag", start, `the tag ${node.tag} would change what the value is`, "remove it");
    }
  }

  #enter(path: Path, entry: Entry): void {
    this.entries.set(pointerOf(path), entry);
  }
}

function placesOf(entries: ReadonlyMap<string, Entry>, source: SourceText): Omit<PolicyDocument, "value"> {
  /** The entry itself, or that of the nearest value around it: what is missing is reported where it is missed. */
  const nearest = (path: Path): { entry: Entry | undefined; exact: boolean } => {
    for (let length = path.length; length >= 0; length--) {
      const entry = entries.get(pointerOf(path.slice(0, length)));
      if (entry !== undefined) return { entry, exact: length === path.length };
    }
    return { entry: undefined, exact: false };
  };
  const position = (path: Path): Position => source.position(nearest(path).entry?.shown ?? 0);
  return {
    position,
    keyPosition: (path) => {
      const { entry, exact } = nearest(path);
      return source.position((exact ? entry?.key : undefined) ?? entry?.shown ?? 0);
    },
    numberSource: (path) => entries.get(pointerOf(path))?.source,
    positionInText: (path, offset) => {
      const verbatim = entries.get(pointerOf(path))?.verbatim;
      return verbatim === undefined ? position(path) : source.position(verbatim + offset);
    },
    positions: () =>
      Object.fromEntries([...entries].map(([pointer, entry]) => [pointer, source.position(entry.shown)])),
  };
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
