import fc from "fast-check";
import { expect, test } from "vitest";
import { printable } from "./printable.ts";

test("what a terminal would obey is escaped", () => {
  expect(printable("a\u001b[31mred\u0007")).toBe("a\\x1b[31mred\\x07");
  expect(printable("evil\u202etxt.py")).toBe("evil\\u{202e}txt.py");
  expect(printable("two\nlines\tand a tab")).toBe("two\\x0alines and a tab");
  expect(printable("\u009b2J")).toBe("\\x9b2J");
});

test("ordinary text of any script stays as it is", () => {
  expect(printable("Zürich – 取引 – 👍")).toBe("Zürich – 取引 – 👍");
});

test("nothing that is unsafe is left, whatever goes in", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(printable(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      expect(printable(printable(text))).toBe(printable(text));
    }),
  );
});
