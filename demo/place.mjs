/** The temporary place the demo plays in: copies of the trader, the policy beside it, and what is next door. */
import {
  accessSync,
  chmodSync,
  constants,
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The directories an agent writes; everything else of it is sealed. */
export const MUTABLE = ["state", "memory", "logs", "market"];

const NOT_COPIED = new Set([...MUTABLE, "__pycache__"]);
const HERE = dirname(fileURLToPath(import.meta.url));

/**
 * A new directory that every user can search: as root, Hardline gives the agent a uid of its own, which has to get
 * there. Not in `/tmp` if it can be helped: the agent has a `/tmp` of its own and may put a `node_modules` in it, which
 * Hardline takes, rightly, for a hazard to every program below.
 */
export function makePlace() {
  const parent = ["/var/tmp", process.env.HOME ?? ""].find(isWritable) ?? tmpdir();
  const place = mkdtempSync(join(parent, "hardline-demo-"));
  chmodSync(place, 0o755);
  return place;
}

function isWritable(directory) {
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Also what an ordinary user may only read, as the release store is. */
export function removePlace(place) {
  makeWritable(place);
  rmSync(place, { recursive: true, force: true });
}

function makeWritable(path) {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || !found.isDirectory()) return;
  if (process.getuid() === found.uid) chmodSync(path, 0o700);
  for (const name of readdirSync(path)) makeWritable(join(path, name));
}

/**
 * A fresh copy of the trader, or of its twin, with its mutable directories empty.
 * @param {"trader" | "trader-python"} which
 * @param {string} target absolute path of the new directory
 */
export function copyTrader(which, target) {
  cpSync(join(HERE, which), target, { recursive: true, filter: (path) => !NOT_COPIED.has(basename(path)) });
  for (const name of MUTABLE) mkdirSync(join(target, name));
}

/**
 * The policy of the checkout with this machine's interpreter in it.
 * @param {string} interpreter absolute path; its directory is listed under `read` where it is not below `/usr`
 */
export function policyText(agent, interpreter, program) {
  const outside = !interpreter.startsWith("/usr/");
  const read = outside ? `    read: [${JSON.stringify(dirname(interpreter))}]\n` : "";
  return `version: 1
agents:
  ${agent}:
    run: [${JSON.stringify(interpreter)}, ${program}]
    root: .
    mutable: [${MUTABLE.join(", ")}]
${read}`;
}

/** @returns {string} the policy file's path */
export function writePolicy(directory, text) {
  const file = join(directory, "hardline.yaml");
  writeFileSync(file, text);
  return file;
}

/** A home directory next door, with a cloud token in it that its owner's every process can read. */
export function makeHome(place) {
  const home = join(place, "home");
  mkdirSync(home);
  const token = join(home, "cloud-token");
  writeFileSync(token, "token-of-the-demo: may delete production\n");
  return { home, token };
}
