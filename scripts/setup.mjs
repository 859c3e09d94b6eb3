/**
 * Makes a checkout ready: dependencies, bubblewrap, the bundle. Runs on Node.js 20 with nothing installed, does nothing where
 * nothing is to be done, and says what it does. After it, `node` in the same npm script is the packaged Node.js 24, which
 * stands first on npm's PATH.
 */
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildId, isBuilt } from "./build.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const quiet = process.argv.includes("--quiet");

/** Below this version `--disable-userns` is missing, and with it the refusal of nested user namespaces. */
const BUBBLEWRAP = [0, 8, 0];

/** Package managers, by the program that tells them apart, and what they are told. */
const MANAGERS = [
  {
    program: "apt-get",
    install: [
      ["apt-get", "update", "-qq"],
      ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "bubblewrap"],
    ],
  },
  { program: "dnf", install: [["dnf", "install", "-y", "-q", "bubblewrap"]] },
  { program: "apk", install: [["apk", "add", "--quiet", "bubblewrap"]] },
  { program: "pacman", install: [["pacman", "-S", "--noconfirm", "--needed", "bubblewrap"]] },
  { program: "zypper", install: [["zypper", "--non-interactive", "--quiet", "install", "bubblewrap"]] },
];

function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}

function fail(text, output = "") {
  if (output !== "") process.stderr.write(output.endsWith("\n") ? output : `${output}\n`);
  say(text);
  process.exit(1);
}

/** Runs to the end with the output kept, and shown only where it matters. */
function run(command, options = {}) {
  const [program, ...words] = command;
  const { status, stdout, stderr, error } = spawnSync(program, words, {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 << 20,
    stdio: ["ignore", "pipe", "pipe"],
    ...options,
  });
  return { ok: status === 0, missing: error?.code === "ENOENT", output: `${stdout ?? ""}${stderr ?? ""}` };
}

function modified(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function installPackages() {
  // npm writes this file last, so a broken-off installation is found out too.
  const installed = modified(join(root, "node_modules/.package-lock.json"));
  if (installed > 0 && installed >= modified(join(root, "package-lock.json"))) return;
  say("installing the npm packages");
  // No package's script is run. The warnings are about this Node.js being older than what the packages bring with them.
  const { ok, output } = run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], {
    env: { ...process.env, npm_config_engine_strict: "false", npm_config_update_notifier: "false" },
  });
  if (!ok) fail("npm ci failed, see above.", output);
  if (!existsSync(join(root, "node_modules/.bin/node"))) requireOwnNode();
}

/** Where no packaged Node.js exists for this machine, the one on PATH has to be new enough. */
function requireOwnNode() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < 24) fail(`needs Node.js 24 or newer on ${process.platform} ${process.arch}, found ${process.version}.`);
}

function bubblewrapVersion() {
  const { ok, output } = run(["bwrap", "--version"]);
  const match = ok ? /(\d+)\.(\d+)\.(\d+)/.exec(output) : null;
  return match === null ? undefined : match.slice(1).map(Number);
}

function isAtLeast(version, least) {
  for (const [index, part] of least.entries()) {
    if (version[index] !== part) return version[index] > part;
  }
  return true;
}

function installBubblewrap() {
  const found = bubblewrapVersion();
  if (found !== undefined && isAtLeast(found, BUBBLEWRAP)) return;
  const needed = `bubblewrap ${BUBBLEWRAP.join(".")} or newer`;
  const had = found === undefined ? "none is installed" : `${found.join(".")} is installed`;
  const directories = (process.env.PATH ?? "").split(":").concat("/usr/sbin", "/sbin");
  const manager = MANAGERS.find(({ program }) => directories.some((directory) => existsSync(join(directory, program))));
  if (manager === undefined)
    fail(`needs ${needed} (${had}). Install it with this system's packages, then run this again.`);
  const asRoot = process.geteuid() === 0;
  const prefix = asRoot ? [] : ["sudo", "-n"];
  const byHand = manager.install.map((command) => `  ${asRoot ? "" : "sudo "}${command.join(" ")}`).join("\n");
  if (!(asRoot || run(["sudo", "-n", "true"]).ok)) {
    fail(`needs ${needed} (${had}), and may not install it. Run this, then try again:\n${byHand}`);
  }
  say(`installing bubblewrap (${had})`);
  for (const command of manager.install) {
    const { ok, output } = run([...prefix, ...command], { env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
    // A stale index of one repository must not keep bubblewrap from being found in another.
    if (!ok && command[1] !== "update")
      fail(`could not install bubblewrap. Run this, then try again:\n${byHand}`, output);
  }
  const now = bubblewrapVersion();
  if (now === undefined || !isAtLeast(now, BUBBLEWRAP)) {
    fail(
      `needs ${needed}; this system's packages have ${now?.join(".") ?? "none"}. See https://github.com/containers/bubblewrap.`,
    );
  }
}

function buildBundle() {
  if (isBuilt(buildId())) return;
  if (!quiet) say("building dist/");
  const packaged = join(root, "node_modules/.bin/node");
  const node = existsSync(packaged) ? packaged : process.execPath;
  const { ok, output } = run([node, join(root, "scripts/build.mjs")]);
  if (!ok) fail("the build failed, see above.", output);
}

if (process.platform !== "linux") fail("Hardline runs on Linux only.");
installPackages();
installBubblewrap();
buildBundle();
if (!quiet) say("ready: bin/hardline --help");
