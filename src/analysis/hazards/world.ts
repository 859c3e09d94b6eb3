/**
 * The file tree as the agent will see it, computed from the host's before anything is mounted: what each path shows, and
 * who may decide what it shows. A path here is always the absolute path *inside* the sandbox.
 */
import { readdirSync, readlinkSync, type Stats } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import type { Sandboxed } from "../../policy/types.ts";
import type { StandIn } from "./hazard-report.ts";
import type { HazardId } from "./registry.ts";
import { lookAt } from "./tree.ts";

/**
 * Who decides what stands at a path: `sealed` a release; `mutable` the agent, for good; `scratch` the agent, for one run;
 * `system` the host's own programs; `read` a live view of the host; `nowhere` nobody, as nothing is mounted there.
 */
export type Place = "sealed" | "mutable" | "scratch" | "system" | "read" | "nowhere";

export type Kind = "file" | "directory" | "absent";

/** Directories of the host that are shown read-only in every sandbox. */
const SYSTEM = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc"];
/** Directories that are fresh, empty and writable in every run; `/var/tmp` is a link to the first, unless something is there. */
const SCRATCH = ["/tmp", "/dev/shm"];
const VAR_TMP = "/var/tmp";
/** As the kernel's limit on links in one path. */
const MAX_LINKS = 40;

/** Whether `path` is `directory` or lies below it. */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === "/" ? "/" : `${directory}/`);
}

/** A path with every link in it followed, as the sandbox would. */
export interface Resolved {
  readonly path: string;
  readonly kind: Kind;
  /** The agent may replace a link on the way, and so decide where the path leads. */
  readonly steered: boolean;
}

export class World {
  /** The root or the workspace; also the current directory of the agent. */
  readonly base: string;
  readonly sandboxed: Sandboxed;
  readonly #mutable: readonly string[];
  /** Sealed entries of a workspace, by path: where the content comes from, and what stands in for it where absent. */
  readonly #sealed = new Map<string, { readonly source: string; readonly absent: Kind }>();
  readonly #pinned = new Set<string>();
  readonly #scratch: readonly string[];
  /** What lies between a scratch directory and a mount below it: closed, so that nothing there can be moved or made. */
  readonly #guards: readonly string[];
  readonly #standIns = new Map<string, StandIn>();
  readonly #stats = new Map<string, Stats | undefined>();

