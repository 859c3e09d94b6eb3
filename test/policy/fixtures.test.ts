/**
 * Broken policies, one defect a file, each beside what loading says about it. `UPDATE_GOLDEN=1` writes that down anew, for a
 * person to review; where `CI` is set nothing is ever written.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { loadPolicy } from "../../src/policy/load.ts";
import { PROBLEM_IDS } from "../../src/policy/problems.ts";
import { MAX_POLICY_BYTES } from "../../src/policy/read.ts";
import { renderProblems } from "../../src/policy/render.ts";
import type { LoadResult } from "../../src/policy/types.ts";

const BROKEN = join(import.meta.dirname, "../fixtures/policy");
const VALID = join(import.meta.dirname, "../fixtures/policy-valid");
const UPDATE = process.env["UPDATE_GOLDEN"] === "1" && process.env["CI"] === undefined;

const broken = yamlFiles(BROKEN);

function yamlFiles(directory: string): string[] {
  return readdirSync(directory).filter((name) => name.endsWith(".yaml"));
}

function golden(result: LoadResult, name: string): string {
  if (result.kind !== "invalid") return `${result.kind}\n`;
  const ids = [...new Set(result.problems.map(({ id }) => id))];
  return `${ids.join(" ")}\n\n${renderProblems(result.problems, name, { color: false })}`;
}

test.each(broken)("%s is refused as written down", (name) => {
  const result = loadPolicy(join(BROKEN, name));
  expect(result.kind).toBe("invalid");
  const expectedFile = join(BROKEN, `${basename(name, ".yaml")}.expected`);
  const actual = golden(result, name);
  if (UPDATE) writeFileSync(expectedFile, actual);
  expect(actual).toBe(readFileSync(expectedFile, "utf8"));
});

test.each(broken)("every problem of %s has a place in the file and shows it", (name) => {
  const result = loadPolicy(join(BROKEN, name));
  if (result.kind !== "invalid") throw new Error(`${name} loads`);
  expect(result.problems.length).toBeGreaterThan(0);
  const lines = readFileSync(join(BROKEN, name), "utf8").split("\n");
  for (const problem of result.problems) {
    expect(PROBLEM_IDS).toContain(problem.id);
    expect(problem.message).not.toBe("");
    expect(problem.line).toBeLessThanOrEqual(lines.length);
    expect(problem.column).toBeLessThanOrEqual((lines[problem.line - 1] ?? "").length + 1);
  }
});

test("no golden output is left of a fixture that is gone", () => {
  const expected = readdirSync(BROKEN).filter((name) => name.endsWith(".expected"));
  expect(expected.map((name) => name.replace(/\.expected$/, ".yaml")).sort()).toEqual(broken.toSorted());
});

test("there are at least 40 of them, and every problem that the code knows is among them", () => {
  expect(broken.length).toBeGreaterThanOrEqual(40);
  const seen = new Set(broken.flatMap((name) => problemIds(loadPolicy(join(BROKEN, name)))));
  for (const id of problemIds(loadTooLarge())) seen.add(id);
  expect([...seen].sort()).toEqual([...PROBLEM_IDS].sort());
});

test.each(yamlFiles(VALID))("%s loads", (name) => {
  const result = loadPolicy(join(VALID, name));
  expect(golden(result, name)).toBe("ok\n");
});

test("the example of the design gives no warning either", () => {
  expect(loadPolicy(join(VALID, "design-example.yaml"))).toMatchObject({ kind: "ok", warnings: [] });
});

function problemIds(result: LoadResult): readonly string[] {
  return result.kind === "invalid" ? result.problems.map(({ id }) => id) : [];
}

/** A mebibyte is made, not kept. */
function loadTooLarge(): LoadResult {
  const directory = mkdtempSync(join(tmpdir(), "hardline-policy-"));
  try {
    const file = join(directory, "hardline.yaml");
    writeFileSync(file, `version: 1\n${"#".repeat(MAX_POLICY_BYTES)}`);
    return loadPolicy(file);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
