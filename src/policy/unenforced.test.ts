import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parsePolicy } from "./load.ts";
import type { Policy } from "./types.ts";
import { unenforced } from "./unenforced.ts";

function policyOf(text: string): Policy {
  const result = parsePolicy(text, "/p/hardline.yaml", "/p");
  if (result.kind !== "ok") throw new Error(JSON.stringify(result));
  return result.policy;
}

const ALONE = `version: 1
trust_domain: desk.example
agents:
  one: { run: [node], root: ./one, mutable: [state], env: { A: b }, resources: { memory: 1GiB }, read: [/opt/x] }
  two:
    run: [node]
    root: ./two
    allow:
      - http: GET a.example/
`;

test("a policy that only seals has nothing that is not enforced", () => {
  expect(unenforced(policyOf(ALONE), "one")).toEqual([]);
});

test("what is an agent's own is named for that agent only, with its place", () => {
  expect(unenforced(policyOf(ALONE), "two")).toMatchObject([
    { id: "not-enforced-yet", line: 8, column: 5, message: expect.stringContaining("agents.two.allow") },
  ]);
  expect(unenforced(policyOf(ALONE), "constructor")).toEqual([]);
});

test("every section that nothing enforces is named, in the order of the file", () => {
  const file = join(import.meta.dirname, "../../test/fixtures/policy-valid/every-section.yaml");
  const policy = policyOf(readFileSync(file, "utf8"));
  const named = unenforced(policy, "one").map(({ message }) => message.split(":")[0]);
  expect(named).toEqual([
    ...["agents.one.tools", "agents.one.allow", "tools", "credentials", "limits", "red_lines", "respond", "operators"],
    ...["alerts", "ledger", "backup", "changes", "blast_radius"],
  ]);
  for (const problem of unenforced(policy, "one")) expect(problem.line).toBeGreaterThan(1);
});

test("an empty section asks for nothing", () => {
  expect(unenforced(policyOf(`${ALONE}limits: []\ntools: {}\nalerts: []\n`), "one")).toEqual([]);
});

test("what has to start fast imports nothing at run time", () => {
  for (const name of ["types.ts", "unenforced.ts"]) {
    const source = readFileSync(join(import.meta.dirname, name), "utf8");
    const imports = source.match(/^import .*$/gm) ?? [];
    expect(imports.filter((line) => !line.startsWith("import type "))).toEqual([]);
  }
});
