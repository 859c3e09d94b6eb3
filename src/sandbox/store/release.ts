/**
 * Releases: what runs is what was reviewed. Sealed content is copied into directories that are named by the digest of
 * their content and that only the supervisor can write; the agent's mounts come from there, never from the working tree.
 * Starting again with an unchanged tree costs a stat of each file and nothing else.
 */
import { lstatSync, realpathSync } from "node:fs";
import { basename, dirname, join as joinPath } from "node:path";
import { keep, recall, slotName } from "../../core/cache.ts";
import { isInside, join } from "../../core/paths.ts";
import type { Agent, SealedEntry } from "../../policy/types.ts";
import { SandboxError } from "../errors.ts";
import type { Progress } from "./build.ts";
import { touchRelease } from "./collect.ts";
import { type Walked, walk } from "./walk.ts";

/** A sealed name in a workspace. */
export interface Overlay {
  /** Relative to the workspace: where it is mounted. */
  readonly path: string;
  readonly kind: "file" | "directory";
  /** Absolute path in the store. */
  readonly source: string;
  /** Nothing stands there on the host: a placeholder is needed while the agent runs. */
  readonly absent: boolean;
  /** Hardline put it there by itself, to close a hazard. */
  readonly standIn: boolean;
}

export interface Release {
  /** `sha256:<hex>` over paths, kinds, executable bits and contents. */
  readonly digest: string;
  /** Absolute path of the sealed tree. */
  readonly tree: string;
  readonly overlays: readonly Overlay[];
  /** What each mutable path of a sealed root is. */
  readonly mutableKinds: Readonly<Record<string, "file" | "directory">>;
}

/** A name that Hardline seals by itself in a workspace. */
export interface StandInRequest {
  readonly path: string;
  readonly kind: "file" | "directory";
}

/** What stands in the places that an agent's shape names, looked over and not yet read. */
export interface Survey {
  readonly agent: Agent;
  readonly found: readonly Walked[];
  readonly overlays: readonly Omit<Overlay, "source">[];
  /** Made empty in the release: mount points of mutable places, stand-ins. */
  readonly empty: Readonly<Record<string, "file" | "directory">>;
  /** Changes whenever anything that was found does. */
  readonly fingerprint: string;
}

export interface SealOptions {
  /** Absolute path of the state directory. */
  readonly state: string;
  /** As root: who must find the tree its own, so that only the mount answers a write. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  readonly progress: Progress;
}

/** Looks over what an agent's shape seals: a stat of each file. Throws `SandboxError` where a path cannot be used. */
export function survey(agent: Agent, state: string): Survey {
  const { shape } = agent;
  const place = shape.kind === "root" ? shape.root : shape.workspace;
  if (isInside(withoutLinks(state), place)) {
    throw new SandboxError(
      "bad-path",
      `the state directory ${state} lies inside ${place}`,
      "Choose another with --state: limits and releases must lie where the agent cannot reach them.",
    );
  }
  withoutSymlinks(place);
  return shape.kind === "root" ? surveyRoot(agent, shape) : surveyWorkspace(agent, shape);
}

/** The same with names that Hardline seals by itself, empty, whatever of that kind stands there already. */
export function withStandIns(surveyed: Survey, requests: readonly StandInRequest[]): Survey {
  const { shape } = surveyed.agent;
  if (requests.length === 0 || shape.kind !== "workspace") return surveyed;
  const overlays = [...surveyed.overlays];
  const empty = { ...surveyed.empty };
  for (const { path, kind } of requests) {
    const point = mountPoint(shape.workspace, path);
    // Below a directory that comes whole from the release nothing can be put, so nothing has to stand there.
    if (point.absent && point.path !== path && overlays.some((overlay) => overlay.path === point.path)) continue;
    const there = point.absent ? undefined : kindOf(join(shape.workspace, path));
    if (point.path !== path || (there !== undefined && there !== kind)) {
      throw new SandboxError(
        "bad-path",
        `a sealed empty ${kind} cannot stand at ${join(shape.workspace, path)}`,
        "Something was put there, or above it, since it was checked: look at it, remove it, and start again.",
      );
    }
    overlays.push({ path, kind, absent: point.absent, standIn: true });
    empty[path] = kind;
  }
  return finished(surveyed.agent, [...surveyed.found], overlays, empty);
}

function surveyRoot(agent: Agent, shape: Extract<Agent["shape"], { kind: "root" }>): Survey {
  const empty: Record<string, "file" | "directory"> = {};
  for (const path of shape.mutable) {
    const point = mountPoint(shape.root, path);
    empty[path] = point.absent ? "directory" : kindOf(join(shape.root, path));
  }
  const found: Walked[] = [];
  inspect(() => walk(shape.root, "", new Set(shape.mutable), found), shape.root);
  if (found[0]?.kind !== "directory") throw new SandboxError("bad-path", `root: ${shape.root} is not a directory`);
  return finished(agent, found, [], empty);
}

function surveyWorkspace(agent: Agent, shape: Extract<Agent["shape"], { kind: "workspace" }>): Survey {
  const found: Walked[] = [];
  const empty: Record<string, "file" | "directory"> = {};
  const overlays: Omit<Overlay, "source">[] = [];
  if (kindOf(shape.workspace) !== "directory") {
    throw new SandboxError("bad-path", `workspace: ${shape.workspace} is not a directory`);
  }
  for (const entry of shape.sealed) {
    const point = mountPoint(shape.workspace, entry.path);
    const kind = surveyEntry(shape.workspace, entry, point.absent, found, empty);
    const at = point.path === entry.path ? kind : "directory";
    if (!point.absent && kindOf(join(shape.workspace, point.path)) !== at) {
      throw new SandboxError(
        "bad-path",
        `${join(shape.workspace, point.path)} is not a ${at}, but a ${at} is sealed there`,
        "Make both a file, or both a directory.",
      );
    }
    if (overlays.some((other) => other.path === point.path)) continue;
    overlays.push({ path: point.path, kind: at, absent: point.absent, standIn: false });
  }
  return finished(agent, found, overlays, empty);
}

/** What is sealed under a name, and whether it is a file or a directory. */
function surveyEntry(
  workspace: string,
  entry: SealedEntry,
  absent: boolean,
  found: Walked[],
  empty: Record<string, "file" | "directory">,
): "file" | "directory" {
  if (entry.source === undefined && absent) {
    const kind = entry.directory ? "directory" : "file";
    empty[entry.path] = kind;
    return kind;
  }
  const source = entry.source ?? join(workspace, entry.path);
  const kind = kindOf(source);
  if (entry.source !== undefined) withoutSymlinks(source);
  inspect(() => walk(source, entry.path, new Set(), found), source);
  return kind;
}

function finished(
  agent: Agent,
  found: readonly Walked[],
  overlays: readonly Omit<Overlay, "source">[],
  empty: Readonly<Record<string, "file" | "directory">>,
): Survey {
  const lines = found.map((entry) => {
    if (entry.kind === "directory") return `d ${entry.path}`;
    return entry.kind === "symlink" ? `l ${entry.path}\0${entry.to}` : `f ${entry.path}\0${entry.stamp}`;
  });
  const sorted = [...overlays].sort((a, b) => (a.path < b.path ? -1 : 1));
  return {
    agent,
    found,
    overlays: sorted,
    empty,
    fingerprint: condensed(`${lines.join("\n")}\n${JSON.stringify([empty, overlays])}`),
  };
}

/** A long text is as good as its digest; a short one is cheaper than loading what makes one. */
function condensed(text: string): string {
  if (text.length < 65_536) return text;
  return process.getBuiltinModule("node:crypto").hash("sha256", text);
}

/** Makes sure that what was surveyed is in the store. Throws `SandboxError` where it cannot be sealed. */
export async function sealRelease(surveyed: Survey, options: SealOptions): Promise<Release> {
  const { agent, empty, fingerprint } = surveyed;
  const { shape } = agent;
  const { digest, tree } = await store(surveyed, options, JSON.stringify([shape, options.owner?.uid]), fingerprint);
  return {
    digest,
    tree,
    overlays: surveyed.overlays.map((overlay) => ({ ...overlay, source: join(tree, overlay.path) })),
    mutableKinds: shape.kind === "root" ? empty : {},
  };
}

/** Where a path leads, as far as it exists: a link must not hide that the state lies where the agent can write. */
function withoutLinks(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : joinPath(withoutLinks(parent), basename(path));
  }
}

