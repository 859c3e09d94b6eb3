/** As root, each agent gets a uid of its own, the same at every start: its mutable files stay its own. */
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errnoOf } from "../core/errors.ts";
import { SandboxError } from "./errors.ts";

/** A range that no distribution hands out: above subordinate ids and systemd's dynamic users, below 2^31. */
const FIRST = 1_879_048_192;
const COUNT = 65_536;

/**
 * The uid (and gid) of the agent of that policy file. `<state>/uids` holds a file for each uid that was given out, and in
 * it whose it is; the search begins at a number that follows from the agent, so that it mostly ends there. Throws
 * `SandboxError` where that cannot be read or kept.
 */
export function agentUid(state: string, policyFile: string, agent: string): number {
  const directory = join(state, "uids");
  const key = `${policyFile}\0${agent}`;
  const first = firstChoice(key);
  for (let tried = 0; tried < COUNT; tried += 1) {
    const uid = FIRST + ((first + tried) % COUNT);
    const holder = holderOf(directory, uid) ?? take(directory, uid, key);
    if (holder === key) return uid;
  }
  throw new SandboxError("host-cannot", `all uids for agents are given out in ${directory}`);
}

/** Spreads keys over the range. It must never change: an agent would be given another uid. FNV-1a, 32 bits, folded. */
export function firstChoice(key: string): number {
  let hash = 0x811c_9dc5;
  for (const byte of Buffer.from(key)) hash = Math.imul(hash ^ byte, 0x0100_0193);
  return ((hash >>> 16) ^ hash) & (COUNT - 1);
}

function holderOf(directory: string, uid: number): string | undefined {
  const file = join(directory, String(uid));
  try {
    const holder = readFileSync(file, "utf8");
    if (holder.includes("\0")) return holder;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw unusable(file, `cannot be read: ${errnoOf(error)}`, error);
  }
  // Taking it for free would give two agents one uid.
  throw unusable(file, "does not say whose uid it is");
}

/** A name can be linked once: of several supervisors that start together, one gets it, and the others see whose it is. */
function take(directory: string, uid: number, key: string): string | undefined {
  const temporary = join(directory, `.new-${process.pid}`);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(temporary, key, { mode: 0o600, flush: true });
    linkSync(temporary, join(directory, String(uid)));
    syncDirectory(directory);
    return key;
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return holderOf(directory, uid);
    throw unusable(directory, `cannot be written: ${errnoOf(error)}`, error);
  } finally {
    rmSync(temporary, { force: true });
  }
}

function syncDirectory(path: string): void {
  const directory = openSync(path, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

function unusable(path: string, what: string, cause?: unknown): SandboxError {
  const remedy = "It says which uids agents have: mend it, or choose another state directory with --state.";
  return new SandboxError("host-cannot", `${path} ${what}`, remedy, { cause });
}
