import { ZodType, type z } from "zod";
import { compareDecimals, type Decimal, formatDecimal, parseDecimal } from "../core/decimal.ts";
import type { Position } from "../core/finding.ts";
import type { Parsed } from "../core/parsed.ts";
import { didYouMean } from "../core/suggest.ts";
import { parseDuration, parseSize } from "../core/units.ts";
import type { PolicyDocument } from "./document.ts";
import { parseHostPath } from "./paths.ts";
import type { Path, ProblemId, Report, WarningId } from "./problems.ts";
import { named } from "./schema-problems.ts";
import type { Matcher } from "./types.ts";

/** Where a rule's matcher stands and what it says: cross references are judged when the whole file has been read. */
export interface MatcherUse {
  readonly matcher: Matcher;
  readonly path: Path;
}

/** A mapping of which any entry can be missing, since it was not what it has to be. */
export type Parts<T> = { readonly [K in keyof T]?: T[K] | undefined };

/**
 * What the parts of the compiler share: the document they read, the report they write to, and how single values are read.
 * Each reader reports what is wrong and then returns `undefined`; a policy is made only if nothing was reported.
 */
export class Compilation {
  readonly document: PolicyDocument;
  readonly report: Report;
  readonly warnings: Report;
  /** Absolute; relative host paths resolve here. */
  readonly dir: string;
  /** How each host path enters the digest where it lies outside `dir`: as written if that was relative. */
  readonly writtenRelative = new Set<string>();
  readonly matchers: MatcherUse[] = [];
  /** Rule ids of the whole file; a denial names a rule by it, so it has to be the only one. */
  readonly ruleIds = new Map<string, Position>();

  constructor(document: PolicyDocument, report: Report, warnings: Report, dir: string) {
    this.document = document;
    this.report = report;
    this.warnings = warnings;
    this.dir = dir;
  }

  problem(id: ProblemId, path: Path, message: string, hint = ""): void {
    this.report.add(id, this.document.position(path), message, hint);
  }

  /** Something sound that still looks like a mistake. */
  warn(id: WarningId, path: Path, message: string, hint = ""): void {
    this.warnings.add(id, this.document.keyPosition(path), message, hint);
  }

  problemAtKey(id: ProblemId, path: Path, message: string, hint = ""): void {
    this.report.add(id, this.document.keyPosition(path), message, hint);
  }

  /**
   * The entries of a mapping that are as `schema` says, one by one: a mistake in one does not hide those in the others. What
   * is left out here has been reported by the schema's own pass.
   */
  parts<S extends z.ZodRawShape>(schema: z.ZodObject<S>, value: unknown): Parts<z.infer<z.ZodObject<S>>> {
    const result: Record<string, unknown> = {};
    for (const [key, member] of Object.entries(mapping(value))) {
      const part: unknown = Object.hasOwn(schema.shape, key) ? Reflect.get(schema.shape, key) : undefined;
      if (part instanceof ZodType && part.safeParse(member).success) result[key] = member;
    }
    // Each member has just been checked by its own part of the schema.
    return result as Parts<z.infer<z.ZodObject<S>>>;
  }

  /** Takes what a reader of text returned; a refusal is a problem at `path`. */
  take<T>(parsed: Parsed<T>, id: ProblemId, path: Path, text: string): T | undefined {
    if (parsed.kind === "ok") return parsed.value;
    this.problem(id, path, `${named(path)}: ${quote(text)} ${parsed.reason}`, parsed.hint);
    return undefined;
  }

  duration(text: string | undefined, path: Path, min: number, max: number): number | undefined {
    if (text === undefined) return undefined;
    const ms = this.take(parseDuration(text), "duration-invalid", path, text);
    if (ms === undefined || (ms >= min && ms <= max)) return ms;
    this.problem(
      "number-out-of-range",
      path,
      `${named(path)}: ${quote(text)} is ${ms < min ? "too short" : "too long"}`,
    );
    return undefined;
  }

  size(text: string | undefined, path: Path, min: number): number | undefined {
    if (text === undefined) return undefined;
    const bytes = this.take(parseSize(text), "size-invalid", path, text);
    if (bytes === undefined || bytes >= min) return bytes;
    this.problem("number-out-of-range", path, `${named(path)}: ${quote(text)} is too small to work with`);
    return undefined;
  }

