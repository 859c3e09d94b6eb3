import fc from "fast-check";
import { expect, test } from "vitest";
import { CanonicalJsonError, canonicalJson } from "./json.ts";

test("the example of RFC 8785, section 3.2.2", () => {
  const value = {
    // biome-ignore lint/correctness/noPrecisionLoss: the RFC writes it so
    numbers: [333333333.33333329, 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
    string: '\u20ac$\u000f\nA\'B"\\\\"/',
    literals: [null, true, false],
  };
  expect(canonicalJson(value)).toBe(
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  );
});

test("keys are sorted by UTF-16 code units, as in RFC 8785, section 3.2.3", () => {
  const value = { "\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\u{1f600}": 5, "\u0080": 6, "\u00f6": 7 };
  expect(canonicalJson(value)).toBe('{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\u{1f600}":5,"\ufb33":3}');
});

test("minus zero is zero", () => {
  expect(canonicalJson([-0])).toBe("[0]");
});

test.each([
  ["NaN", Number.NaN, "json-not-finite"],
  ["infinity", [Number.POSITIVE_INFINITY], "json-not-finite"],
  ["a bigint", 1n, "json-not-data"],
  ["undefined", undefined, "json-not-data"],
  ["undefined in a list", [undefined], "json-not-data"],
  ["a hole in a list", new Array(2), "json-not-data"],
  ["a function", () => 1, "json-not-data"],
  ["a date", new Date(0), "json-not-data"],
  ["a map", new Map([["a", 1]]), "json-not-data"],
  ["a lone surrogate", "\ud800", "json-lone-surrogate"],
  ["a lone surrogate in a key", { "\udc00": 1 }, "json-lone-surrogate"],
])("%s has no canonical form", (_name, value, code) => {
  expect(() => canonicalJson(value)).toThrow(expect.objectContaining({ code }));
});

test("a value too deep is an error, not a stack overflow", () => {
  let value: unknown = null;
  for (let depth = 0; depth < 100_000; depth++) value = [value];
  expect(() => canonicalJson(value)).toThrow(CanonicalJsonError);
});

test("an absent property and an undefined one are the same; an undefined one and null are not", () => {
  expect(canonicalJson({ a: undefined, b: 1 })).toBe('{"b":1}');
  expect(canonicalJson({ a: null })).toBe('{"a":null}');
});

/** Any JSON value, with the prototype that `JSON.parse` gives it, and no lone surrogates. */
const jsonValue = fc.jsonValue({ noUnicodeString: false });

test("canonical JSON is JSON of the same value, and does not depend on the order of keys", () => {
  fc.assert(
    fc.property(jsonValue, (value) => {
      const text = canonicalJson(value);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(canonicalJson(reversed(value))).toBe(text);
      expect(canonicalJson(JSON.parse(text))).toBe(text);
    }),
  );
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, reversed(member)]),
  );
}
