import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { formatPolicy } from "./format.ts";
import { parsePolicy } from "./load.ts";
import type { LoadResult } from "./types.ts";

const FIXTURES = join(import.meta.dirname, "../../test/fixtures");

function formatted(text: string): string {
  const result = formatPolicy(text);
  if (result.kind !== "ok") throw new Error(JSON.stringify(result));
  return result.text;
}

function load(text: string): LoadResult {
  return parsePolicy(text, "/p/hardline.yaml", "/p");
}

function digestOf(text: string): string {
  const result = load(text);
  if (result.kind !== "ok") throw new Error(JSON.stringify(result));
  return result.policy.digest;
}

test("the canonical layout", () => {
  const text = `# Top of file.

# about version
version:   1 # trailing



# about limits
limits:
  # the only one
  - id:   'x'
    # about max
    max: 0.10000000000000000000001
    per: {zone: 'UTC', calendar: day}
    on:
        tool: "a.b"   # eol
  # end of limits
# about agents
agents:      # behind agents
    # first agent
    a:       # behind a
        # about root
        root: .
        mutable: [ state,   'logs' ]
        # about run
        run:
        - node
        -   'it''s "x"'
        allow:     # behind allow
        - tool: a.b
# the end
`;
  expect(formatted(text)).toBe(`# Top of file.

# about version
version: 1 # trailing
# about agents
agents: # behind agents
  # first agent
  a: # behind a
    # about run
    run:
      - node
      - "it's \\"x\\""
    # about root
    root: .
    mutable: [state, "logs"]
    allow: # behind allow
      - tool: a.b

# about limits
limits:
  # the only one
  - id: "x"
    on:
      tool: "a.b" # eol
    # about max
    max: "0.10000000000000000000001"
    per: { calendar: day, zone: "UTC" }
  # end of limits

# the end
`);
});

test("what is no single sound YAML document is answered with its problems", () => {
  for (const text of ["", "a: [", "a: 1\na: 2\n", "a: &x 1\nb: *x\n", "a: 1\n---\nb: 2\n", "a: \u202e1\n"]) {
    const result = formatPolicy(text);
    expect(result.kind).toBe("invalid");
    if (result.kind === "invalid") expect(result.problems.length).toBeGreaterThan(0);
  }
});

test("a text in its form is left as it is, and said to be", () => {
  const text = formatted(readFileSync(join(FIXTURES, "policy-valid/design-example.yaml"), "utf8"));
  expect(formatPolicy(text)).toEqual({ kind: "ok", text, changed: false });
});

const files = ["policy", "policy-valid"].flatMap((directory) =>
  readdirSync(join(FIXTURES, directory))
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => join(directory, name)),
);

test.each(files)("%s: formatting keeps the meaning, or the defects, and twice is once", (name) => {
  const text = readFileSync(join(FIXTURES, name), "utf8");
  const result = formatPolicy(text);
  if (result.kind === "invalid") return;
  expect(formatted(result.text)).toBe(result.text);
  const before = load(text);
  const after = load(result.text);
  expect(after.kind).toBe(before.kind);
  if (before.kind === "ok" && after.kind === "ok") expect(after.policy.digest).toBe(before.policy.digest);
  if (before.kind === "invalid" && after.kind === "invalid") {
    expect(after.problems.map(({ id }) => id).sort()).toEqual(before.problems.map(({ id }) => id).sort());
  }
});

// --- Policies made up, printed in made-up layouts, with comments in between.

const label = fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/).filter((name) => name !== "constructor");
const duration = fc.constantFrom("1m", "60s", "1h30m", "7d");
const amount = fc.oneof(
  fc.integer({ min: 0, max: 1000 }),
  fc.constantFrom("1.50", "0.10000000000000000000000001", 0.1, 1e-7, 1e21, "5"),
);
const text = fc.constantFrom(
  "plain",
  "two words",
  "it's",
  'say "x"',
  "a: b",
  "# no",
  "- x",
  "yes",
  "1.0",
  "",
  " lead",
  "tab\there",
  "line\nbreak",
  "é🙂",
  "null",
  "x".repeat(150),
);

const agent = fc.record(
  {
    run: fc.array(
      text.filter((part) => part !== ""),
      { minLength: 1, maxLength: 4 },
    ),
    root: fc.constantFrom("./agent", ".", "../x"),
    mutable: fc.uniqueArray(label, { maxLength: 4 }),
    env: fc.dictionary(fc.constantFrom("A", "B_C", "TZ"), text),
    resources: fc.record(
      { memory: fc.constantFrom("512MiB", "1GiB"), processes: fc.integer({ min: 1, max: 99 }) },
      { requiredKeys: [] },
    ),
    allow: fc.array(fc.record({ http: fc.constantFrom("GET a.example/**", "* b.example:8080/x") }), { maxLength: 2 }),
  },
  { requiredKeys: ["run", "root"] },
);

