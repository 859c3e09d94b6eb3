/**
 * Everything that must hold before a change is shared: lint, types, tests. The last line is `N passed, N failed, N skipped`.
 * A test is skipped only where the host lacks an ability that it names; where CI is set, the host has no excuse and a skip
 * is a failure. `--long` adds the tests that take minutes.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const isCi = !["", "0", "false"].includes(process.env.CI ?? "");
const environment = {
  ...process.env,
  PATH: `${join(root, "node_modules/.bin")}:${process.env.PATH ?? ""}`,
  ...(process.argv.includes("--long") ? { HARDLINE_LONG_TESTS: "1" } : {}),
};

function step(name, program, words) {
  const started = Date.now();
  const { status } = spawnSync(program, words, { cwd: root, env: environment, stdio: "inherit" });
  process.stdout.write(
    `${name}: ${status === 0 ? "ok" : "FAILED"} (${((Date.now() - started) / 1000).toFixed(1)} s)\n`,
  );
  return status === 0;
}

const scratch = mkdtempSync(join(tmpdir(), "hardline-test-"));
const counts = join(scratch, "counts.json");
let passed = 0;
let failed = 0;
let skipped = [];
const count = (ok) => {
  if (ok) passed += 1;
  else failed += 1;
};
try {
  count(step("lint", "biome", ["ci", "--error-on-warnings", "."]));
  count(step("types", "tsc", ["-p", "tsconfig.json"]));
  environment.HARDLINE_TEST_COUNTS = counts;
  const ran = step("tests", "vitest", ["run", "--reporter=default", "--reporter=./scripts/count-reporter.mjs"]);
  // A report that is missing or broken is a failure, never zero tests that passed.
  const result = JSON.parse(readFileSync(counts, "utf8"));
  passed += result.passed;
  failed += result.failed;
  skipped = result.skipped;
  // Vitest may fail on what is no test: a worker that died, no tests at all.
  if (!ran && result.failed === 0) failed += 1;
} catch (error) {
  process.stdout.write(`no readable test report: ${error.message}\n`);
  failed += 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

for (const name of skipped) process.stdout.write(`skipped: ${name}\n`);
if (isCi && skipped.length > 0) process.stdout.write("CI is set: a skipped test counts as a failure.\n");
process.stdout.write(`${passed} passed, ${failed} failed, ${skipped.length} skipped\n`);
process.exitCode = failed > 0 || (isCi && skipped.length > 0) ? 1 : 0;