  constructor(sandboxed: Sandboxed) {
    this.sandboxed = sandboxed;
    const { shape } = sandboxed;
    const mounted = [shape.kind === "root" ? shape.root : shape.workspace, ...sandboxed.read];
    this.#scratch = mounted.some((path) => isWithin(path, VAR_TMP)) ? SCRATCH : [...SCRATCH, VAR_TMP];
    this.#guards = SCRATCH.flatMap((directory) =>
      mounted
        .filter((path) => path !== directory && isWithin(path, directory))
        .map((path) => join(directory, path.slice(directory.length + 1).split("/")[0] ?? "")),
    );
    if (shape.kind === "root") {
      this.base = shape.root;
      this.#mutable = shape.mutable.map((path) => join(shape.root, path));
      return;
    }
    this.base = shape.workspace;
    this.#mutable = [shape.workspace];
    for (const entry of shape.sealed) {
      const path = join(shape.workspace, entry.path);
      this.#sealed.set(path, { source: entry.source ?? path, absent: entry.directory ? "directory" : "file" });
      this.#pinAbove(path);
    }
  }

  /** Who decides what stands at `path`. Links are not followed; see {@link follow}. */
  place(path: string): Place {
    if (isWithin(path, this.base)) {
      for (let at = path; isWithin(at, this.base); at = dirname(at)) {
        if (this.#sealed.has(at) || this.#standIns.has(at)) return "sealed";
        if (at === "/") break;
      }
      return this.#mutable.some((mutable) => isWithin(path, mutable)) ? "mutable" : "sealed";
    }
    if (this.sandboxed.read.some((read) => isWithin(path, read))) return "read";
    if (SYSTEM.some((directory) => isWithin(path, directory))) return "system";
    if (this.#guards.some((guard) => isWithin(path, guard))) return "nowhere";
    if (this.#scratch.some((directory) => isWithin(path, directory))) return "scratch";
    return "nowhere";
  }

  /** Whether the agent may write at `path` itself. */
  writable(path: string): boolean {
    const place = this.place(path);
    return place === "mutable" || place === "scratch";
  }

  /** The host path that holds the content shown at `path`. */
  hostPath(path: string): string {
    for (let at = path; ; at = dirname(at)) {
      const entry = this.#sealed.get(at);
      if (entry !== undefined) return join(entry.source, relative(at, path));
      if (at === dirname(at)) return path;
    }
  }

  /** Follows every link in `path`, inside the sandbox. A loop counts as absent. */
  follow(path: string): Resolved {
    let steered = false;
    let links = 0;
    let done = "/";
    const todo = path.split("/").filter((part) => part !== "");
    for (let part = todo.shift(); part !== undefined; part = todo.shift()) {
      if (part === ".") continue;
      const next = part === ".." ? dirname(done) : join(done, part);
      const target = part === ".." ? undefined : this.#link(next);
      if (target === undefined) {
        done = next;
        continue;
      }
      steered ||= this.writable(next);
      if (++links > MAX_LINKS) return { path: resolve(next, ...todo), kind: "absent", steered };
      if (target.startsWith("/")) done = "/";
      todo.unshift(...target.split("/").filter((each) => each !== ""));
    }
    return { path: done, kind: this.#kindOf(done), steered };
  }

  kind(path: string): Kind {
    return this.follow(path).kind;
  }

  /** Whether the agent decides what is found at `path`, followed: its content, or where a link on the way leads. */
  agentDecides(path: string): boolean {
    const real = this.follow(path);
    return real.steered || this.writable(real.path);
  }

  /**
   * Whether the agent could make a file (or a directory) appear at `path`, whatever stands there now. A pinned directory
   * cannot become a file; a directory that is mutable is already one to fill.
   */
  forgeable(path: string, as: "file" | "directory"): boolean {
    const parent = this.follow(dirname(path));
    if (parent.kind === "file") return parent.steered;
    const real = join(parent.path, basename(path));
    if (parent.steered) return true;
    if (!this.writable(real)) return false;
    // A mutable directory is itself a mount, which cannot be replaced; only what is in it can.
    const fixed = this.#pinned.has(real) || this.#mutable.includes(real);
    return as === "directory" || !fixed;
  }

  /**
   * Closes a hazard by a sealed, empty name. Answers whether it is closed: not where there is no workspace to put it in, nor
   * where something stands there already (which the agent may have put there, and a person has to look at).
   */
  standIn(path: string, kind: "file" | "directory", closes: HazardId): boolean {
    if (this.sandboxed.shape.kind !== "workspace") return false;
    const parent = this.follow(dirname(path));
    if (parent.steered || parent.path !== dirname(path) || parent.kind !== "directory") return false;
    const known = this.#standIns.get(path);
    if (known !== undefined) return known.kind === kind;
    if (this.place(path) !== "mutable" || this.#pinned.has(path) || path === this.base) return false;
    if (!this.#emptyOrAbsent(path, kind)) return false;
    this.#standIns.set(path, { path: relative(this.base, path), kind, closes });
    this.#pinAbove(path);
    return true;
  }

  standIns(): readonly StandIn[] {
    return [...this.#standIns.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** Names in a directory as the agent will see it at the start; empty where it is none. */
  names(directory: string): readonly string[] {
    try {
      return readdirSync(this.hostPath(directory)).sort();
    } catch {
      return []; // absent or unreadable: what is not listed is still judged when it is named
    }
  }

  /** What `lstat` says of the host path behind `path`. */
  stat(path: string): Stats | undefined {
    const host = this.hostPath(path);
    if (!this.#stats.has(host)) this.#stats.set(host, lookAt(host));
    return this.#stats.get(host);
  }

  /** The text of a link that stands at `path`, where it shows in the sandbox. */
  #link(path: string): string | undefined {
    if (this.place(path) === "nowhere" || this.#standIns.has(path) || !this.stat(path)?.isSymbolicLink())
      return undefined;
    try {
      return readlinkSync(this.hostPath(path));
    } catch {
      return undefined;
    }
  }

  #kindOf(path: string): Kind {
    const standIn = this.#standIns.get(path);
    if (standIn !== undefined) return standIn.kind;
    if (this.#pinned.has(path) || isWithin(this.base, path)) return "directory";
    const place = this.place(path);
    // A fresh directory is empty at the start; what the host has there is not what the agent finds.
    if (place === "scratch") return this.#scratch.includes(path) ? "directory" : "absent";
    if (place === "nowhere") return "absent";
    const stats = this.stat(path);
    if (stats === undefined) return this.#sealed.get(path)?.absent ?? "absent";
    return stats.isDirectory() ? "directory" : "file";
  }

  #emptyOrAbsent(path: string, kind: "file" | "directory"): boolean {
    const stats = this.stat(path);
    if (stats === undefined) return true;
    if (kind === "directory") return stats.isDirectory() && this.names(path).length === 0;
    return stats.isFile() && stats.size === 0 && stats.nlink === 1;
  }

  #pinAbove(path: string): void {
    for (let at = dirname(path); at !== this.base && isWithin(at, this.base); at = dirname(at)) this.#pinned.add(at);
  }
}
