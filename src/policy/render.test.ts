import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { renderProblem, renderProblems } from "./render.ts";
import type { PolicyProblem } from "./types.ts";

const PROBLEM: PolicyProblem = {
  id: "unknown-key",
  line: 12,
  column: 5,
  message: 'agents.trader has no key "mutabel"',
  hint: 'did you mean "mutable"?',
  sourceLine: "    mutabel: [state]",
};

test("a problem is its place, what is wrong, the line with a caret, and what to do", () => {
  expect(renderProblem(PROBLEM, "hardline.yaml", { color: false })).toBe(
    `hardline.yaml:12:5: error: agents.trader has no key "mutabel"
  12 |     mutabel: [state]
     |     ^
  hint: did you mean "mutable"?
`,
  );
});

test("what is empty is left out", () => {
  const bare = { ...PROBLEM, hint: "", sourceLine: "" };
  expect(renderProblem(bare, "x.yaml", { color: false, severity: "warning" })).toBe(
    'x.yaml:12:5: warning: agents.trader has no key "mutabel"\n',
  );
});

test("several are set apart by an empty line; none is nothing", () => {
  expect(renderProblems([PROBLEM, PROBLEM], "x", { color: false }).split("\n\n")).toHaveLength(2);
  expect(renderProblems([], "x", { color: false })).toBe("");
});

test("colours change nothing but the colour", () => {
  const colored = renderProblem(PROBLEM, "x", { color: true });
  expect(colored).toContain("\u001b[31merror:\u001b[0m");
  expect(stripVTControlCharacters(colored)).toBe(renderProblem(PROBLEM, "x", { color: false }));
});

test("a long line is cut around the place", () => {
  const sourceLine = `${"a".repeat(500)}!${"b".repeat(500)}`;
  const [, line = "", caret = ""] = renderProblem({ ...PROBLEM, column: 501, sourceLine }, "x", { color: false }).split(
    "\n",
  );
  expect(line.length).toBeLessThan(140);
  expect(line[caret.indexOf("^")]).toBe("!");
});

test("nothing in the file or its name reaches the terminal as a control sequence", () => {
  const evil = "\u001b]0;owned\u0007\u202e";
  const text = renderProblem({ ...PROBLEM, message: evil, hint: evil, sourceLine: evil }, evil, { color: false });
  expect(text.replaceAll("\n", "")).not.toMatch(/\p{Cc}|\u202e/u);
});

test("the caret stands below the place, also behind what is shown longer or wider", () => {
  const [, line = "", caret = ""] = renderProblem({ ...PROBLEM, column: 3, sourceLine: "\u0007x!" }, "x", {
    color: false,
  }).split("\n");
  expect(line[caret.indexOf("^")]).toBe("!");
  const [, , wide = ""] = renderProblem({ ...PROBLEM, column: 3, sourceLine: "漢x!" }, "x", { color: false }).split(
    "\n",
  );
  expect(wide.indexOf("^")).toBe("  12 | ".length + 3);
});
