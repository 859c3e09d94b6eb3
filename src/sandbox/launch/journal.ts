/**
 * The runs that are under way, one directory each in the state directory: a note of what the run makes on the host, and
 * links to its programs. The keeper removes all of it at the end. What is found there without its supervisor and keeper
 * is what a power cut or a killed keeper left: the next start takes it away.
 */
import {
  closeSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { isInside } from "../../core/paths.ts";
import { ARGUMENTS } from "./keeper.ts";
import type { Placeholder } from "./launcher.ts";
import { startTimeOf } from "./process-tree.ts";

/** What a run notes before it makes anything. */
export interface JournalEntry {
  readonly agent: string;
  /** Digest of the policy that it runs under. */
  readonly policy: string;
  /** Host directories that it can write. */
  readonly mutable: readonly string[];
  /** Name of the release's directory, which must not be collected. */
  readonly release: string;
  readonly placeholders: readonly Placeholder[];
  readonly cgroups: readonly string[];
}

/** One run's directory, in which nothing is kept that outlasts it. */
export interface Run {
  /** Short, unique among the runs under way. */
  readonly id: string;
  readonly directory: string;
  readonly journal: string;
  /** Symlinks to programs: the launcher, and what the launcher leaves to be run at the end. */
  readonly launcher: string;
  readonly finisher: string;
  /** Symlink to the workspace that is to be locked. */
  readonly workspace: string;
}

/** Makes a run's directory and notes whose it is, before anything else of it exists. */
export function beginRun(state: string, cgroups: (id: string) => readonly string[]): Run {
  const runs = join(state, "runs");
  mkdirSync(runs, { recursive: true, mode: 0o700 });
  // Whose it is stands in its name: it must be known also of a directory in which nothing has been noted yet.
  const directory = mkdtempSync(join(runs, `${process.pid}.${startTimeOf(process.pid) ?? ""}.`));
  const id = basename(directory);
  const run = {
    id,
    directory,
    journal: join(directory, "journal.json"),
    launcher: join(directory, "launcher"),
    finisher: join(directory, "finisher"),
    workspace: join(directory, "workspace"),
  };
  note(run, { agent: "", policy: "", mutable: [], release: "", placeholders: [], cgroups: cgroups(id) });
  return run;
}

/** Notes what a run will make, before it is made. */
export function note(run: Run, entry: JournalEntry): void {
  writeFileSync(`${run.journal}.new`, JSON.stringify(entry), { mode: 0o600 });
  renameSync(`${run.journal}.new`, run.journal);
}

/**
 * The other runs under way that can write where this one can, under another policy. Whatever authority such a run was
 * given it can lend to this one, descriptor by descriptor, over a socket in the directory that both write.
 */
export function conflictingRuns(state: string, own: Run, entry: JournalEntry): JournalEntry[] {
  return runIds(state).flatMap((id) => {
    const directory = join(state, "runs", id);
    const other = id === own.id ? undefined : readEntry(directory);
    if (other === undefined || other.policy === entry.policy || other.policy === "") return [];
    const meet = other.mutable.some((theirs) =>
      entry.mutable.some((ours) => isInside(theirs, ours) || isInside(ours, theirs)),
    );
    return meet && isLive(id, directory) ? [other] : [];
  });
}

/** Takes away what runs left whose supervisor and keeper are gone. */
export function sweepRuns(state: string): void {
  for (const id of runIds(state)) {
    const directory = join(state, "runs", id);
    if (isLive(id, directory)) continue;
    const entry = readEntry(directory);
    if (entry === undefined) discard(directory);
    else sweep(directory, entry);
  }
}

function isLive(id: string, directory: string): boolean {
  const [pid, startTime] = id.split(".");
  const hasSupervisor = startTime !== undefined && startTimeOf(Number(pid)) === startTime;
  return hasSupervisor || keeperLives(directory);
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
    const entry: Partial<JournalEntry> | null = JSON.parse(readFileSync(join(directory, "journal.json"), "utf8"));
    // A power cut may have left anything; what it does not say cannot be taken away, and must not stop a start.
    const { agent = "", policy = "", mutable = [], release = "", placeholders, cgroups } = entry ?? {};
    if (!(Array.isArray(placeholders) && Array.isArray(cgroups))) return undefined;
    return {
      agent,
      policy,
      mutable: mutable.filter((path) => typeof path === "string"),
      release,
      placeholders,
      cgroups: cgroups.filter((path) => typeof path === "string"),
    };
  } catch {
    return undefined;
  }
}

/** The keeper outlives its supervisor by as long as cleaning up takes; until then the run is not over. */
function keeperLives(directory: string): boolean {
  return readdirSync("/proc").some((name) => /^\d+$/.test(name) && firstArgument(name) === directory);
}

/** Keeper, launcher and finisher are all given the run's directory first. */
function firstArgument(pid: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")[ARGUMENTS.directory];
  } catch {
    return undefined;
  }
}

/** Placeholders are empty by construction: what is not empty is somebody's and stays. */
function sweep(directory: string, entry: JournalEntry): void {
  for (const placeholder of [...entry.placeholders].reverse()) attempt(() => removePlaceholder(placeholder));
  for (const path of [...entry.cgroups].reverse()) attempt(() => rmdirSync(path));
  // One with processes that are just ending stays until the next start, and so does the note of it.
  if (entry.cgroups.some((path) => existsSync(path))) return;
  discard(directory);
}

/** What cannot be removed must not keep anybody from starting. */
function discard(directory: string): void {
  attempt(() => rmSync(directory, { recursive: true, force: true }));
}

/**
 * By a descriptor of the directory that it was in, with no symlink on the way: the directories were the agent's, and are
 * whoever's by now.
 */
function removePlaceholder({ path, kind }: Placeholder): void {
  const opened = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const base = `/proc/self/fd/${opened}`;
    if (readlinkSync(base) !== dirname(path)) return;
    const named = join(base, basename(path));
    if (kind === "directory") rmdirSync(named);
    else if (lstatSync(named).isFile() && lstatSync(named).size === 0) unlinkSync(named);
  } finally {
    closeSync(opened);
  }
}

function attempt(act: () => void): void {
  try {
    act();
  } catch {
    // Gone already, or in use by somebody else: not ours to force.
  }
}
