/** `npm run setup`, on machines that lack this and that. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { projectDirectory } from "./harness.ts";

const ROOT = join(import.meta.dirname, "../..");

let checkout = "";
let programs = "";
beforeEach(() => {
  checkout = projectDirectory();
  programs = projectDirectory();
  chmodSync(checkout, 0o755);
  chmodSync(programs, 0o755);
  for (const name of ["scripts", "package.json", "package-lock.json"]) {
    cpSync(join(ROOT, name), join(checkout, name), { recursive: true });
  }
  // Copied just now, and yet not newer than the packages.
  utimesSync(join(checkout, "package-lock.json"), 0, 0);
  // The smallest program that has the parts which the build expects.
  mkdirSync(join(checkout, "src/cli"), { recursive: true });
  writeFileSync(join(checkout, "src/cli/boot.ts"), 'void import("./main.ts");\n');
  writeFileSync(join(checkout, "src/cli/main.ts"), 'export const MAIN = 1;\nvoid import("./more.ts");\n');
  writeFileSync(
    join(checkout, "src/cli/more.ts"),
    'import { MAIN } from "./main.ts";\nprocess.stdout.write(String(MAIN));\n',
  );
  symlinkSync(join(ROOT, "node_modules"), join(checkout, "node_modules"));
});
afterEach(() => {
  rmSync(checkout, { recursive: true, force: true });
  rmSync(programs, { recursive: true, force: true });
});

/** A program that notes how it was called, and does `script`. */
function program(name: string, script: string): void {
  writeFileSync(join(programs, name), `#!/bin/sh\necho ${name} "$@" >> ${programs}/calls\n${script}\n`, {
    mode: 0o755,
  });
}

function calls(): string[] {
  return existsSync(join(programs, "calls")) ? readFileSync(join(programs, "calls"), "utf8").trim().split("\n") : [];
}

function setup(uid?: number, ...words: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(checkout, "scripts/setup.mjs"), ...words], {
    encoding: "utf8",
    env: { PATH: programs, HOME: checkout },
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  return { status, stdout, stderr };
}

function touchLock(): void {
  const later = new Date(Date.now() + 60_000);
  utimesSync(join(checkout, "package-lock.json"), later, later);
}

test("with everything there it builds once, and then has nothing to do and to say", () => {
  program("bwrap", "echo bubblewrap 0.8.0");
  program("npm", "exit 1");
  expect(setup()).toEqual({
    status: 0,
    stdout: "",
    stderr: "setup: building dist/\nsetup: ready: bin/hardline --help\n",
  });
  expect(existsSync(join(checkout, "dist/hardline.cjs"))).toBe(true);
  const built = readFileSync(join(checkout, "dist/BUILD_ID"), "utf8");
  expect(setup(undefined, "--quiet")).toEqual({ status: 0, stdout: "", stderr: "" });
  expect(calls()).toEqual(["bwrap --version", "bwrap --version"]);

  writeFileSync(join(checkout, "src/cli/another.ts"), "export const MORE = 1;\n");
  expect(setup(undefined, "--quiet")).toEqual({ status: 0, stdout: "", stderr: "" });
  expect(readFileSync(join(checkout, "dist/BUILD_ID"), "utf8")).not.toBe(built);
});

test("packages older than the lockfile are installed, without their scripts and without noise", () => {
  program("bwrap", "echo bubblewrap 0.8.0");
  program("npm", "echo npm warn EBADENGINE >&2");
  touchLock();
  const { status, stderr } = setup();
  expect(status).toBe(0);
  expect(calls()[0]).toMatch(/^npm ci --ignore-scripts /);
  expect(stderr).not.toContain("EBADENGINE");
});

test("a failed installation of packages shows what npm said", () => {
  program("bwrap", "echo bubblewrap 0.8.0");
  program("npm", "echo npm error ENOSPC >&2; exit 1");
  touchLock();
  const { status, stderr } = setup();
  expect(status).toBe(1);
  expect(stderr).toContain("npm error ENOSPC");
  expect(stderr).toContain("npm ci failed");
});

/** An apt-get that really brings a bwrap. */
const APT = `[ "$1" = install ] && { printf '#!/bin/sh\\necho bubblewrap 0.9.0\\n' > "\${0%/*}/bwrap"; /bin/chmod +x "\${0%/*}/bwrap"; }; exit 0`;

test.skipIf(process.geteuid?.() !== 0)("root gets bubblewrap from the system's packages (needs root)", () => {
  program("apt-get", APT);
  const { status, stderr } = setup();
  expect(stderr).toContain("installing bubblewrap (none is installed)");
  expect(status).toBe(0);
  expect(calls().filter((call) => call.startsWith("apt-get"))).toEqual([
    "apt-get update -qq",
    "apt-get install -y -qq --no-install-recommends bubblewrap",
  ]);
});

test.skipIf(process.geteuid?.() !== 0)("one that is too old is replaced (needs root)", () => {
  program("bwrap", "echo bubblewrap 0.7.9");
  program("apt-get", APT);
  const { status, stderr } = setup();
  expect(stderr).toContain("0.7.9 is installed");
  expect(status).toBe(0);
});

test.skipIf(process.geteuid?.() !== 0)("packages that have only an older one are not enough (needs root)", () => {
  program("bwrap", "echo bubblewrap 0.4.1");
  program("apt-get", "exit 0");
  const { status, stderr } = setup();
  expect(status).toBe(1);
  expect(stderr).toContain("needs bubblewrap 0.8.0 or newer; this system's packages have 0.4.1");
});

test.skipIf(process.geteuid?.() !== 0)("an ordinary user without sudo is told exactly what to run (needs root)", () => {
  program("apt-get", APT);
  program("sudo", "exit 1");
  const { status, stderr } = setup(65_534);
  expect(status).toBe(1);
  expect(stderr).toContain("sudo apt-get install -y -qq --no-install-recommends bubblewrap");
  expect(calls().some((call) => call.startsWith("apt-get"))).toBe(false);
});

test("a machine without a known package manager is told what is missing", () => {
  program("true", "");
  const managers = ["apt-get", "dnf", "apk", "pacman", "zypper"];
  const { status, stderr } = setup();
  expect(status).toBe(1);
  expect(stderr).toContain("needs bubblewrap 0.8.0 or newer (none is installed)");
  expect(managers.some((manager) => stderr.includes(manager))).toBe(false);
});
