/** The direction of imports: the linter holds it, and this holds the linter. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");

/** Which room may import which, as ARCHITECTURE.md has it: the pin that the linter's configuration is held against. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  policy: ["core"],
  decision: ["core", "policy"],
  ledger: ["core"],
  authorizer: ["core", "policy", "decision", "ledger"],
  credentials: ["core", "policy"],
  sandbox: ["core", "policy"],
  "gateway/mcp": ["core", "policy", "credentials", "authorizer"],
  "gateway/http": ["core", "policy", "credentials", "authorizer"],
  "gateway/sql": ["core", "policy", "credentials", "authorizer"],
  backup: ["core", "policy", "sandbox"],
  release: ["core", "policy", "sandbox"],
  kubernetes: ["core", "policy", "sandbox"],
  analysis: ["core", "policy", "decision"],
  drill: ["core", "policy", "sandbox", "gateway/mcp", "gateway/http", "gateway/sql"],
  console: ["core", "policy", "authorizer"],
  supervisor: [
    ...["core", "policy", "decision", "ledger", "authorizer", "credentials", "sandbox", "gateway/mcp", "gateway/http"],
    ...["gateway/sql", "backup", "release", "kubernetes", "analysis", "drill", "console"],
  ],
};
const ROOMS = [...Object.keys(MAY_IMPORT), "cli"];

interface Pair {
  readonly from: string;
  readonly to: string;
  readonly allowed: boolean;
}

const PAIRS: readonly Pair[] = ROOMS.flatMap((from) =>
  ROOMS.filter((to) => to !== from).map((to) => ({
    from,
    to,
    allowed: from === "cli" || MAY_IMPORT[from]?.includes(to) === true,
  })),
);

/** The ways in which a module can be reached. */
const WAYS: readonly ((specifier: string) => string)[] = [
  (specifier) => `import { thing } from "${specifier}";\nexport const other = thing;\n`,
  (specifier) => `import type { thing } from "${specifier}";\nexport type Other = thing;\n`,
  (specifier) => `export { thing } from "${specifier}";\n`,
  (specifier) => `export async function load(): Promise<unknown> {\n  return await import("${specifier}");\n}\n`,
];

let scratch = "";
/** Files in which the linter found an import that is not allowed. */
let refused = new Set<string>();

function fileOf({ from, to }: Pair, way: number): string {
  return `src/${from}/deep/${to.replace("/", "-")}-${way}.ts`;
}

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "hardline-rooms-"));
  cpSync(join(ROOT, "biome.json"), join(scratch, "biome.json"));
  cpSync(join(ROOT, "package.json"), join(scratch, "package.json"));
  symlinkSync(join(ROOT, "node_modules"), join(scratch, "node_modules"));
  // The linter reads what git ignores.
  writeFileSync(join(scratch, ".gitignore"), "node_modules/\n");
  for (const pair of PAIRS) {
    for (const [way, write] of WAYS.entries()) {
      const file = join(scratch, fileOf(pair, way));
      mkdirSync(dirname(file), { recursive: true });
      const specifier = relative(dirname(file), join(scratch, "src", pair.to, "thing.ts"));
      writeFileSync(file, write(specifier));
    }
  }
  const { stdout, stderr } = spawnSync(
    join(ROOT, "node_modules/.bin/biome"),
    ["lint", "--only=style/noRestrictedImports", "--max-diagnostics=none", "--reporter=json", "src"],
    { cwd: scratch, encoding: "utf8", maxBuffer: 256 << 20 },
  );
  const report: { diagnostics: { category: string; location: { path: unknown } }[] } = JSON.parse(stdout);
  expect(stderr).not.toContain("panicked");
  refused = new Set(
    report.diagnostics
      .filter(({ category }) => category === "lint/style/noRestrictedImports")
      .map(({ location }) => (typeof location.path === "string" ? location.path : JSON.stringify(location.path))),
  );
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test.each(PAIRS.filter(({ allowed }) => !allowed))("$from must not import $to", (pair) => {
  for (const way of WAYS.keys()) expect(refused).toContain(fileOf(pair, way));
});

test.each(PAIRS.filter(({ allowed }) => allowed))("$from may import $to", (pair) => {
  for (const way of WAYS.keys()) expect(refused).not.toContain(fileOf(pair, way));
});
