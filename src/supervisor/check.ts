/** Everything that can be said about a policy before anything is started. */
import { existsSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Finding } from "../core/finding.ts";
import { isInside } from "../core/paths.ts";
import { didYouMean } from "../core/suggest.ts";
import type { Agent, Policy, PolicyProblem } from "../policy/types.ts";
import { withoutLinks } from "./prepare.ts";

export interface CheckOptions {
  /** Absolute. */
  readonly policyFile: string;
  /** Absolute. */
  readonly stateDir: string;
  /** Only this agent; absent: every agent of the file. */
  readonly agent?: string;
}

export interface CheckResult {
  /** `unanswerable`: there was no policy to judge, or not the agent asked for. The findings say what was missing. */
  readonly kind: "ok" | "unanswerable";
  readonly findings: readonly Finding[];
}

/**
 * Loads the policy and judges it against the host's files as they are now. Defects of the file, things it asks for that
 * nothing enforces yet, and hazards come back alike as findings. Reads, never executes.
 */
export async function checkPolicy(options: CheckOptions): Promise<CheckResult> {
  const { loadPolicy } = await import("../policy/load.ts");
  const loaded = loadPolicy(withoutLinks(options.policyFile));
  const { file } = loaded.kind === "ok" ? loaded.policy : loaded;
  switch (loaded.kind) {
    case "missing":
      return unanswerable({
        id: "policy-missing",
        file,
        message: "there is no policy file",
        fix: "Write one with `hardline init`, or name it with --policy FILE.",
      });
    case "unreadable":
      return unanswerable({
        id: "policy-unreadable",
        file,
        message: `the policy file cannot be read: ${loaded.reason}`,
        fix: "Make it a plain file that this user may read.",
      });
    case "invalid":
      return { kind: "ok", findings: loaded.problems.map((problem) => toFinding(problem, "error", file)) };
    case "ok":
      return checkLoaded(options, loaded.policy, loaded.warnings);
  }
}

async function checkLoaded(
  { agent: wanted, stateDir }: CheckOptions,
  policy: Policy,
  warnings: readonly PolicyProblem[],
): Promise<CheckResult> {
  const agents = Object.values(policy.agents).filter(({ name }) => wanted === undefined || name === wanted);
  if (agents.length === 0) {
    const names = Object.keys(policy.agents);
    return unanswerable({
      id: "unknown-agent",
      file: policy.file,
      message: wanted === undefined ? "the policy has no agents" : `the policy has no agent "${wanted}"`,
      fix: (wanted !== undefined && didYouMean(wanted, names)) || `Its agents: ${names.join(", ") || "none"}.`,
    });
  }
  const [{ findHazards }, { unenforced }] = await Promise.all([
    import("../analysis/hazards/find.ts"),
    import("../policy/unenforced.ts"),
  ]);
  const findings = warnings.map((warning) => toFinding(warning, "warning", policy.file));
  // What concerns the file as a whole is found again for every agent.
  const said = new Set<string>();
  for (const agent of agents) {
    for (const problem of unenforced(policy, agent.name)) {
      const key = `${problem.id} ${problem.line}:${problem.column} ${problem.message}`;
      if (!said.has(key)) findings.push(toFinding(problem, "error", policy.file));
      said.add(key);
    }
    findings.push(...stateInReach(policy, agent, stateDir));
    const report = await findHazards(policy, agent, { stateDir });
    findings.push(...report.findings);
  }
  return { kind: "ok", findings };
}

function toFinding(problem: PolicyProblem, severity: Finding["severity"], file: string): Finding {
  const { id, message, hint, line, column } = problem;
  return {
    id,
    severity,
    file,
    line,
    column,
    message,
    fix: hint === "" ? "Change this line; `hardline check` judges it again." : hint,
  };
}

function unanswerable(finding: Pick<Finding, "id" | "file" | "message" | "fix">): CheckResult {
  return { kind: "unanswerable", findings: [{ ...finding, severity: "error", line: 1, column: 1 }] };
}

/**
 * A sealed root is copied into the release store, which lies in the state directory: the root must not hold it. Nor may an
 * agent read it. `run` refuses both. (A state directory that the agent could write is a hazard, and found with the others.)
 */
function stateInReach(policy: Policy, { name, shape, read }: Agent, stateDir: string): Finding[] {
  const state = realPathOf(stateDir);
  const found = (id: string, pointer: string, message: string): Finding => ({
    id,
    severity: "error",
    file: policy.file,
    ...(policy.positions[`/agents/${name}/${pointer}`] ?? { line: 1, column: 1 }),
    message,
    fix: "Keep the state elsewhere: --state DIR, or XDG_STATE_HOME.",
    agent: name,
  });
  const inRoot = shape.kind === "root" && isInside(state, realPathOf(shape.root)) ? shape.root : undefined;
  const inRead = read.findIndex((path) => isInside(state, realPathOf(path)) || isInside(realPathOf(path), state));
  return [
    ...(inRoot !== undefined
      ? [found("state-in-root", "root", `the state directory ${stateDir} lies inside the sealed root ${inRoot}`)]
      : []),
    ...(inRead === -1
      ? []
      : [
          found(
            "state-in-read",
            `read/${inRead}`,
            `read: ${read[inRead]} would show the state directory ${stateDir} to the agent`,
          ),
        ]),
  ];
}

/** The path without symlinks, as far as it exists yet. */
function realPathOf(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  const parent = dirname(path);
  return parent === path ? path : join(realPathOf(parent), basename(path));
}
