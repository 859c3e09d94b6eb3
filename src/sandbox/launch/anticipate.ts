/**
 * Most starts are like the last one. Where the last run with the same words had a sealed root, its launcher is started
 * again at once, while this run's policy and tree are still being looked at; the sandbox that comes of it waits, empty,
 * for the supervisor's word. If the plan then turns out to need another launcher, it never gets one.
 */
import { statSync, symlinkSync } from "node:fs";
import { keep, recall, slotName } from "../../core/cache.ts";
import type { Plan } from "../plan.ts";
import type { Keeper } from "./launch.ts";
import type { Stdio } from "./stdio.ts";

/** Everything but content that a plan follows from. */
export interface Occasion {
  readonly policyFile: string;
  readonly agent: string | undefined;
  readonly command: readonly string[] | undefined;
  readonly stdio: Stdio;
  /** `TERM`, where standard output is a terminal. */
  readonly terminal: string | undefined;
}

interface Remembered {
  readonly launcher: string;
  /** Host paths that it mounts: bubblewrap would complain aloud about one that is gone. */
  readonly sources: readonly string[];
}

const keyOf = (occasion: Occasion): string => JSON.stringify(occasion);
const slotOf = (key: string): string => `launch-${slotName(key)}`;

/** Starts the launcher of the last such run, if there was one, and notes that in the keeper. */
export function anticipate(keeper: Keeper, occasion: Occasion): void {
  // A pump begins to read its file at once: what it took for a sandbox that comes to nothing, the next one would miss.
  if (occasion.stdio.pumped.includes(0)) return;
  const key = keyOf(occasion);
  const last = recall(keeper.state, slotOf(key), key) as Remembered | undefined;
  if (last === undefined) return;
  if (![last.launcher, ...last.sources].every((path) => statSync(path, { throwIfNoEntry: false }) !== undefined))
    return;
  symlinkSync(last.launcher, keeper.run.launcher);
  keeper.anticipated = last.launcher;
  keeper.session.startLauncher();
}

/** Remembers a launcher that has led to a running agent. With placeholders none is: they change the host. */
export function rememberLaunch(state: string, occasion: Occasion, plan: Plan, launcher: string): void {
  if (
    plan.placeholders.length > 0 ||
    plan.mounts.some((mount) => mount.kind === "bind" && mount.role === "workspace")
  ) {
    return;
  }
  const key = keyOf(occasion);
  const known = recall(state, slotOf(key), key) as Remembered | undefined;
  if (known?.launcher === launcher) return;
  const sources = plan.mounts.flatMap((mount) => (mount.kind === "bind" ? [mount.source] : []));
  keep(state, slotOf(key), key, { launcher, sources } satisfies Remembered);
}
