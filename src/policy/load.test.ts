import { execFileSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { loadPolicy, parsePolicy } from "./load.ts";
import type { Policy } from "./types.ts";

const directory = realpathSync(mkdtempSync(join(tmpdir(), "hardline-load-")));
afterAll(() => rmSync(directory, { recursive: true }));

const SMALL = "version: 1\nagents:\n  one: { run: [node], root: ./one }\n";
const FIXTURES = join(import.meta.dirname, "../../test/fixtures/policy-valid");
const EVERYTHING = readFileSync(join(FIXTURES, "every-section.yaml"), "utf8");
const DESIGN = readFileSync(join(FIXTURES, "design-example.yaml"), "utf8");

function policyOf(text: string, dir = "/p"): Policy {
  const result = parsePolicy(text, `${dir}/hardline.yaml`, dir);
  if (result.kind !== "ok") throw new Error(JSON.stringify(result));
  return result.policy;
}

function write(name: string, content: string | Uint8Array): string {
  const file = join(directory, name);
  writeFileSync(file, content);
  return file;
}

test("a file that loads", () => {
  const file = write("ok.yaml", SMALL);
  expect(loadPolicy(file)).toMatchObject({
    kind: "ok",
    policy: {
      version: 1,
      file,
      dir: directory,
      agents: { one: { shape: { kind: "root", root: join(directory, "one") } } },
    },
  });
});

test("each kind of not being there or not being readable is an answer of its own", () => {
  expect(loadPolicy(join(directory, "none.yaml"))).toEqual({ kind: "missing", file: join(directory, "none.yaml") });
  expect(loadPolicy(join(directory, "no/such/directory.yaml")).kind).toBe("missing");
  expect(loadPolicy(join(write("plain", ""), "below.yaml")).kind).toBe("missing");
  expect(loadPolicy(directory)).toMatchObject({ kind: "unreadable", reason: expect.stringContaining("directory") });
  expect(loadPolicy("/dev/zero")).toMatchObject({ kind: "unreadable", reason: expect.stringContaining("regular") });
  const circle = join(directory, "circle.yaml");
  symlinkSync("circle.yaml", circle);
  expect(loadPolicy(circle)).toMatchObject({ kind: "unreadable", reason: expect.stringContaining("circle") });
});

test("a FIFO under the policy's name does not hang", () => {
  const fifo = join(directory, "fifo.yaml");
  execFileSync("mkfifo", [fifo]);
  expect(loadPolicy(fifo)).toMatchObject({ kind: "unreadable", reason: expect.stringContaining("regular") });
});

test("a file without permission to read it is unreadable", () => {
  const file = write("secret.yaml", SMALL);
  chmodSync(file, 0);
  chmodSync(directory, 0o755);
  // Root may read everything: for this once, be somebody else.
  const root = process.geteuid?.() === 0;
  if (root) process.seteuid?.(65_534);
  try {
    expect(loadPolicy(file)).toMatchObject({ kind: "unreadable", reason: expect.stringContaining("permission") });
  } finally {
    if (root) process.seteuid?.(0);
  }
});

test("a policy reached through a symbolic link resolves its paths where the link lies", () => {
  mkdirSync(join(directory, "real"));
  const file = write("real/target.yaml", SMALL);
  symlinkSync(join(directory, "real"), join(directory, "linked"));
  symlinkSync(file, join(directory, "link.yaml"));
  expect(loadPolicy(join(directory, "linked/target.yaml"))).toMatchObject({ policy: { dir: join(directory, "real") } });
  expect(loadPolicy(join(directory, "link.yaml"))).toMatchObject({ policy: { dir: directory } });
});

test("what is not sound text is invalid, with a place", () => {
  const bytes: [string, Uint8Array, string][] = [
    ["bom.yaml", Buffer.from(`\ufeff${SMALL}`), "file-byte-order-mark"],
    ["latin.yaml", Buffer.from(`${SMALL}# caf\u00e9\n`, "latin1"), "file-not-utf8"],
    ["surrogate.yaml", Buffer.from([0x23, 0xed, 0xa0, 0x80]), "file-not-utf8"],
    ["overlong.yaml", Buffer.from([0x23, 0xc0, 0x80]), "file-not-utf8"],
    ["empty.yaml", Buffer.alloc(0), "file-empty"],
  ];
  for (const [name, content, id] of bytes) {
    expect(loadPolicy(write(name, content))).toMatchObject({
      kind: "invalid",
      problems: [{ id, line: expect.any(Number) }],
    });
  }
});

test("no text throws, and none is invalid without a problem", () => {
  const piece = fc.constantFrom(
    ...[
      "version: 1\n",
      "agents:\n",
      "  a:\n",
      "    run: [x]\n",
      "    root: .\n",
      "- ",
      "? ",
      ": ",
      "[",
      "]",
      "{",
      "}",
      "*a ",
      "&a ",
    ],
    ...[
      "!!str ",
      "|",
      ">",
      "'",
      '"',
      "\n",
      "  ",
      "\t",
      "#",
      "---\n",
      "...\n",
      "%YAML 1.1\n",
      "<<: ",
      "__proto__: ",
      "null",
      "1e999",
    ],
    ...["\r\n", "\r", "\0", "\u2028", "limits:\n", "when: a >", "~", "0x1", "é", "🙂"],
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 25 }), (pieces) => {
      const result = parsePolicy(pieces.join(""), "/p/hardline.yaml", "/p");
      if (result.kind === "invalid") expect(result.problems.length).toBeGreaterThan(0);
      else expect(result.kind).toBe("ok");
    }),
    { numRuns: 2000 },
  );
});

