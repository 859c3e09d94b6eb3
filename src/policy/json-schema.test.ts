import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { policyJsonSchema } from "./json-schema.ts";

const schema = policyJsonSchema();

test("it is a draft 7 schema that knows the top of the file and nothing else there", () => {
  expect(schema).toMatchObject({
    $schema: "http://json-schema.org/draft-07/schema#",
    type: "object",
    required: ["version", "agents"],
    additionalProperties: false,
    properties: { version: { const: 1 }, agents: { type: "object" } },
  });
});

test("it is plain JSON, and the same each time", () => {
  expect(JSON.parse(JSON.stringify(schema))).toEqual(schema);
  expect(policyJsonSchema()).toEqual(schema);
});

test("its patterns take the durations and sizes of the reference", () => {
  const text = JSON.stringify(schema);
  const patterns = [...text.matchAll(/"pattern":"((?:[^"\\]|\\.)*)"/g)].map(
    ([, pattern = ""]) => new RegExp(JSON.parse(`"${pattern}"`)),
  );
  expect(patterns.some((pattern) => pattern.test("1h30m"))).toBe(true);
  expect(patterns.some((pattern) => pattern.test("512MiB"))).toBe(true);
  for (const pattern of patterns) expect(pattern.test("1 minute")).toBe(false);
});

test("every key of the design's example is in it", () => {
  const example = readFileSync(
    join(import.meta.dirname, "../../test/fixtures/policy-valid/design-example.yaml"),
    "utf8",
  );
  const keys = new Set([...example.matchAll(/^([a-z_]+):/gm)].map(([, key = ""]) => key));
  expect(Object.keys(schema["properties"] ?? {})).toEqual(expect.arrayContaining([...keys]));
});

const VALID = join(import.meta.dirname, "../../test/fixtures/policy-valid");

test.each(readdirSync(VALID))("%s, which loads, is valid by it", (name) => {
  const validator = z.fromJSONSchema(policyJsonSchema());
  expect(validator.safeParse(parse(readFileSync(join(VALID, name), "utf8"))).error).toBeUndefined();
});

test("it refuses what an editor should underline", () => {
  const validator = z.fromJSONSchema(policyJsonSchema());
  const agents = { one: { run: ["node"], root: "./one" } };
  expect(validator.safeParse({ version: 1, agents }).success).toBe(true);
  expect(validator.safeParse({ version: 2, agents }).success).toBe(false);
  expect(validator.safeParse({ version: 1, agents, redlines: [] }).success).toBe(false);
  expect(validator.safeParse({ version: 1, agents: { one: { root: "./one" } } }).success).toBe(false);
  expect(
    validator.safeParse({ version: 1, agents: { one: { ...agents.one, resources: { memory: "512M" } } } }).success,
  ).toBe(false);
});
