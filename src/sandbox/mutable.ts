/**
 * Makes an agent's mutable places ready: there, and as root the agent's own. Who controls what lies in them: the agent, in
 * its last run. So every step goes by a descriptor of the directory it is in, and no symlink is followed.
 */
import {
  closeSync,
  constants,
  fchownSync,
  fstatSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
} from "node:fs";
import { isInside, join } from "../core/paths.ts";
import type { Agent } from "../policy/types.ts";
import { SandboxError } from "./errors.ts";

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Creates what is absent and, where an owner is given, hands everything in it over. */
export function prepareMutable(agent: Agent, owner: Owner | undefined): void {
  const { shape } = agent;
  if (shape.kind === "root") {
    for (const path of shape.mutable) prepare(shape.root, path, owner);
    return;
  }
  if (owner === undefined) return;
  const sealed = shape.sealed.map(({ path }) => join(shape.workspace, path));
  giveTree(shape.workspace, owner, sealed);
}

function prepare(root: string, path: string, owner: Owner | undefined): void {
  const place = join(root, path);
  const stats = lstatSync(place, { throwIfNoEntry: false });
  if (stats === undefined) mkdirSync(place, { recursive: true, mode: 0o755 });
  if (owner === undefined) return;
  if (stats === undefined || stats.isDirectory()) giveTree(place, owner, []);
  else giveFile(place, owner);
}

function giveFile(path: string, owner: Owner): void {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(file);
    if (!isOwned(stats, owner)) {
      refuseShared(path, stats.nlink);
      fchownSync(file, owner.uid, owner.gid);
    }
  } finally {
    closeSync(file);
  }
}

function giveTree(path: string, owner: Owner, except: readonly string[]): void {
  const directory = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    if (!isOwned(fstatSync(directory), owner)) fchownSync(directory, owner.uid, owner.gid);
    // By the descriptor: whatever the name stands for by now, this is the directory that was opened.
    const base = `/proc/self/fd/${directory}`;
    for (const entry of readdirSync(base, { withFileTypes: true })) {
      const named = join(path, entry.name);
      if (except.some((place) => isInside(named, place))) continue;
      if (entry.isDirectory()) {
        giveTree(`${base}/${entry.name}`, owner, rebased(except, named, `${base}/${entry.name}`));
        continue;
      }
      const stats = lstatSync(`${base}/${entry.name}`);
      if (isOwned(stats, owner)) continue;
      if (stats.isFile()) refuseShared(named, stats.nlink);
      lchownSync(`${base}/${entry.name}`, owner.uid, owner.gid);
    }
  } finally {
    closeSync(directory);
  }
}

function rebased(except: readonly string[], from: string, to: string): string[] {
  return except.filter((place) => isInside(place, from)).map((place) => `${to}${place.slice(from.length)}`);
}

function isOwned(stats: { uid: number; gid: number }, owner: Owner): boolean {
  return stats.uid === owner.uid && stats.gid === owner.gid;
}

/** A second name may be a file that is not the agent's to have: handing it over would hand over that one (F7). */
function refuseShared(path: string, links: number): void {
  if (links === 1) return;
  throw new SandboxError(
    "bad-path",
    `${path} has ${links} names and is not the agent's own; it will not be handed over`,
    "Copy it, so that the mutable directory holds a file of its own.",
  );
}
