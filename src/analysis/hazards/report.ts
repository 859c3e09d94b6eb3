import { readFileSync } from "node:fs";
import type { Finding, Position, Severity } from "../../core/finding.ts";
import type { Policy } from "../../policy/types.ts";
import { HAZARDS, type HazardId } from "./registry.ts";

/** A place in a text: the policy file, or a source that is sealed. */
export interface Where extends Position {
  readonly file: string;
}

/** More findings of one id than anybody reads; the rest are counted in one more. */
const MAX_PER_ID = 50;

export interface Details {
  readonly message: string;
  readonly at: Where;
  readonly fix?: string;
  readonly severity?: Severity;
}

/** Collects findings: each once, and a bounded number of each kind. */
export class Report {
  readonly #agent: string;
  readonly #seen = new Set<string>();
  readonly #byId = new Map<HazardId, Finding[]>();
  readonly #left = new Map<HazardId, number>();

  constructor(agent: string) {
    this.#agent = agent;
  }

  add(id: HazardId, details: Details): void {
    const { at, message } = details;
    const key = JSON.stringify([id, at.file, at.line, message]);
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    const found = this.#byId.get(id) ?? [];
    this.#byId.set(id, found);
    if (found.length >= MAX_PER_ID) {
      this.#left.set(id, (this.#left.get(id) ?? 0) + 1);
      return;
    }
    const hazard = HAZARDS[id];
    found.push({
      id,
      severity: details.severity ?? hazard.severity,
      file: at.file,
      line: at.line,
      column: at.column,
      message,
      fix: details.fix ?? hazard.fix,
      agent: this.#agent,
    });
  }

  /** Everything found, errors first, then by file and line. */
  findings(): Finding[] {
    const all = [...this.#byId.values()].flat();
    for (const [id, count] of this.#left) {
      const last = this.#byId.get(id)?.at(-1);
      if (last !== undefined) all.push({ ...last, message: `and ${count} more of the same kind` });
    }
    const rank: Readonly<Record<Severity, number>> = { error: 0, warning: 1, info: 2 };
    return all.sort(
      (a, b) =>
        rank[a.severity] - rank[b.severity] ||
        Number(a.file > b.file) - Number(a.file < b.file) ||
        a.line - b.line ||
        a.column - b.column,
    );
  }
}

/**
 * Where a value stands in the policy file. `segments` name it from the top of the written document; where that place is not
 * known (a default, or an entry that was normalised), the nearest one above it answers.
 */
export function inPolicy(policy: Policy, ...segments: readonly (string | number)[]): Where {
  for (let length = segments.length; length >= 0; length--) {
    const pointer = segments
      .slice(0, length)
      .map((segment) => `/${String(segment).replaceAll("~", "~0").replaceAll("/", "~1")}`)
      .join("");
    const position = policy.positions[pointer];
    if (position !== undefined) return { file: policy.file, line: position.line, column: position.column };
  }
  return { file: policy.file, line: 1, column: 1 };
}

/**
 * Where a path of a list, or a key of a map, stands in the policy file. Lists are sorted when they are loaded, so that the
 * text at each position says which item it is; where none does, the list itself answers.
 */
export function itemInPolicy(policy: Policy, list: readonly string[], path: string): Where {
  const pointer = list.map((segment) => `/${segment}`).join("");
  const written = [path, `./${path}`, `${path}/`, `./${path}/`];
  for (const each of written) {
    const key = `${pointer}/${each.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    const position = policy.positions[key];
    if (position !== undefined) return { file: policy.file, line: position.line, column: position.column };
  }
  const lines = linesOf(policy.file);
  for (let index = 0; ; index++) {
    const position = policy.positions[`${pointer}/${index}`];
    if (position === undefined) return inPolicy(policy, ...list);
    const rest = lines[position.line - 1]?.slice(position.column - 1) ?? "";
    const text = rest.startsWith('"') || rest.startsWith("'") ? rest.slice(1) : rest;
    const ends = (after: string): boolean => after === "" || " ,]'\"#}".includes(after);
    if (written.some((each) => text.startsWith(each) && ends(text.charAt(each.length)))) {
      return { file: policy.file, line: position.line, column: position.column };
    }
  }
}

function linesOf(file: string): readonly string[] {
  try {
    return readFileSync(file, "utf8").split("\n");
  } catch {
    return []; // only where a finding is shown depends on it
  }
}
