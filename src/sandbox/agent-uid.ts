/** As root, each agent gets a uid of its own, the same at every start: its mutable files stay its own. */
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errnoOf } from "../core/errors.ts";
import { SandboxError } from "./errors.ts";

/** A range that no distribution hands out: above subordinate ids and systemd's dynamic users, below 2^31. */
const FIRST = 1_879_048_192;
const LAST = FIRST + 65_535;

/** The uid (and gid) of the agent of that policy file. Throws `SandboxError` where the list cannot be kept. */
export function agentUid(state: string, policyFile: string, agent: string): number {
  const file = join(state, "uids.json");
  const key = `${policyFile}\0${agent}`;
  const known = readUids(file)[key];
  if (known !== undefined) return known;
  mkdirSync(state, { recursive: true, mode: 0o700 });
  return underLock(`${file}.lock`, () => {
    const uids = readUids(file);
    const again = uids[key];
    if (again !== undefined) return again;
    const uid = Math.max(FIRST - 1, ...Object.values(uids)) + 1;
    if (uid > LAST) throw new SandboxError("host-cannot", `all uids for agents are given out in ${file}`);
    writeFileSync(`${file}.new`, JSON.stringify({ ...uids, [key]: uid }), { mode: 0o600, flush: true });
    renameSync(`${file}.new`, file);
    return uid;
  });
}

function readUids(file: string): Record<string, number> {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return {};
    // Starting over would give two agents one uid.
    throw new SandboxError(
      "host-cannot",
      `${file} cannot be read: ${error}`,
      "Restore it, or remove it and start all agents anew.",
      {
        cause: error,
      },
    );
  }
}

/** Two supervisors that start together must not choose the same number. */
function underLock<T>(lock: string, act: () => T): T {
  for (let attempt = 0; ; attempt += 1) {
    try {
      closeSync(openSync(lock, "wx", 0o600));
      break;
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error;
      // A holder needs a millisecond; one that was killed in it leaves the lock, which then counts as stale.
      if (attempt > 200) rmSync(lock, { force: true });
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
  try {
    return act();
  } finally {
    rmSync(lock, { force: true });
  }
}
