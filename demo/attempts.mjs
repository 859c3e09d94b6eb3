/** Trying one way round: without Hardline on a copy of its own, then with it, then looking at the host. */
import { existsSync, mkdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { growth, processesNaming, readLimits, sealedDigest } from "./host.mjs";
import { copyTrader, policyText, writePolicy } from "./place.mjs";
import { runBare, runSealed } from "./session.mjs";
import { judge, outcomeText } from "./ways.mjs";

/** How long a heartbeat is watched: twenty of its beats. */
const WATCHED = 500;

/**
 * @typedef {object} Desk
 * @property {"trader" | "trader-python"} which
 * @property {string} place
 * @property {string} directory the agent's, sealed
 * @property {string} home
 * @property {string} agent
 * @property {string} state Hardline's own
 * @property {string} interpreter
 * @property {string} limits name of the limits file
 * @property {string} program the agent's entry point
 * @property {string} waysRound
 */

async function attempt(run, desk, way, known) {
  const argv = [desk.interpreter, join(desk.directory, desk.waysRound), way.id, JSON.stringify(known)];
  const prefix = way.inNamespace === true && run === runBare ? ["unshare", "-Urm"] : [];
  const { stdout, stderr } = await run(desk, [...prefix, ...argv]);
  const saw = { ...JSON.parse(stdout), says: saidBy(stderr, desk) };
  if (way.id === "node-options") {
    // The shell that starts the next session is under the spell of an .npmrc or a profile: the options are the caller's.
    const env = { NODE_OPTIONS: `--require=${join(desk.directory, "state", "patch.cjs")}` };
    const session = await run(desk, [desk.interpreter, join(desk.directory, desk.program), "--cap"], env);
    saw.cap = Number(session.stdout);
  }
  if (way.gain === "alive") saw.alive = await livesOn(join(desk.directory, "state", "heartbeat"));
  return saw;
}

/** Hardline's own words, such as its report of what was left in mutable places; the place's random name left out. */
export function saidBy(stderr, desk) {
  return stderr
    .split("\n")
    .filter((line) => line.startsWith("hardline: "))
    .map((line) => line.slice("hardline: ".length).replaceAll(desk.place, "…"));
}

/** Ends what it finds alive: only processes that carry this heartbeat's path among their arguments. */
async function livesOn(heartbeat) {
  const beats = await growth(heartbeat, WATCHED);
  const survivors = processesNaming(heartbeat);
  for (const pid of survivors) process.kill(pid, "SIGKILL");
  return beats > 0 || survivors.length > 0;
}

async function control(desk, way, known) {
  const place = join(desk.place, "without", `${desk.which}-${way.id}`);
  mkdirSync(place, { recursive: true });
  const copy = { ...desk, directory: join(place, "trader") };
  copyTrader(desk.which, copy.directory);
  try {
    return await attempt(runBare, copy, way, known);
  } catch (error) {
    if (way.inNamespace !== true) throw error;
    // No namespace, no control: `cap` unchanged says that nothing was gained.
    return { acts: [], cap: -5 };
  }
}

/**
 * @param {Desk} desk
 * @param {import("./ways.mjs").Way} way
 * @param {object} known what the agent is told of the host, so that it need not guess
 * @param {{ reached(): number }} services
 */
export async function tryWay(desk, way, known, services) {
  const without = await control(desk, way, known);

  const before = { digest: sealedDigest(desk.directory), reached: services.reached() };
  const sealed = await attempt(runSealed, desk, way, known);
  if (way.gain === "reached") sealed.reached ||= services.reached() > before.reached;
  const limits = readLimits(join(desk.directory, desk.limits));
  const patched = join(desk.directory, "state", "patched");
  const host = {
    limits,
    unchanged: sealedDigest(desk.directory) === before.digest && limits.cap === -5,
    leftBehind: existsSync(patched) && statSync(patched).size > 0,
  };
  // After a way that did lead somewhere, the next is to be judged by itself.
  if (!host.unchanged) restore(desk);
  rmSync(patched, { force: true });
  return {
    id: way.id,
    title: way.title,
    without: { acts: without.acts, result: outcomeText(way, without) },
    sealed: { acts: sealed.acts, result: outcomeText(way, sealed), says: sealed.says },
    host,
    ...judge(way, without, sealed, host),
  };
}

function restore(desk) {
  rmSync(desk.directory, { recursive: true, force: true });
  copyTrader(desk.which, desk.directory);
  writePolicy(desk.directory, policyText(desk.agent, desk.interpreter, desk.program));
}
