import { HardlineError } from "./errors.ts";

/** Why a value has no canonical JSON. */
export type CanonicalJsonErrorCode = "json-not-finite" | "json-lone-surrogate" | "json-not-data" | "json-too-deep";

export class CanonicalJsonError extends HardlineError {
  readonly code: CanonicalJsonErrorCode;

  constructor(code: CanonicalJsonErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Deeper values are refused, so that a hostile value cannot exhaust the stack. */
const MAX_DEPTH = 512;

/**
 * The one text of a JSON value: RFC 8785 (JSON Canonicalization Scheme). Object keys are sorted by UTF-16 code units, numbers
 * and strings are written as ECMAScript does, nothing is between the tokens. A property whose value is `undefined` is
 * absent; everything else that JSON cannot hold (functions, symbols, bigints, NaN, lone surrogates, `undefined` in an array,
 * objects with a prototype of their own such as dates) is an error, never a silent `null`: two different values must
 * not come to share a digest.
 *
 * @throws CanonicalJsonError
 */
export function canonicalJson(value: unknown): string {
  return write(value, 0);
}

function write(value: unknown, depth: number): string {
  if (depth > MAX_DEPTH) {
    throw new CanonicalJsonError(
      "json-too-deep",
      `a value nested more than ${MAX_DEPTH} levels deep has no canonical JSON here`,
    );
  }
  switch (typeof value) {
    case "boolean":
      return value ? "true" : "false";
    case "number":
      if (!Number.isFinite(value)) throw new CanonicalJsonError("json-not-finite", `${value} has no JSON form`);
      return JSON.stringify(value);
    case "string":
      return writeString(value);
    case "object":
      break;
    default:
      throw new CanonicalJsonError("json-not-data", `a value of type ${typeof value} has no JSON form`);
  }
  if (value === null) return "null";
  if (Array.isArray(value)) {
    // `map` would leave the holes of a sparse array as they are and print nothing for them.
    return `[${Array.from(value, (item) => write(item, depth + 1)).join(",")}]`;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new CanonicalJsonError("json-not-data", "only plain objects and arrays have a canonical JSON form");
  }
  const members: string[] = [];
  // The default sort compares UTF-16 code units, as RFC 8785 section 3.2.3 asks.
  for (const key of Object.keys(value).sort()) {
    const member: unknown = Reflect.get(value, key);
    if (member !== undefined) members.push(`${writeString(key)}:${write(member, depth + 1)}`);
  }
  return `{${members.join(",")}}`;
}

function writeString(text: string): string {
  if (!text.isWellFormed()) {
    throw new CanonicalJsonError("json-lone-surrogate", "a string with a lone surrogate has no canonical JSON form");
  }
  return JSON.stringify(text);
}
