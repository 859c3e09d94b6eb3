/**
 * Takes away releases that nobody has started for a week and no run is using. Only when a new one has been built: that is
 * when the store grows.
 */
import { readdirSync, readFileSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { errnoOf } from "../../core/errors.ts";

const DAY_MS = 24 * 3600 * 1000;
const UNUSED_MS = 7 * DAY_MS;

/** Marks a release as used now; once a day is enough. `false`: it is not there. */
export function touchRelease(directory: string, now: number): boolean {
  const stats = statSync(directory, { throwIfNoEntry: false });
  if (stats === undefined) return false;
  if (now - stats.mtimeMs > DAY_MS) utimesSync(directory, now / 1000, now / 1000);
  return true;
}

/**
 * Removes what is old and unused below `<state>/releases`, and what supervisors left half built that were killed. Returns
 * the names of what it removed.
 */
export function collectReleases(state: string, now: number): string[] {
  const releases = join(state, "releases");
  const used = releasesInUse(state);
  const removed: string[] = [];
  for (const name of readdirSync(releases)) {
    const directory = join(releases, name);
    const stats = statSync(directory, { throwIfNoEntry: false });
    if (stats === undefined) continue;
    const isUnused = !used.has(name) && now - stats.mtimeMs > UNUSED_MS;
    if (!(isUnused || isAbandoned(name))) continue;
    rmSync(directory, { recursive: true, force: true });
    removed.push(name);
  }
  return removed;
}

/** `.new-<pid>-<random>` is what that process is building. */
function isAbandoned(name: string): boolean {
  const pid = /^\.new-(\d+)-/.exec(name)?.[1];
  if (pid === undefined) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return errnoOf(error) === "ESRCH";
  }
}

/** A run that cannot be read might use any release: then none is taken away. */
function releasesInUse(state: string): { has(name: string): boolean } {
  const used = new Set<string>();
  try {
    for (const run of readdirSync(join(state, "runs"))) {
      const entry = JSON.parse(readFileSync(join(state, "runs", run, "journal.json"), "utf8"));
      used.add(String(entry.release));
    }
  } catch {
    return { has: () => true };
  }
  return used;
}
