import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import type { Agent, Policy } from "../policy/types.ts";
import { ownPlaces, refuseOwnCodeMutable } from "./own-code.ts";

function policyOf(shape: Agent["shape"]): Policy {
  return { agents: { a: { name: "a", shape } } } as unknown as Policy;
}

const OWN = ["/opt/desk/node_modules/hardline"];

test("its places are there", () => {
  for (const place of ownPlaces()) expect(existsSync(place)).toBe(true);
});

test("a workspace around Hardline is refused", () => {
  const policy = policyOf({ kind: "workspace", workspace: "/opt/desk", sealed: [] });
  expect(() => refuseOwnCodeMutable(policy, OWN)).toThrow(/can write to \/opt\/desk, where Hardline itself is/);
});

test("a mutable directory that is, holds or lies in Hardline's is refused", () => {
  for (const path of ["node_modules", "node_modules/hardline", "node_modules/hardline/dist"]) {
    const policy = policyOf({ kind: "root", root: "/opt/desk", mutable: ["state", path] });
    expect(() => refuseOwnCodeMutable(policy, OWN), path).toThrow(/where Hardline itself is/);
  }
});

test("a sealed root around it is not, nor is a neighbour of like name", () => {
  expect(() =>
    refuseOwnCodeMutable(policyOf({ kind: "root", root: "/opt/desk", mutable: ["state"] }), OWN),
  ).not.toThrow();
  const beside = policyOf({ kind: "workspace", workspace: "/opt/desk/node_modules/hard", sealed: [] });
  expect(() => refuseOwnCodeMutable(beside, OWN)).not.toThrow();
});
