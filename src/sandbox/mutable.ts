/**
 * Makes an agent's mutable places ready: there, and as root the agent's own. Who controls what lies in them: the agent, in
 * its last run and in any other that is under way. So every step goes by a descriptor of the directory it is in, no symlink
 * is followed, and what changes meanwhile is left alone: whoever could change it has it already.
 */
import {
  closeSync,
  constants,
  type Dirent,
  fchownSync,
  fstatSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  opendirSync,
  openSync,
  readlinkSync,
} from "node:fs";
import { errnoOf } from "../core/errors.ts";
import { isInside, join } from "../core/paths.ts";
import { printable } from "../core/printable.ts";
import type { Agent } from "../policy/types.ts";
import { SandboxError } from "./errors.ts";

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Creates what is absent and, where an owner is given, hands everything in it over. Throws `SandboxError`. */
export function prepareMutable(agent: Agent, owner: Owner | undefined): void {
  const { shape } = agent;
  if (shape.kind === "root") {
    for (const path of shape.mutable) {
      atPlace(shape.root, (root) => prepare(root, shape.root, path.split("/"), owner));
    }
    return;
  }
  if (owner === undefined) return;
  const sealed = shape.sealed.map(({ path }) => join(shape.workspace, path));
  atPlace(shape.workspace, (workspace) => giveTree(workspace, shape.workspace, owner, sealed));
}

/** Goes down to a place, one directory at a time, and makes each that is missing. `shown`: the directory's path, for people. */
function prepare(directory: number, shown: string, parts: readonly string[], owner: Owner | undefined): void {
  const [name = "", ...rest] = parts;
  const path = `/proc/self/fd/${directory}/${name}`;
  const named = join(shown, name);
  const kind = lstatSync(path, { throwIfNoEntry: false });
  if (kind === undefined) make(path, named);
  if (rest.length > 0) atDescriptor(path, named, (inner) => prepare(inner, named, rest, owner));
  else if (owner === undefined) return;
  else if (kind === undefined || kind.isDirectory()) {
    atDescriptor(path, named, (place) => giveTree(place, named, owner, []));
  } else give(path, named, owner);
}

function make(path: string, named: string): void {
  try {
    mkdirSync(path, { mode: 0o755 });
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return; // Another run of the same agent was faster.
    throw new SandboxError("bad-path", `${named} could not be made: ${errnoOf(error) ?? error}`, "", { cause: error });
  }
}

/** Opens a directory by its whole path, no part of which may be a symlink. */
function atPlace(path: string, act: (directory: number) => void): void {
  atDescriptor(path, path, (directory) => {
    if (readlinkSync(`/proc/self/fd/${directory}`) === path) return act(directory);
    throw new SandboxError("bad-path", `${path} is reached through a symlink`, NO_LINK);
  });
}

/** Opens the directory that is there, and not one that a symlink leads to. */
function atDescriptor(path: string, named: string, act: (directory: number) => void): void {
  let directory: number;
  try {
    directory = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (error) {
    throw new SandboxError("bad-path", `${named} could not be opened: ${errnoOf(error) ?? error}`, NO_LINK, {
      cause: error,
    });
  }
  try {
    act(directory);
  } finally {
    closeSync(directory);
  }
}

const NO_LINK = "Hardline follows no link while it sets up a sandbox: put the real directory there.";

/**
 * How far handing over goes. It is for what the operator put there: what lies deeper, or comes after so many, only the
 * agent can have made, and that is its own. It must not be able to keep itself from starting by making too much.
 */
const DEEPEST = 64;
const MOST = 100_000;

function giveTree(
  directory: number,
  shown: string,
  owner: Owner,
  except: readonly string[],
  so: { depth: number; entries: number } = { depth: 0, entries: 0 },
): void {
  if (!isOwned(fstatSync(directory), owner)) fchownSync(directory, owner.uid, owner.gid);
  // By the descriptor: whatever the name stands for by now, this is the directory that was opened.
  const base = `/proc/self/fd/${directory}`;
  for (const entry of entriesOf(base)) {
    const named = join(shown, entry.name);
    so.entries += 1;
    if (so.depth >= DEEPEST || so.entries > MOST) return;
    if (except.some((place) => isInside(named, place))) continue;
    const path = `${base}/${entry.name}`;
    try {
      if (!entry.isDirectory()) give(path, named, owner);
      else atDescriptor(path, named, (inner) => giveInner(inner, named, owner, except, so));
    } catch (error) {
      if (!hasChanged(error)) throw error;
    }
  }
}

function giveInner(
  directory: number,
  shown: string,
  owner: Owner,
  except: readonly string[],
  so: { depth: number; entries: number },
): void {
  so.depth += 1;
  giveTree(directory, shown, owner, except, so);
  so.depth -= 1;
}

/** One after the other: a directory may hold more names than memory does. */
function* entriesOf(directory: string): Generator<Dirent> {
  const opened = opendirSync(directory);
  try {
    for (let entry = opened.readSync(); entry !== null; entry = opened.readSync()) yield entry;
  } finally {
    opened.closeSync();
  }
}

/** It is gone, or something else stands there since the directory was read. */
function hasChanged(error: unknown): boolean {
  const cause = error instanceof SandboxError ? error.cause : error;
  return ["ENOENT", "ENOTDIR", "ELOOP"].includes(errnoOf(cause) ?? "");
}

function give(path: string, named: string, owner: Owner): void {
  const stats = lstatSync(path);
  if (isOwned(stats, owner)) return;
  if (stats.isFile()) refuseShared(named, stats.nlink);
  lchownSync(path, owner.uid, owner.gid);
}

function isOwned(stats: { uid: number; gid: number }, owner: Owner): boolean {
  return stats.uid === owner.uid && stats.gid === owner.gid;
}

/** A second name may be a file that is not the agent's to have: handing it over would hand over that one (F7). */
function refuseShared(path: string, links: number): void {
  if (links === 1) return;
  throw new SandboxError(
    "bad-path",
    // Who chose its name may be the agent: no line break of it may look like a line of Hardline's.
    `${printable(path)} has ${links} names and is not the agent's own; it will not be handed over`,
    "Copy it, so that the mutable directory holds a file of its own.",
  );
}
