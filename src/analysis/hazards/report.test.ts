import { expect, test } from "vitest";
import { Report } from "./report.ts";

const at = { file: "/f", line: 1, column: 1 };

test("the same is said once, errors first, and a flood is counted", () => {
  const report = new Report("a");
  report.add("runs-later", { at, message: "one" });
  report.add("runs-later", { at, message: "one" });
  for (let line = 1; line <= 60; line++) report.add("hard-link", { at: { ...at, line }, message: `link ${line}` });
  const findings = report.findings();
  expect(findings.filter((each) => each.id === "runs-later")).toHaveLength(1);
  expect(findings.filter((each) => each.id === "hard-link")).toHaveLength(51);
  expect(findings.some((each) => each.message === "and 10 more of the same kind")).toBe(true);
  expect(findings.at(-1)?.id).toBe("runs-later");
});
