/**
 * What the agent sees of the file system, as an ordered list. Two shapes: the sealed root with mutable holes, and the
 * workspace with sealed overlays. In both, the rest is the same: the system read-only, a small `/etc`, fresh `/proc`,
 * `/dev` and `/tmp`, and nothing else of the host.
 */
import { isInside, join, parentsWithin } from "../core/paths.ts";
import type { Agent } from "../policy/types.ts";
import { SandboxError } from "./errors.ts";
import type { HostFacts } from "./facts.ts";
import type { Placeholder } from "./launch/launcher.ts";
import type { Release } from "./store/release.ts";

export type Mount =
  | {
      readonly kind: "bind";
      readonly access: "sealed" | "mutable";
      /** Absolute host path, symlink-free. */
      readonly source: string;
      readonly target: string;
      readonly of: "file" | "directory";
      /** What it is, for people: `system`, `release`, `state`, `pin` … */
      readonly role: string;
    }
  | { readonly kind: "tmpfs"; readonly target: string; readonly mode: string; readonly size: number }
  | { readonly kind: "proc"; readonly target: string }
  | { readonly kind: "dev"; readonly target: string }
  | { readonly kind: "symlink"; readonly target: string; readonly to: string }
  | { readonly kind: "directory"; readonly target: string; readonly mode: string }
  /** Closes a tmpfs of the sandbox's own after what lies in it has been made. */
  | { readonly kind: "remount-read-only"; readonly target: string };

type Bind = Extract<Mount, { kind: "bind" }>;

const MEBIBYTE = 1024 * 1024;
const DEFAULT_TMP = 1024 * MEBIBYTE;
/** Where something of the policy's cannot lie: it would replace what the sandbox itself stands on. */
const RESERVED = ["/etc", "/dev", "/proc", "/sys", "/run", "/tmp/home"];
/** Nor can it be one of these itself. */
const WHOLE = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/tmp", "/var", "/var/tmp"];
const VAR_TMP = { kind: "symlink", target: "/var/tmp", to: "/tmp" } as const;
/** Writable file systems of the sandbox's own; what lies below them must not be movable by the agent (F3). */
const OWN_WRITABLE = ["/tmp", "/dev/shm"];

export interface MountPlan {
  readonly mounts: readonly Mount[];
  readonly placeholders: readonly Placeholder[];
  readonly mutable: readonly string[];
}

export function mountsOf(agent: Agent, facts: HostFacts, release: Release): MountPlan {
  const own = agent.shape.kind === "root" ? sealedRoot(agent.shape, release) : workspace(agent.shape, release);
  const read = agent.read.map((path): Bind => {
    const fact = facts.read.find((candidate) => candidate.path === path);
    if (fact === undefined) throw new SandboxError("bad-path", `read: ${path} does not exist on this host`);
    return { kind: "bind", access: "sealed", source: fact.source, target: path, of: fact.kind, role: "read" };
  });
  for (const { target } of [...read, ...own.binds]) {
    const reserved =
      RESERVED.find((place) => isInside(target, place) || isInside(place, target)) ??
      WHOLE.find((place) => target === place);
    if (reserved === undefined) continue;
    throw new SandboxError("bad-path", `${target} cannot be shown to an agent: ${reserved} is the sandbox's own`);
  }
  // Outer before inner: a mount over a parent would hide what was mounted below it before.
  const outermost = (a: Bind, b: Bind): number => a.target.split("/").length - b.target.split("/").length;
  const binds = [...read.sort(outermost), ...own.binds];
  const tmp = agent.resources.tmp ?? DEFAULT_TMP;
  return {
    mounts: [
      ...systemMounts(facts),
      { kind: "proc", target: "/proc" },
      ...facts.covered.map((target): Bind => ({ ...bind(facts.own.empty, target, "cover"), of: "file" })),
      { kind: "dev", target: "/dev" },
      { kind: "remount-read-only", target: "/dev" },
      { kind: "tmpfs", target: "/dev/shm", mode: "1777", size: tmp },
      { kind: "tmpfs", target: "/tmp", mode: "1777", size: tmp },
      { kind: "directory", target: "/tmp/home", mode: "0700" },
      ...(binds.some(({ target }) => isInside(target, "/var/tmp")) ? [] : [VAR_TMP]),
      ...pinned(binds),
      { kind: "remount-read-only", target: "/" },
    ],
    placeholders: own.placeholders,
    mutable: own.mutable,
  };
}

