/** docs/comparison.md is generated, with versions and a date; what can be checked without the other tool is that it is whole. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ROWS } from "../support/comparison.ts";

const COLUMNS = 6;
const HARDLINE = [2, 3];

const rows = readFileSync(new URL("../../docs/comparison.md", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| ---") && !line.startsWith("| |"))
  .map((line) => line.slice(2, -2).split(" | "));

test("every attack of the comparison is in the table, in its order", () => {
  expect(rows.map(([id, what]) => [id, what])).toEqual(ROWS.map(({ id, what }) => [id, what]));
});

test("every cell has a verdict, and under Hardline every attack is held", () => {
  for (const row of rows) {
    expect(row).toHaveLength(COLUMNS);
    for (const cell of row.slice(2)) expect(cell).toMatch(/^(held|broken|inconclusive) \(|^n\/a|^did not run/);
    for (const column of HARDLINE) expect(row[column], row[1]).toMatch(/^held \(/);
  }
});
