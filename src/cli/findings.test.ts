import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { Finding } from "../core/finding.ts";
import { renderFindings } from "./findings.ts";
import { palette } from "./palette.ts";

const scratch = mkdtempSync(join(tmpdir(), "hardline-findings-"));
const file = join(scratch, "hardline.yaml");
writeFileSync(file, "version: 1\nagents:\n  a\u001b[2J:\n    root: .\n");
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const FINDING: Finding = {
  id: "some-id",
  severity: "error",
  file,
  line: 4,
  column: 11,
  message: "a message",
  fix: "a fix",
};

test("a finding has its place, its line, a caret and a fix", () => {
  expect(renderFindings([FINDING], scratch, palette(false))).toBe(
    "hardline.yaml:4:11: error: a message [some-id]\n      root: .\n            ^\n  fix: a fix\n\nno: 1 error, 0 warnings\n",
  );
});

test("an accepted error is not counted as one", () => {
  const accepted = { ...FINDING, accepted: "we know" };
  const text = renderFindings([accepted], scratch, palette(false));
  expect(text).toContain("error, accepted: a message");
  expect(text).toContain("accepted: we know");
  expect(text).toContain("ok: 0 errors, 0 warnings, 1 accepted");
});

test("what others chose does not reach the terminal as control characters", () => {
  const hostile = {
    ...FINDING,
    line: 3,
    column: 8,
    message: "\u001b]0;title\u0007",
    fix: "\u202e",
    agent: "\r",
    accepted: "\u009b",
  };
  const text = renderFindings([hostile], scratch, palette(false));
  expect(text.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  // The caret stands below the same character although escapes widened the line.
  expect(text).toContain("    a\\x1b[2J:\n            ^");
});

test("a file that cannot be read takes nothing away but the excerpt", () => {
  const text = renderFindings([{ ...FINDING, file: "/nonexistent/x" }], scratch, palette(false));
  expect(text).toContain("/nonexistent/x:4:11: error: a message [some-id]\n  fix: a fix");
});
