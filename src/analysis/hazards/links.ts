/** Symbolic and hard links by which sealed content could be changed from somewhere else. */
import { readlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { mutablePlaces } from "../../policy/places.ts";
import { type Inquiry, ofAgent } from "./inquiry.ts";
import { atSealed } from "./places.ts";
import type { Where } from "./report.ts";
import { sandboxes } from "./sandboxes.ts";
import { walk } from "./tree.ts";
import { World } from "./world.ts";

/** The most names that are looked at, sealed and mutable together. */
const MAX_NAMES = 200_000;
/** Package managers and git fill these with links to a store on purpose; one finding speaks for all of them. */
const STORES: ReadonlySet<string> = new Set(["node_modules", "site-packages", ".git", ".venv", "venv"]);

interface SealedTree {
  /** Path inside the sandbox, and the host path that its content comes from. */
  readonly inside: string;
  readonly host: string;
  readonly at: Where;
}

/** A sealed file that has several names. */
interface LinkedFile {
  readonly path: string;
  readonly nlink: number;
  readonly at: Where;
  /** How many of its names are accounted for: in what is sealed, or reported. */
  seen: number;
}

export function checkLinks(inquiry: Inquiry): void {
  const bound = { left: MAX_NAMES };
  const linked = walkSealed(inquiry, bound);
  // Mutable trees are worth walking only where a second name is known to exist.
  if (linked.size > 0) findMutableNames(inquiry, linked, bound);
  reportElsewhere(inquiry, linked);
  if (bound.left <= 0) {
    inquiry.report.add("analysis-capped", {
      at: ofAgent(inquiry, inquiry.agent.shape.kind),
      message: `links were looked for in the first ${MAX_NAMES} names only`,
    });
  }
}

/** Judges symbolic links, and answers with the files that have several names, by device and inode. */
function walkSealed(inquiry: Inquiry, bound: { left: number }): Map<string, LinkedFile> {
  const { world } = inquiry;
  const linked = new Map<string, LinkedFile>();
  for (const tree of sealedTrees(inquiry)) {
    const insideOf = (host: string): string => tree.inside + host.slice(tree.host.length);
    for (const { path, stats } of walk(tree.host, bound, (host) => world.writable(insideOf(host)))) {
      const inside = insideOf(path);
      if (world.writable(inside)) continue;
      if (stats.isSymbolicLink()) checkSymlink(inquiry, inside, path, tree.at);
      if (!stats.isFile() || stats.nlink === 1) continue;
      const key = `${stats.dev}:${stats.ino}`;
      const known = linked.get(key);
      if (known === undefined) linked.set(key, { path: inside, nlink: stats.nlink, at: tree.at, seen: 1 });
      else known.seen++;
    }
  }
  return linked;
}

/** Second names where this agent, or any other program of the policy, may write. */
function findMutableNames(inquiry: Inquiry, linked: Map<string, LinkedFile>, bound: { left: number }): void {
  for (const owner of sandboxes(inquiry)) {
    // What is sealed inside a mutable place is written by nobody.
    const sealed = new World(owner);
    for (const place of mutablePlaces(owner)) {
      for (const { path, stats } of walk(place, bound, (each) => !sealed.writable(each))) {
        const known = stats.isFile() && sealed.writable(path) ? linked.get(`${stats.dev}:${stats.ino}`) : undefined;
        if (known === undefined) continue;
        known.seen = known.nlink;
        inquiry.report.add("hard-link", {
          at: known.at,
          message: `sealed ${known.path} is the same file as ${path}, which ${owner.name} can write`,
          fix: `Remove ${path}, and put a copy of ${known.path} in its own place (cp, then mv over it).`,
        });
      }
    }
  }
}

function reportElsewhere(inquiry: Inquiry, linked: ReadonlyMap<string, LinkedFile>): void {
  const inStores: LinkedFile[] = [];
  for (const file of linked.values()) {
    if (file.seen >= file.nlink) continue;
    if (file.path.split("/").some((segment) => STORES.has(segment))) inStores.push(file);
    else {
      inquiry.report.add("hard-link", {
        at: file.at,
        message: `sealed ${file.path} has ${file.nlink} names; the other is outside what is sealed`,
        fix: `Find it with \`find / -xdev -samefile ${file.path}\`, or break the link: cp the file, then mv the copy over it.`,
      });
    }
  }
  const [first] = inStores;
  if (first === undefined) return;
  inquiry.report.add("hard-link-elsewhere", {
    at: first.at,
    message: `${inStores.length} sealed files have further names in a store outside, ${first.path} for one`,
  });
}

function sealedTrees(inquiry: Inquiry): SealedTree[] {
  const { agent } = inquiry;
  const { shape } = agent;
  if (shape.kind === "root") return [{ inside: shape.root, host: shape.root, at: ofAgent(inquiry, "root") }];
  return shape.sealed.map((entry) => {
    const inside = join(shape.workspace, entry.path);
    return { inside, host: entry.source ?? inside, at: atSealed(inquiry, entry) };
  });
}

function checkSymlink(inquiry: Inquiry, inside: string, host: string, at: Where): void {
  const { world, report } = inquiry;
  const real = world.follow(inside);
  const target = linkText(host);
  if (real.steered || world.writable(real.path)) {
    report.add("symlink-into-mutable", {
      at,
      message: `sealed ${inside} is a link to ${target}, which the agent can write`,
      fix: `Replace ${basename(inside)} by a real file, or use ${real.path} by its own name.`,
    });
  } else if (real.kind === "absent") {
    report.add("symlink-outside", {
      at,
      message: `sealed ${inside} is a link to ${target}, which is not in the sandbox`,
    });
  }
}

function linkText(host: string): string {
  try {
    return readlinkSync(host);
  } catch {
    return "something that cannot be read"; // gone since it was listed
  }
}
