/** The threat model may only name tests that exist, and must have a row for every attack of its families. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const rows = readFileSync(join(root, "THREAT_MODEL.md"), "utf8")
  .split("\n")
  .filter((line) => /^\| [A-Z]\d+ \|/.test(line));

test("every attack on files, interpreters and the kernel has a row", () => {
  const wanted = [
    ...Array.from({ length: 13 }, (_, index) => `F${index + 1}`),
    ...Array.from({ length: 7 }, (_, index) => `I${index + 1}`),
    ...Array.from({ length: 8 }, (_, index) => `K${index + 1}`),
  ];
  const found = rows.map((row) => row.split("|")[1]?.trim());
  expect(found).toEqual(expect.arrayContaining(wanted));
});

test("every row names a test, and every test that is named exists", () => {
  for (const row of rows) {
    const named = [...(row.split("|")[4] ?? "").matchAll(/`([^`]+)`/g)].map(([, path]) => path ?? "");
    expect(named, row).not.toEqual([]);
    for (const path of named.map((name) => name.replace(/\/\*\.test\.ts$/, ""))) {
      expect(existsSync(join(root, path)), `${path}, named in: ${row}`).toBe(true);
    }
  }
});