const policy = fc.record(
  {
    alerts: fc.array(fc.record({ command: fc.array(label, { minLength: 1, maxLength: 3 }) }), { maxLength: 2 }),
    limits: fc.uniqueArray(
      fc.record({
        per: fc.oneof(duration, fc.constant({ zone: "UTC", calendar: "day" })),
        max: amount,
        sum: fc.constant("body.cost"),
        on: fc.record({ http: fc.constant("GET a.example/**") }),
        id: label,
      }),
      { maxLength: 3, selector: ({ id }) => id },
    ),
    operators: fc.dictionary(label, fc.record({ users: fc.uniqueArray(label, { minLength: 1, maxLength: 2 }) }), {
      maxKeys: 2,
    }),
    backup: fc.dictionary(label, fc.oneof(text, fc.integer(), fc.boolean(), fc.array(text, { maxLength: 3 })), {
      maxKeys: 3,
    }),
    agents: fc.dictionary(label, agent, { minKeys: 1, maxKeys: 3 }),
    version: fc.constant(1),
  },
  { requiredKeys: ["version", "agents"] },
);

const layout = fc.record({
  indent: fc.constantFrom(1, 2, 4),
  indentSeq: fc.boolean(),
  collectionStyle: fc.constantFrom("any" as const, "flow" as const),
  defaultStringType: fc.constantFrom(
    "PLAIN" as const,
    "QUOTE_SINGLE" as const,
    "QUOTE_DOUBLE" as const,
    "BLOCK_LITERAL" as const,
  ),
  flowCollectionPadding: fc.boolean(),
  lineWidth: fc.constantFrom(0, 40, 80),
});

/** Comment lines and blank ones between the lines of a block layout, each comment with a number of its own. */
function commented(source: string, choices: readonly number[]): string {
  let count = 0;
  return source
    .split("\n")
    .flatMap((line, index) => {
      const indent = /^ */.exec(line)?.[0] ?? "";
      const choice = choices[index % Math.max(1, choices.length)] ?? 0;
      if (choice === 1) return [`${indent}# comment-${count++}.`, line];
      if (choice === 2) return ["", line];
      if (choice === 3) return [`# comment-${count++}.`, "", line];
      if (choice === 4 && /^[ a-z0-9-]+:(?: [a-z0-9.]+)?$/.test(line)) return [`${line}   # comment-${count++}.`];
      return [line];
    })
    .join("\n");
}

test("formatting made-up policies twice is formatting them once, and never changes the digest", () => {
  let changed = 0;
  fc.assert(
    fc.property(policy, layout, (value, options) => {
      const source = stringify(value, { ...options, aliasDuplicateObjects: false });
      const once = formatPolicy(source);
      if (once.kind !== "ok") throw new Error(`${source}\n${JSON.stringify(once)}`);
      expect(formatPolicy(once.text)).toEqual({ kind: "ok", text: once.text, changed: false });
      expect(digestOf(once.text)).toBe(digestOf(source));
      if (once.changed) changed += 1;
    }),
    { numRuns: 120 },
  );
  // If it gave up and left texts alone, the properties above would hold for nothing.
  expect(changed).toBeGreaterThan(100);
});

test("comments are kept, every one, wherever they stand", () => {
  let changed = 0;
  const choices = fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(policy, choices, (value, choice) => {
      const source = commented(
        stringify(value, {
          aliasDuplicateObjects: false,
          lineWidth: 0,
          defaultStringType: "QUOTE_DOUBLE",
          defaultKeyType: "PLAIN",
        }),
        choice,
      );
      const once = formatPolicy(source);
      if (once.kind !== "ok") throw new Error(`${source}\n${JSON.stringify(once)}`);
      expect(commentsOf(once.text)).toEqual(commentsOf(source));
      expect(formatPolicy(once.text)).toEqual({ kind: "ok", text: once.text, changed: false });
      expect(digestOf(once.text)).toBe(digestOf(source));
      if (once.changed) changed += 1;
    }),
    { numRuns: 120 },
  );
  expect(changed).toBeGreaterThan(100);
});

function commentsOf(source: string): string[] {
  return (source.match(/# comment-\d+\./g) ?? []).sort();
}