  number(value: number | undefined, path: Path, min: number, max: number, whole: boolean): number | undefined {
    if (value === undefined) return undefined;
    if (value >= min && value <= max && (!whole || Number.isInteger(value))) return value;
    const kind = whole ? "a whole number" : "a number";
    this.problem(
      "number-out-of-range",
      path,
      `${named(path)} cannot be ${value}`,
      `write ${kind} from ${min} to ${max}`,
    );
    return undefined;
  }

  /** An exact amount, not below 0. Read from the text of the file, since a double has lost digits by now. */
  amount(value: number | string | undefined, path: Path): Decimal | undefined {
    if (value === undefined) return undefined;
    const text = typeof value === "string" ? value : (this.document.numberSource(path) ?? String(value));
    const amount = this.take(parseDecimal(text), "decimal-invalid", path, text);
    if (amount === undefined || compareDecimals(amount, { digits: 0n, scale: 0 }) >= 0) return amount;
    this.problem("number-out-of-range", path, `${named(path)} cannot be ${formatDecimal(amount)}`, "write 0 or more");
    return undefined;
  }

  hostPath(text: string | undefined, path: Path): string | undefined {
    if (text === undefined) return undefined;
    const absolute = this.take(parseHostPath(text, this.dir), "path-invalid", path, text);
    if (absolute !== undefined && !text.startsWith("/")) this.writtenRelative.add(absolute);
    return absolute;
  }

  /** Texts that are passed to the kernel, which ends them at a NUL byte. */
  plainTexts(texts: readonly string[], path: Path): void {
    for (const [index, text] of texts.entries()) {
      if (text.includes("\0"))
        this.problem("text-invalid", [...path, index], `${named([...path, index])} has a NUL character`);
    }
  }

  /** argv: something to run, and nothing that the kernel would cut short. */
  command(command: readonly string[], path: Path): void {
    if (command[0] === "")
      this.problem("text-invalid", [...path, 0], `${named(path)} begins with an empty text`, "name a program");
    this.plainTexts(command, path);
  }

  /** Reports each entry that stands in the list for the second time. */
  distinct(items: readonly string[], path: Path): void {
    const seen = new Set<string>();
    for (const [index, item] of items.entries()) {
      if (seen.has(item)) {
        this.problem("duplicate-item", [...path, index], `${named(path)} names ${quote(item)} twice`, "keep one");
      }
      seen.add(item);
    }
  }

  /** Reports keys that mean nothing here; what does nothing must not look as if it did. */
  misplaced(entry: unknown, keys: readonly string[], path: Path, reason: string): void {
    for (const key of keys) {
      if (mapping(entry)[key] === undefined) continue;
      this.problemAtKey("misplaced-key", [...path, key], `${named(path)}: "${key}" ${reason}`, "remove it");
    }
  }

  /**
   * Reports a name that the section does not have. Looked up among the *written* entries: one that is there and broken is
   * reported where it is broken.
   */
  reference(section: string, name: string, path: Path, kind: string): void {
    const declared = Object.keys(mapping(mapping(this.document.value)[section]));
    if (declared.includes(name)) return;
    const hint = didYouMean(name, declared) || `define it under \`${section}\``;
    this.problem("reference-unknown", path, `${named(path)}: there is no ${kind} ${quote(name)}`, hint);
  }

  /** The one of `keys` that is there, where it has to be exactly one. */
  exactlyOne<K extends string>(entry: unknown, keys: readonly K[], path: Path): K | undefined {
    const present = keys.filter((key) => mapping(entry)[key] !== undefined);
    const [only] = present;
    // Another kind of value altogether: the schema's own pass has said so.
    if (!isMapping(entry)) return undefined;
    if (present.length === 1) return only;
    if (only === undefined) {
      this.problem("choose-one", path, `${named(path)} has none of ${list(keys)}`, "give it one of them");
    } else {
      const second = present[1] ?? only;
      this.problemAtKey(
        "choose-one",
        [...path, second],
        `${named(path)} has ${list(present, "and")}`,
        "keep one of them",
      );
    }
    return undefined;
  }
}

/** The entries of a mapping; none for any other kind of value. */
export function mapping(value: unknown): Readonly<Record<string, unknown>> {
  return isMapping(value) ? value : {};
}

export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The items of a list; none for any other kind of value. */
export function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}…` : text);
}

export function list(names: readonly string[], word: "and" | "or" = "or"): string {
  const quoted = names.map((name) => `"${name}"`);
  const last = quoted.pop() ?? "";
  return quoted.length === 0 ? last : `${quoted.join(", ")} ${word} ${last}`;
}
