/** Small projects on disk, and policies over them, for the tests of the hazard analysis. */
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Finding } from "../../src/core/finding.ts";
import type { Acceptance, Agent, Policy, SealedEntry } from "../../src/policy/types.ts";

/** Not below /tmp, which the agent has a writable one of. */
const PLACE = "/var/tmp";

export interface Project {
  readonly dir: string;
  /** Writes files (and makes directories of names that end in a slash). */
  write(files: Readonly<Record<string, string>>): void;
  path(name: string): string;
  remove(): void;
}

export function makeProject(files: Readonly<Record<string, string>> = {}): Project {
  const dir = realpathSync(mkdtempSync(join(PLACE, "hardline-hazards-")));
  const project: Project = {
    dir,
    write: (more) => {
      for (const [name, text] of Object.entries(more)) {
        const path = join(dir, name);
        mkdirSync(name.endsWith("/") ? path : dirname(path), { recursive: true });
        if (name.endsWith("/")) continue;
        writeFileSync(path, text);
        if (text.startsWith("#!")) chmodSync(path, 0o755);
      }
    },
    path: (name) => join(dir, name),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
  project.write(files);
  return project;
}

interface AgentOptions {
  readonly name?: string;
  readonly run?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly read?: readonly string[];
  readonly accept?: readonly Acceptance[];
}

function makeAgent(shape: Agent["shape"], options: AgentOptions): Agent {
  return {
    name: options.name ?? "trader",
    run: options.run ?? ["/bin/true"],
    shape,
    read: options.read ?? [],
    env: options.env ?? {},
    resources: {},
    allow: [],
    accept: options.accept ?? [],
    tools: [],
  };
}

/** `root:` with `mutable:`, the default shape. */
export function rootAgent(root: string, mutable: readonly string[], options: AgentOptions = {}): Agent {
  return makeAgent({ kind: "root", root, mutable: [...mutable].sort() }, options);
}

/** `workspace:` with `sealed:`; a string is sealed as it stands (a directory with a slash at the end). */
export function workspaceAgent(
  workspace: string,
  sealed: readonly (string | SealedEntry)[],
  options: AgentOptions = {},
): Agent {
  const entries = sealed.map((each): SealedEntry => {
    if (typeof each !== "string") return each;
    const directory = each.endsWith("/");
    return { path: directory ? each.slice(0, -1) : each, directory };
  });
  return makeAgent({ kind: "workspace", workspace, sealed: entries }, options);
}

/** A policy file that stands beside the project, not in it. */
export function policyOf(dir: string, ...agents: readonly Agent[]): Policy {
  const file = join(dirname(dir), "hardline.yaml");
  const name = agents[0]?.name ?? "";
  return {
    version: 1,
    file,
    dir: dirname(dir),
    digest: `sha256:${"0".repeat(64)}`,
    agents: Object.fromEntries(agents.map((agent) => [agent.name, agent])),
    tools: {},
    credentials: {},
    limits: [],
    redLines: [],
    respond: [],
    operators: {},
    alerts: [],
    later: {},
    positions: {
      "": { line: 1, column: 1 },
      "/agents": { line: 2, column: 1 },
      [`/agents/${name}`]: { line: 3, column: 3 },
      [`/agents/${name}/run`]: { line: 4, column: 5 },
      [`/agents/${name}/root`]: { line: 5, column: 5 },
      [`/agents/${name}/workspace`]: { line: 5, column: 5 },
      [`/agents/${name}/mutable`]: { line: 6, column: 5 },
      [`/agents/${name}/sealed`]: { line: 6, column: 5 },
      [`/agents/${name}/env`]: { line: 7, column: 5 },
      [`/agents/${name}/accept/0`]: { line: 8, column: 7 },
    },
  };
}

/** `id path-of-the-message` lines are hard to compare: the ids alone, sorted, errors and warnings. */
export function idsOf(findings: readonly Finding[]): string[] {
  return [...new Set(findings.filter((each) => each.severity !== "info").map((each) => each.id))].sort();
}