test("hostile sizes are answered, and soon", () => {
  const start = performance.now();
  const shapes = ["[", "{a: ", "- ", "? ", "a:\n ", "!!x ", "&a ", '"\\'];
  for (const shape of shapes) {
    expect(parsePolicy(shape.repeat(20_000), "/p/hardline.yaml", "/p").kind).toBe("invalid");
  }
  // Two hundred levels a line, each line further in than the one before.
  const stairs = Array.from({ length: 60 }, (_, step) => " ".repeat(400 * step) + "- ".repeat(200));
  expect(parsePolicy(stairs.join("\n"), "/p/hardline.yaml", "/p").kind).toBe("invalid");
  const many = parsePolicy("a: 1\n".repeat(20_000), "/p/hardline.yaml", "/p");
  expect(many.kind === "invalid" && many.problems.length).toBe(500);
  expect(performance.now() - start).toBeLessThan(20_000);
});

test.each([
  ["the design's example", DESIGN],
  ["every section", EVERYTHING],
])("%s survives JSON unchanged, so that it can be cached", (_name, text) => {
  const policy = policyOf(text);
  expect(JSON.parse(JSON.stringify(policy))).toStrictEqual(policy);
});

test("the meaning of the design's example", () => {
  expect(policyOf(DESIGN)).toMatchObject({
    trustDomain: "desk.example",
    agents: { trader: { resources: { memory: 536_870_912, processes: 64 }, tools: ["exchange"] } },
    limits: [
      { id: "orders-per-minute", max: "30", per: { kind: "window", ms: 60_000 }, signed: false, scope: "agent" },
      {
        id: "daily-loss",
        max: "5",
        reserve: "1.5",
        sum: "result.loss",
        per: { kind: "calendar", unit: "day", zone: "UTC" },
      },
    ],
    redLines: [
      { verdict: "never", because: "Money leaves only by a person's hand." },
      { verdict: "ask", approvers: ["ops"], quorum: 1, distinct: true, expires: 600_000 },
      { match: { host: "*.provider.example", graphql: { operation: "mutation", field: "volumeDelete" } } },
    ],
    respond: [{ on: "denial", count: 5, per: 60_000, do: ["freeze", "alert"] }],
  });
});

test("positions are those of the written document", () => {
  const { positions } = policyOf(SMALL);
  expect(positions["/version"]).toEqual({ line: 1, column: 10 });
  expect(positions["/agents"]).toEqual({ line: 2, column: 1 });
  expect(positions["/agents/one"]).toEqual({ line: 3, column: 8 });
  expect(positions["/agents/one/run/0"]).toEqual({ line: 3, column: 16 });
});

test("amounts keep every digit, whether they are written as numbers or as texts", () => {
  const { limits } = policyOf(EVERYTHING);
  expect(limits.map(({ max }) => max)).toEqual(["1000", "0.1", "0.10000000000000000000000001"]);
});

const SAME: readonly (readonly [string, string, string])[] = [
  ["comments and empty lines", SMALL, `# one\n\n${SMALL}# two\n`],
  ["quotes", SMALL, SMALL.replace("node", "'node'")],
  ["the order of keys", SMALL, "agents:\n  one:\n    root: ./one\n    run:\n      - node\nversion: 1\n"],
  ["the spelling of a path", SMALL, SMALL.replace("./one", "one/./x/..")],
  ["an absolute path into the directory", SMALL, SMALL.replace("./one", "/p/one")],
  ["the spelling of a duration", DESIGN, DESIGN.replace("expires: 10m", "expires: 600s")],
  ["the spelling of a size", DESIGN, DESIGN.replace("512MiB", "524288KiB")],
  ["the spelling of an amount", DESIGN, DESIGN.replace('"1.50"', "1.5").replace("max: 5", 'max: "5.00"')],
  [
    "the order of mutable places",
    DESIGN,
    DESIGN.replace("[state, memory, logs, market]", "[market, logs/, memory, state]"),
  ],
  ["the order of users", DESIGN, DESIGN.replace("[alice, bob]", "[bob, alice]")],
  ["a default, written out", DESIGN, DESIGN.replace("quorum: 1", "quorum: 1\n    distinct: true")],
  ["a default, left out", DESIGN, DESIGN.replace("    expires: 10m\n", "").replace("    quorum: 1\n", "")],
  ["the port of https", DESIGN, DESIGN.replace("POST api.anthropic.com/", "POST https://API.anthropic.com:443/")],
];

test.each(SAME)("%s does not change the digest", (_name, one, other) => {
  expect(other).not.toBe(one);
  expect(policyOf(other).digest).toBe(policyOf(one).digest);
});

