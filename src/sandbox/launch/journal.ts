/**
 * The runs that are under way, one directory each in the state directory: the two small programs, and a note of what the
 * run makes on the host. The keeper removes all of it at the end. What is found there without its supervisor and keeper
 * is what a power cut or a killed keeper left: the next start takes it away.
 */
import { randomBytes } from "node:crypto";
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Placeholder } from "./keeper.ts";
import { startTimeOf } from "./process-tree.ts";

/** What a run notes before it makes anything. */
export interface JournalEntry {
  readonly pid: number;
  readonly startTime: string;
  readonly agent: string;
  /** The workspace, where the shape is one: only one run may have it. */
  readonly workspace?: string;
  /** Name of the release's directory, which must not be collected. */
  readonly release: string;
  readonly placeholders: readonly Placeholder[];
  readonly cgroups: readonly string[];
}

export interface Run {
  readonly id: string;
  readonly directory: string;
  readonly gateFile: string;
  readonly keeperFile: string;
  readonly journalFile: string;
  writeKeeper(bytes: Uint8Array): void;
  writeGate(bytes: Uint8Array): void;
}

export function newRunId(): string {
  return randomBytes(6).toString("hex");
}

/** Notes a run and makes its directory. */
export function beginRun(state: string, id: string, entry: Omit<JournalEntry, "pid" | "startTime">): Run {
  const directory = join(state, "runs", id);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const journalFile = join(directory, "journal.json");
  const noted: JournalEntry = { pid: process.pid, startTime: startTimeOf(process.pid) ?? "", ...entry };
  writeFileSync(journalFile, JSON.stringify(noted), { mode: 0o600 });
  const gateFile = join(directory, "gate");
  const keeperFile = join(directory, "keeper");
  return {
    id,
    directory,
    gateFile,
    keeperFile,
    journalFile,
    writeKeeper: (bytes) => writeFileSync(keeperFile, bytes, { mode: 0o700 }),
    writeGate: (bytes) => writeFileSync(gateFile, bytes, { mode: 0o600 }),
  };
}

export function discardRun(run: Run): void {
  rmSync(run.directory, { recursive: true, force: true });
}

/** The runs whose supervisor lives; what others left is taken away first. */
export function liveRuns(state: string): JournalEntry[] {
  const live: JournalEntry[] = [];
  for (const id of runIds(state)) {
    const directory = join(state, "runs", id);
    const entry = readEntry(directory);
    if (entry === undefined) {
      // Begun and not yet noted by a supervisor that lives, or left by one that died in between: age decides.
      if (isOld(directory)) rmSync(directory, { recursive: true, force: true });
    } else if (startTimeOf(entry.pid) === entry.startTime || keeperLives(directory)) live.push(entry);
    else sweep(directory, entry);
  }
  return live;
}

function runIds(state: string): string[] {
  try {
    return readdirSync(join(state, "runs"));
  } catch {
    return []; // Nothing has run yet.
  }
}

function readEntry(directory: string): JournalEntry | undefined {
  try {
    return JSON.parse(readFileSync(join(directory, "journal.json"), "utf8"));
  } catch {
    return undefined;
  }
}

function isOld(directory: string): boolean {
  const stats = lstatSync(directory, { throwIfNoEntry: false });
  return stats !== undefined && Date.now() - stats.mtimeMs > 60_000;
}

/** The keeper outlives its supervisor by as long as cleaning up takes; until then the run is not over. */
function keeperLives(directory: string): boolean {
  const program = join(directory, "keeper");
  return readdirSync("/proc").some((name) => /^\d+$/.test(name) && programOf(name) === program);
}

function programOf(pid: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")[0];
  } catch {
    return undefined;
  }
}

/** Placeholders are empty by construction: what is not empty is somebody's and stays. */
function sweep(directory: string, entry: JournalEntry): void {
  for (const { path, kind } of [...entry.placeholders].reverse()) {
    attempt(() => {
      if (kind === "directory") rmdirSync(path);
      else if (lstatSync(path).isFile() && lstatSync(path).size === 0) unlinkSync(path);
    });
  }
  for (const path of [...entry.cgroups].reverse()) attempt(() => rmdirSync(path));
  rmSync(directory, { recursive: true, force: true });
}

function attempt(act: () => void): void {
  try {
    act();
  } catch {
    // Gone already, or in use by somebody else: not ours to force.
  }
}
