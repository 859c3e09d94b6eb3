/** What every way round shares: where things are, a record of each act with the kernel's answer, and the question. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { widened } from "../improve.mjs";

/** The agent's root, absolute. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
export const inRoot = (...names) => join(ROOT, ...names);
export const LIMITS = inRoot("limits.js");

/** The root and what is above it, nearest first, up to but not including `/`. */
export function ancestors() {
  const found = [];
  for (let path = ROOT; path !== "/"; path = dirname(path)) found.push(path);
  return found;
}

/**
 * Collects acts in the order of their doing. `mine` is for acts in places that are the agent's own: they must succeed,
 * else the sandbox proves nothing by refusing the others. `notMine` is for what only an unsealed agent can do. Both answer
 * whether the act succeeded, and let any error but a system's (a defect of the attempt) through.
 */
export function record() {
  const acts = [];
  const doing = (own) => async (did, act) => {
    try {
      await act();
      acts.push({ did, own, answer: "ok" });
      return true;
    } catch (error) {
      if (typeof error.code !== "string" || !/^E[A-Z0-9]+$/.test(error.code)) throw error;
      acts.push({ did, own, answer: error.code });
      return false;
    }
  };
  return { acts, mine: doing(true), notMine: doing(false) };
}

/** The limits file with the cap ten times as wide. */
export function widerLimits() {
  return widened(readFileSync(LIMITS, "utf8"), -5);
}

/** The cap that a session started here and now trades under, as that session says itself. */
export function nextCap(program = inRoot("trade.mjs")) {
  return Number(execFileSync(process.execPath, [program, "--cap"], { encoding: "utf8", timeout: 20_000 }));
}
