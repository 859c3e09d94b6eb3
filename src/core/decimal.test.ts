import fc from "fast-check";
import { expect, test } from "vitest";
import {
  addDecimals,
  compareDecimals,
  type Decimal,
  formatDecimal,
  multiplyDecimals,
  parseDecimal,
  subtractDecimals,
} from "./decimal.ts";

function decimal(text: string): Decimal {
  const parsed = parseDecimal(text);
  if (parsed.kind === "refused") throw new Error(`${text} ${parsed.reason}`);
  return parsed.value;
}

test("what doubles get wrong", () => {
  expect(formatDecimal(addDecimals(decimal("0.1"), decimal("0.2")))).toBe("0.3");
  expect(compareDecimals(addDecimals(decimal("0.1"), decimal("0.2")), decimal("0.3"))).toBe(0);
  expect(formatDecimal(decimal("9007199254740993"))).toBe("9007199254740993");
  expect(compareDecimals(decimal("0.30000000000000000001"), decimal("0.3"))).toBe(1);
});

test.each([
  ["5", "5"],
  ["5.00", "5"],
  ["1.50", "1.5"],
  ["-0", "0"],
  ["-0.0", "0"],
  ["0.001", "0.001"],
  ["-12.340", "-12.34"],
  ["1e3", "1000"],
  ["1.5E+2", "150"],
  ["15e-1", "1.5"],
  ["100e-2", "1"],
  ["1e-3", "0.001"],
])("%s is written %s", (text, written) => {
  expect(formatDecimal(decimal(text))).toBe(written);
});

test.each([
  ...[
    "",
    " 1",
    "1 ",
    "+1",
    "01",
    ".5",
    "5.",
    "1,5",
    "1_000",
    "0x10",
    "1e",
    "e5",
    "--1",
    "NaN",
    "Infinity",
    "1e401",
    "1e99999",
  ],
  "9".repeat(401),
  "१",
])("%j is refused", (text) => {
  expect(parseDecimal(text).kind).toBe("refused");
});

const plainText = fc
  .tuple(
    fc.boolean(),
    fc.bigInt({ min: 0n, max: 10n ** 30n }),
    fc.option(fc.stringMatching(/^[0-9]{1,20}$/), { nil: undefined }),
  )
  .map(
    ([negative, whole, fraction]) => `${negative ? "-" : ""}${whole}${fraction === undefined ? "" : `.${fraction}`}`,
  );

test("parsing and formatting are inverse, and one number has one form", () => {
  fc.assert(
    fc.property(plainText, (text) => {
      const value = decimal(text);
      expect(decimal(formatDecimal(value))).toEqual(value);
      expect(decimal(`${text}${text.includes(".") ? "000" : ".000"}`)).toEqual(value);
      expect(formatDecimal(value)).not.toMatch(/e|^-?0\d|\.\d*0$|\.$|^-0$/);
    }),
  );
});

test("addition is exact: it commutes, associates and is undone by subtraction", () => {
  fc.assert(
    fc.property(plainText, plainText, plainText, (a, b, c) => {
      const [x, y, z] = [decimal(a), decimal(b), decimal(c)];
      expect(addDecimals(x, y)).toEqual(addDecimals(y, x));
      expect(addDecimals(addDecimals(x, y), z)).toEqual(addDecimals(x, addDecimals(y, z)));
      expect(subtractDecimals(addDecimals(x, y), y)).toEqual(x);
      expect(multiplyDecimals(x, addDecimals(y, z))).toEqual(
        addDecimals(multiplyDecimals(x, y), multiplyDecimals(x, z)),
      );
    }),
  );
});

test("the order is total and agrees with subtraction", () => {
  fc.assert(
    fc.property(plainText, plainText, (a, b) => {
      const [x, y] = [decimal(a), decimal(b)];
      const { digits } = subtractDecimals(x, y);
      expect(compareDecimals(x, y)).toBe(digits < 0n ? -1 : digits > 0n ? 1 : 0);
      expect(compareDecimals(y, x) + compareDecimals(x, y)).toBe(0);
    }),
  );
});