/** Follows no link on the way to a place either: what the policy names is where it is (F5). */
function withoutSymlinks(place: string): void {
  inspect(() => {
    const real = realpathSync(place);
    if (real === place) return;
    throw new SandboxError(
      "bad-path",
      `${place} is a symlink, or is reached through one (it leads to ${real})`,
      `Write ${real} in the policy.`,
    );
  }, place);
}

/**
 * Where a sealed name can be mounted: at itself, or, where directories on the way are absent too, at the first of them.
 * Who controls what stands there: the agent, in its last run. So every component must be what it seems (F5, F6).
 */
function mountPoint(workspace: string, path: string): { readonly path: string; readonly absent: boolean } {
  let at = "";
  for (const part of path.split("/")) {
    at = at === "" ? part : `${at}/${part}`;
    if (kindIfThere(join(workspace, at)) === undefined) return { path: at, absent: true };
  }
  return { path, absent: false };
}

/** File or directory; anything else, a symlink above all, is refused by name. */
function kindOf(path: string): "file" | "directory" {
  const kind = kindIfThere(path);
  if (kind !== undefined) return kind;
  throw new SandboxError("bad-path", `${path} does not exist`, "Create it, or take it out of the policy.");
}

function kindIfThere(path: string): "file" | "directory" | undefined {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  if (stats.isDirectory()) return "directory";
  if (stats.isFile()) return "file";
  throw new SandboxError(
    "bad-path",
    `${path} is ${stats.isSymbolicLink() ? "a symlink" : "neither file nor directory"}`,
    "Hardline follows no link while it sets up a sandbox: put the real thing there.",
  );
}

function inspect(look: () => void, place: string): void {
  try {
    look();
  } catch (error) {
    if (error instanceof SandboxError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new SandboxError("bad-path", `${place} cannot be read: ${reason}`, "Create it, or correct the policy.", {
      cause: error,
    });
  }
}

async function store(
  { found, empty }: Survey,
  options: SealOptions,
  key: string,
  fingerprint: string,
): Promise<Pick<Release, "digest" | "tree">> {
  const slot = `release-${slotName(key)}`;
  const known = recallRelease(options.state, slot, key);
  if (known?.fingerprint === fingerprint) {
    const directory = joinPath(options.state, "releases", known.directory);
    if (touchRelease(directory, Date.now())) return { digest: known.digest, tree: joinPath(directory, "tree") };
  }
  const { buildRelease } = await import("./build.ts");
  const built = await buildRelease({ ...options, found, empty, previous: known?.directory });
  keep(options.state, slot, key, { fingerprint, digest: built.digest, directory: built.directory });
  return { digest: built.digest, tree: built.tree };
}

interface Known {
  readonly fingerprint: string;
  readonly digest: string;
  /** Name of the directory below `releases/`. */
  readonly directory: string;
}

function recallRelease(state: string, slot: string, key: string): Known | undefined {
  const value = recall(state, slot, key);
  return typeof value === "object" && value !== null ? (value as Known) : undefined;
}
