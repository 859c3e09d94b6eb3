import { accepted, type Parsed, refused } from "./parsed.ts";

/**
 * An exact decimal number, `digits × 10^-scale`. Always in lowest terms (no trailing zero in `digits` while `scale` is
 * above 0, and `scale` never below 0), so that equal numbers have equal parts. Money and limits are these, never doubles.
 */
export interface Decimal {
  readonly digits: bigint;
  readonly scale: number;
}

/** Longest text that is read, and the largest power of ten: a short text must not become a number of gigabytes. */
const MAX_TEXT = 400;
const MAX_EXPONENT = 400;

const GRAMMAR = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,4}))?$/;

export const ZERO: Decimal = { digits: 0n, scale: 0 };

/**
 * Reads a number as JSON writes it (RFC 8259 section 6): no leading `+` or zero, no bare point, an optional exponent. The
 * value is exact whatever its length, up to 400 characters and powers of ten between -400 and 400.
 */
export function parseDecimal(text: string): Parsed<Decimal> {
  if (text.length > MAX_TEXT) return refused(`is longer than ${MAX_TEXT} characters`);
  const match = GRAMMAR.exec(text);
  if (match === null) return refused("is not a decimal number", 'write it in plain digits, such as 5, 0.25 or "1.50"');
  const [, sign = "", whole = "", fraction = "", exponentText = "0"] = match;
  const exponent = Number(exponentText);
  if (Math.abs(exponent) > MAX_EXPONENT) return refused(`has an exponent beyond ${MAX_EXPONENT}`);
  const magnitude = BigInt(whole + fraction);
  return accepted(reduce(sign === "-" ? -magnitude : magnitude, fraction.length - exponent));
}

export function compareDecimals(a: Decimal, b: Decimal): -1 | 0 | 1 {
  const [left, right] = aligned(a, b);
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

export function addDecimals(a: Decimal, b: Decimal): Decimal {
  const [left, right] = aligned(a, b);
  return reduce(left + right, Math.max(a.scale, b.scale));
}

export function subtractDecimals(a: Decimal, b: Decimal): Decimal {
  return addDecimals(a, { digits: -b.digits, scale: b.scale });
}

export function multiplyDecimals(a: Decimal, b: Decimal): Decimal {
  return reduce(a.digits * b.digits, a.scale + b.scale);
}

/** The shortest plain text of the number: no exponent, no trailing zeros after the point, no `-0`. `parseDecimal` reads it. */
export function formatDecimal(value: Decimal): string {
  const sign = value.digits < 0n ? "-" : "";
  const text = (value.digits < 0n ? -value.digits : value.digits).toString().padStart(value.scale + 1, "0");
  if (value.scale === 0) return sign + text;
  return `${sign}${text.slice(0, -value.scale)}.${text.slice(-value.scale)}`;
}

function aligned(a: Decimal, b: Decimal): readonly [bigint, bigint] {
  const scale = Math.max(a.scale, b.scale);
  return [a.digits * 10n ** BigInt(scale - a.scale), b.digits * 10n ** BigInt(scale - b.scale)];
}

function reduce(digits: bigint, scale: number): Decimal {
  if (digits === 0n) return ZERO;
  let reduced = digits;
  let left = scale;
  while (left > 0 && reduced % 10n === 0n) {
    reduced /= 10n;
    left -= 1;
  }
  if (left < 0) return { digits: reduced * 10n ** BigInt(-left), scale: 0 };
  return { digits: reduced, scale: left };
}