function systemMounts(facts: HostFacts): Mount[] {
  const mounts: Mount[] = [bind("/usr", "/usr", "system")];
  for (const { name, link } of facts.systemDirectories) {
    mounts.push(link === undefined ? bind(name, name, "system") : { kind: "symlink", target: name, to: link });
  }
  mounts.push(bind(facts.own.etc, "/etc", "etc"));
  return mounts;
}

function bind(source: string, target: string, role: string): Bind {
  return { kind: "bind", access: "sealed", source, target, of: "directory", role };
}

interface ShapePlan {
  readonly binds: readonly Bind[];
  readonly placeholders: readonly Placeholder[];
  readonly mutable: readonly string[];
}

/** Nothing is mounted inside anything the agent can write: the mount points are in the release. */
function sealedRoot(shape: Extract<Agent["shape"], { kind: "root" }>, release: Release): ShapePlan {
  const holes = shape.mutable.map((path): Bind => {
    const source = join(shape.root, path);
    const of = release.mutableKinds[path] ?? "directory";
    return { kind: "bind", access: "mutable", source, target: source, of, role: "state" };
  });
  return {
    binds: [bind(release.tree, shape.root, "release"), ...holes],
    placeholders: [],
    mutable: holes.map((hole) => hole.source),
  };
}

/** Every ancestor of a sealed name is a mount of itself, so that it can be neither renamed nor removed (F3). */
function workspace(shape: Extract<Agent["shape"], { kind: "workspace" }>, release: Release): ShapePlan {
  const root = shape.workspace;
  const state = (path: string, role: string): Bind => {
    const source = path === "" ? root : join(root, path);
    return { kind: "bind", access: "mutable", source, target: source, of: "directory", role };
  };
  const pins = [...new Set(release.overlays.flatMap((overlay) => parentsWithin(overlay.path)))].sort();
  const overlays = release.overlays.map(
    (overlay): Bind => ({
      kind: "bind",
      access: "sealed",
      source: overlay.source,
      target: join(root, overlay.path),
      of: overlay.kind,
      role: overlay.standIn ? "stand-in" : "release",
    }),
  );
  return {
    binds: [state("", "workspace"), ...pins.map((path) => state(path, "pin")), ...overlays],
    placeholders: release.overlays
      .filter((overlay) => overlay.absent)
      .map((overlay) => ({ path: join(root, overlay.path), kind: overlay.kind })),
    mutable: [root],
  };
}

/**
 * A project below `/tmp` has ancestors in a file system that the agent can write, and could be renamed away with them.
 * Its first ancestor there becomes a small file system of its own, which is closed once the mount points are in it.
 */
function pinned(binds: readonly Bind[]): Mount[] {
  const guards = new Set<string>();
  for (const { target } of binds) {
    const place = OWN_WRITABLE.find((candidate) => isInside(target, candidate) && target !== candidate);
    if (place === undefined) continue;
    const first = target.slice(place.length + 1).split("/")[0] ?? "";
    const guard = join(place, first);
    if (guard !== target || !binds.some((other) => other.target === guard)) guards.add(guard);
  }
  const own = [...guards].filter((guard) => !binds.some((other) => other.target === guard));
  return [
    ...own.map((target): Mount => ({ kind: "tmpfs", target, mode: "0755", size: MEBIBYTE })),
    ...binds,
    ...own.map((target): Mount => ({ kind: "remount-read-only", target })),
  ];
}

/** What root has to stage because the agent's uid may not be able to reach it: all but the system. */
export function needsStaging(mount: Mount): mount is Bind {
  return mount.kind === "bind" && mount.role !== "system";
}