const DIFFERENT: readonly (readonly [string, string, string])[] = [
  ["another command", SMALL, SMALL.replace("node", "nodejs")],
  ["arguments in another order", SMALL.replace("[node]", "[a, b, c]"), SMALL.replace("[node]", "[a, c, b]")],
  ["another root", SMALL, SMALL.replace("./one", "./two")],
  ["a mutable place", SMALL, SMALL.replace("./one", "./one, mutable: [state]")],
  ["a larger limit", DESIGN, DESIGN.replace("max: 5", "max: 50")],
  ["a limit larger in the twentieth digit", DESIGN, DESIGN.replace("max: 5", "max: 5.0000000000000000001")],
  ["another zone", DESIGN, DESIGN.replace("zone: UTC", "zone: Europe/Berlin")],
  ["another condition", DESIGN, DESIGN.replace("> 200", "> 201")],
  ["a grant more", DESIGN, DESIGN.replace("allow:", "allow:\n      - http: GET a.example/\n     ".trimEnd())],
  [
    "grants in another order",
    EVERYTHING,
    EVERYTHING.replace("      - tool: db.*\n", "").replace(
      "    allow:\n",
      '    allow:\n      - sql: "* x"\n      - tool: db.*\n',
    ),
  ],
  ["a private address let through", EVERYTHING, EVERYTHING.replace("allow_private: true", "allow_private: false")],
  ["a larger opaque body", EVERYTHING, EVERYTHING.replace("opaque: 10MiB", "opaque: 11MiB")],
  ["a tunnel", EVERYTHING, EVERYTHING.replace("tunnel: true", "tunnel: false")],
  ["another credential", EVERYTHING, EVERYTHING.replace("credential: db", "credential: far")],
  ["another secret's file", EVERYTHING, EVERYTHING.replace("secrets/db.key", "secrets/other.key")],
  ["another header", EVERYTHING, EVERYTHING.replace("header: Authorization", "header: x-api-key")],
  ["another approver", EVERYTHING, EVERYTHING.replace("[alice, bob]", "[alice, mallory]")],
  ["a smaller quorum", EVERYTHING, EVERYTHING.replace("quorum: 2", "quorum: 1")],
  ["another response", EVERYTHING, EVERYTHING.replace("[kill, alert, revoke]", "[alert]")],
  ["another alert", EVERYTHING, EVERYTHING.replace("9999/hook", "9998/hook")],
  ["another trust domain", EVERYTHING, EVERYTHING.replace("desk.example", "desk2.example")],
  ["another server", EVERYTHING, EVERYTHING.replace("far.example/mcp", "far.example/mcp2")],
  [
    "a tool server more",
    EVERYTHING,
    EVERYTHING.replace("tools: [db, far]", "tools: [db, far, db2]").replace(
      "tools:\n  db:",
      "tools:\n  db2: { url: https://x.example/ }\n  db:",
    ),
  ],
  ["larger resources", DESIGN, DESIGN.replace("processes: 64", "processes: 65")],
  ["a path to read", SMALL, SMALL.replace("./one", "./one, read: [/opt/x]")],
  ["a red line less", DESIGN, DESIGN.replace(/ {2}- id: no-withdrawals\n.*\n.*\n/, "")],
  ["an environment variable", SMALL, SMALL.replace("./one", "./one, env: { A: b }")],
  ["an acceptance", SMALL, SMALL.replace("./one", "./one, accept: [{ id: x, because: y }]")],
  ["a later section", SMALL, `${SMALL}backup: {}\n`],
];

test.each(DIFFERENT)("%s changes the digest", (_name, one, other) => {
  expect(policyOf(other).digest).not.toBe(policyOf(one).digest);
});

test("the digest has its form, and where the file lies does not enter", () => {
  expect(policyOf(EVERYTHING).digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  const relative = SMALL.replace("./one", "../other, read: [./lib, ../shared]");
  expect(policyOf(relative, "/home/a/project").digest).toBe(policyOf(relative, "/srv/x").digest);
  expect(policyOf(EVERYTHING, "/home/a/project").digest).toBe(policyOf(EVERYTHING, "/srv/x").digest);
  const absolute = SMALL.replace("./one", "./one, read: [/opt/python]");
  expect(policyOf(absolute, "/home/a/project").digest).toBe(policyOf(absolute, "/srv/x").digest);
});

test("a name of Object's own is nobody's agent", () => {
  const { agents } = policyOf(SMALL);
  expect(Object.hasOwn(agents, "constructor")).toBe(false);
  expect(parsePolicy(SMALL.replace("one:", "constructor:"), "/p/h.yaml", "/p").kind).toBe("invalid");
});

test("what looks like a mistake and is sound is a warning", () => {
  const text = `${SMALL}credentials:\n  key: { from: { env: KEY } }\n`;
  expect(parsePolicy(text, "/p/hardline.yaml", "/p")).toMatchObject({
    kind: "ok",
    warnings: [{ id: "unused", line: 5, column: 3, sourceLine: "  key: { from: { env: KEY } }" }],
  });
});
