/**
 * What the hazards of an agent follow from besides its policy and what is sealed, as a text that changes when any of it does:
 * names in mutable places, links on the way to what the policy names, what stands under `read:`, which interpreter is found.
 * Who controls it: partly the agent, in its last run. A judgement is remembered under this text, so what is left out here is
 * what an agent could change unseen.
 */
import { type Dirent, lstatSync, opendirSync, readlinkSync, realpathSync, type Stats, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { errnoOf } from "../core/errors.ts";
import { join } from "../core/paths.ts";
import { mutablePlaces } from "../policy/places.ts";
import type { Agent } from "../policy/types.ts";

/** More names than this in one directory are not compared one by one: any change to the directory is one. */
const MOST_NAMES = 2000;
/** Directories whose content decides how a place is judged. */
const OBEYED = [".git", ".git/hooks", "node_modules"];
/** What a sealed script may start; which version it is decides what could stand in for what it loads. */
const INTERPRETERS = ["python3", "python", "node", "perl", "ruby", "bash", "sh"];
/** Where a program is looked for in the sandbox; the policy's own PATH stands before these. */
const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Never throws: what cannot be looked at is a part of the answer too. */
export function surroundings(agent: Agent, stateDir: string): string {
  const { shape } = agent;
  const base = shape.kind === "root" ? shape.root : shape.workspace;
  const places = mutablePlaces(agent);
  const sealed = shape.kind === "root" ? [] : shape.sealed;
  const listed = new Set([
    ...places.flatMap((place) => [place, ...OBEYED.map((name) => join(place, name))]),
    ...sealed.map(({ path }) => dirname(join(base, path))),
  ]);
  const sources = sealed.flatMap(({ source }) => (source === undefined ? [] : [source]));
  return JSON.stringify([
    stateDir,
    [...listed].map((directory) => [directory, namesIn(directory)]),
    [base, ...places, ...sources].map(realPathOf),
    agent.read.map((path) => [path, identityOf(path, lstatSync), realPathOf(path), identityOf(path, statSync)]),
    candidates(agent, base).map((path) => [path, realPathOf(path), identityOf(path, statSync)]),
    interpreters(agent),
  ]);
}

/** The versions of the interpreters that the agent can find by name: where they usually are, and on the policy's own PATH. */
function interpreters({ env }: Agent): string[] {
  const own = (env["PATH"] ?? "").split(":").filter((directory) => directory.startsWith("/"));
  const directories = [...new Set([...own, "/usr/local/bin", "/usr/bin"])];
  return directories.flatMap((directory) => INTERPRETERS.map((name) => identityOf(`${directory}/${name}`, statSync)));
}

/** Where the agent's program is looked for, as far as to where it is found. */
function candidates({ run, env }: Agent, base: string): string[] {
  const name = run[0] ?? "";
  if (name.includes("/")) return [resolve(base, name)];
  const paths = `${env["PATH"] ?? ""}:${SYSTEM_PATH}`.split(":").map((directory) => resolve(base, directory, name));
  const found = paths.findIndex((path) => {
    const stats = lookAt(path, statSync);
    return stats?.isFile() === true && (stats.mode & 0o111) !== 0;
  });
  return found === -1 ? paths : paths.slice(0, found + 1);
}

/** What stands there; `undefined` where nothing does, or nobody may know. */
function lookAt(path: string, look: Look): Stats | undefined {
  try {
    return look(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

type Look = (path: string, options: { throwIfNoEntry: false }) => Stats | undefined;

/** Names, kinds and where links lead; or, of very many, the directory's own version. */
function namesIn(directory: string): string | readonly string[] {
  if (lookAt(directory, lstatSync) === undefined) return "none";
  try {
    const opened = opendirSync(directory);
    try {
      const names: string[] = [];
      for (let entry = opened.readSync(); entry !== null; entry = opened.readSync()) {
        if (names.length === MOST_NAMES) return `many: ${versionOf(directory)}`;
        names.push(nameOf(directory, entry));
      }
      return names.sort();
    } finally {
      opened.closeSync();
    }
  } catch (error) {
    return `none: ${errnoOf(error) ?? error}`;
  }
}

function nameOf(directory: string, entry: Dirent): string {
  if (entry.isDirectory()) return `d ${entry.name}`;
  if (!entry.isSymbolicLink()) return `${entry.isFile() ? "f" : "o"} ${entry.name}`;
  return `l ${entry.name}\0${linkOf(join(directory, entry.name))}`;
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch (error) {
    return `? ${errnoOf(error) ?? error}`;
  }
}

/** The kernel keeps the time of a change (ctime) itself; nobody can set it. */
function versionOf(directory: string): string {
  const { dev, ino, mtimeNs, ctimeNs } = lstatSync(directory, { bigint: true });
  return `${dev}:${ino}:${mtimeNs}:${ctimeNs}`;
}

/** Which file it is, and of what kind; of a file, which version of it too. A directory's changes with every run of anybody. */
function identityOf(path: string, look: Look): string {
  const stats = lookAt(path, look);
  if (stats === undefined) return "none";
  const version = stats.isDirectory() ? "" : `:${stats.size}:${stats.mtimeMs}:${stats.ctimeMs}`;
  return `${stats.dev}:${stats.ino}:${stats.mode}${version}`;
}

/** Without links; where nothing is there (yet), as far as it goes. */
function realPathOf(path: string): string {
  if (lookAt(path, lstatSync) === undefined && path !== "/") return `${realPathOf(dirname(path))} (none)`;
  try {
    return realpathSync(path);
  } catch (error) {
    return `none: ${errnoOf(error) ?? error}`;
  }
}
