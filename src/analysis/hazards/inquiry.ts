import { readFileSync } from "node:fs";
import type { Policy, Sandboxed } from "../../policy/types.ts";
import { inPolicy, type Report, type Where } from "./report.ts";
import type { World } from "./world.ts";

/** The PATH of the sandbox where the policy sets none. */
export const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The HOME of the sandbox where the policy sets none: fresh in every run. */
export const HOME = "/tmp/home";

/** The most that one inquiry reads: beyond it a project is not a program but a package store. */
const MAX_FILES = 5_000;
const MAX_BYTES = 64 * 1024 * 1024;
/** A source above this is generated or data; the parsers would take seconds. */
const MAX_ONE = 4 * 1024 * 1024;

/** What every rule is handed: the question, the tree it is about, and where answers go. */
export interface Inquiry {
  readonly policy: Policy;
  readonly agent: Sandboxed;
  readonly world: World;
  readonly report: Report;
  readonly sources: Sources;
}

/** A place in the agent's own entry of the policy. */
export function ofAgent(inquiry: Inquiry, ...segments: readonly (string | number)[]): Where {
  return inPolicy(inquiry.policy, "agents", inquiry.agent.name, ...segments);
}

/** Reads program text, each file once, within the bounds. */
export class Sources {
  readonly #world: World;
  readonly #report: Report;
  readonly #taken = new Set<string>();
  #bytes = 0;
  #capped = false;

  constructor(world: World, report: Report) {
    this.#world = world;
    this.#report = report;
  }

  /**
   * The text of a program that has not been read before, or `undefined`: read already (by the same `reader`), not a file, or
   * past the bounds (which is reported).
   */
  take(path: string, reader: string, at: Where): string | undefined {
    const key = `${reader}:${path}`;
    if (this.#taken.has(key)) return undefined;
    this.#taken.add(key);
    return this.read(path, at);
  }

  /** The text of a file as UTF-8, or `undefined` where it is none or the bounds are met. */
  read(path: string, at: Where): string | undefined {
    const real = this.#world.follow(path);
    if (real.kind !== "file") return undefined;
    const stats = this.#world.stat(real.path);
    // A pipe or a device has no end; what is sealed under its name is not a program.
    if (stats?.isFile() !== true) return undefined;
    const { size } = stats;
    if (this.#taken.size > MAX_FILES || this.#bytes + size > MAX_BYTES || size > MAX_ONE) {
      if (!this.#capped) {
        const bound = `${MAX_FILES} files, ${MAX_BYTES >> 20} MiB in all and ${MAX_ONE >> 20} MiB each`;
        this.#report.add("analysis-capped", {
          at,
          message: `${path} was not read: the analysis is bounded to ${bound}`,
        });
      }
      this.#capped = true;
      return undefined;
    }
    this.#bytes += size;
    try {
      return readFileSync(this.#world.hostPath(real.path), "utf8");
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#report.add("unparsable", { at, message: `${path} cannot be read: ${reason}` });
      return undefined;
    }
  }
}

/**
 * Turns offsets of a program's text into places on the host: where the content of a sealed name comes from, not where the
 * agent sees it.
 */
export function locator({ world }: Inquiry, path: string, text: string): (offset: number) => Where {
  const file = world.hostPath(world.follow(path).path);
  const starts = [0];
  for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", end + 1)) starts.push(end + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length;
    // The last line that starts at or before the offset.
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return { file, line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  };
}
