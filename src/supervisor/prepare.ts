/**
 * Everything that has to be right before a sandbox is planned: the policy, that all of it is enforced, the hazards, the
 * sealed content. Each step can refuse; none of them starts anything.
 */
import { readFileSync, realpathSync } from "node:fs";
import { dirname } from "node:path";
import { keep, recall, slotName } from "../core/cache.ts";
import { type Finding, isBlocking } from "../core/finding.ts";
import { printable } from "../core/printable.ts";
import type { Agent, LoadResult, Policy } from "../policy/types.ts";
import { unenforced } from "../policy/unenforced.ts";
import { agentUid } from "../sandbox/agent-uid.ts";
import { type Grants, planCgroup } from "../sandbox/cgroup.ts";
import { collectFacts, type HostFacts } from "../sandbox/facts.ts";
import { openUp } from "../sandbox/open-up.ts";
import { type Plan, planSandbox, processLimit } from "../sandbox/plan.ts";
import type { Progress } from "../sandbox/store/build.ts";
import { type Release, type StandInRequest, sealRelease, survey, withStandIns } from "../sandbox/store/release.ts";
import { SupervisorError } from "./errors.ts";
import { refuseOwnCodeMutable, refusePolicyLinkMutable } from "./own-code.ts";
import { surroundings } from "./surroundings.ts";

export interface PrepareOptions {
  /** Absolute path. */
  readonly policyFile: string;
  /** Absolute path. */
  readonly stateDir: string;
  /** Needed where the policy has several. */
  readonly agent?: string;
  /** Runs in place of the agent's own `run`. */
  readonly command?: readonly string[];
}

export interface Prepared {
  readonly policy: Policy;
  readonly agent: Agent;
  readonly facts: HostFacts;
  readonly release: Release;
  readonly plan: Plan;
  /** Findings that do not keep the agent from starting. */
  readonly findings: readonly Finding[];
}

/** The policy, from the cache where the file is the same. */
export async function loadCached(policyFile: string, stateDir: string): Promise<LoadResult> {
  const slot = `policy-${slotName(policyFile)}`;
  const key = contentOf(policyFile);
  const known = key === undefined ? undefined : recall(stateDir, slot, key);
  if (known !== undefined) return known as LoadResult;
  const { loadPolicy } = await import("../policy/load.ts");
  const result = loadPolicy(policyFile);
  // It was read a second time for that: somebody may have written to it in between.
  if (key !== undefined && key === contentOf(policyFile)) keep(stateDir, slot, key, result);
  return result;
}

/** All that a policy follows from: its text, and where a directory that may be a symlink has it. */
function contentOf(policyFile: string): string | undefined {
  try {
    return `${policyFile}\n${realpathSync(dirname(policyFile))}\n${readFileSync(policyFile, "latin1")}`;
  } catch {
    return undefined; // The loader says exactly what is wrong.
  }
}

/** The file itself, so that all that is judged by its place is judged by the right one. */
export function withoutLinks(policyFile: string): string {
  try {
    return realpathSync(policyFile);
  } catch {
    return policyFile; // Not there: the loader says so.
  }
}

async function requirePolicy({ policyFile, stateDir }: PrepareOptions): Promise<Policy> {
  const result = await loadCached(withoutLinks(policyFile), stateDir);
  switch (result.kind) {
    case "ok":
      return result.policy;
    case "missing":
      throw new SupervisorError(
        "policy",
        `there is no ${result.file}`,
        "Write one with `hardline init`, or name one with --policy.",
      );
    case "unreadable":
      throw new SupervisorError("policy", `${result.file} cannot be read: ${result.reason}`);
    case "invalid": {
      const { renderProblems } = await import("../policy/render.ts");
      throw new SupervisorError("policy", renderProblems(result.problems, result.file, { color: false }).trimEnd());
    }
  }
}

/** The agent that was named, or the only one. */
export function chooseAgent(policy: Policy, name: string | undefined): Agent {
  const names = Object.keys(policy.agents);
  if (name === undefined && names.length !== 1) {
    throw new SupervisorError(
      "which-agent",
      names.length === 0 ? `${policy.file} has no agents` : `${policy.file} has several agents: ${names.join(", ")}`,
      names.length === 0 ? "Add one under agents:." : "Name one with --agent.",
    );
  }
  const chosen = Object.hasOwn(policy.agents, name ?? names[0] ?? "")
    ? policy.agents[name ?? names[0] ?? ""]
    : undefined;
  if (chosen === undefined) {
    throw new SupervisorError("no-such-agent", `${policy.file} has no agent ${name}`, `It has: ${names.join(", ")}.`);
  }
  return chosen;
}

async function refuseUnenforced(policy: Policy, agent: Agent): Promise<void> {
  const problems = unenforced(policy, agent.name);
  if (problems.length === 0) return;
  const { renderProblems } = await import("../policy/render.ts");
  throw new SupervisorError(
    "not-enforced",
    renderProblems(problems, policy.file, { color: false }).trimEnd(),
    "The agent was not started: a rule that nothing enforces would be a promise nobody keeps.",
  );
}

interface Hazards {
  readonly findings: readonly Finding[];
  readonly standIns: readonly StandInRequest[];
}

async function judgeHazards(policy: Policy, agent: Agent, fingerprint: string, stateDir: string): Promise<Hazards> {
  // The policy as it was read, and not what stands in the file by now.
  const around = surroundings(agent, stateDir);
  const key = JSON.stringify([policy, agent.name, fingerprint, around]);
  const slot = `hazards-${slotName(`${policy.file} ${agent.name}`)}`;
  const known = recall(stateDir, slot, key) as Hazards | undefined;
  const hazards = known ?? (await analyse(policy, agent, stateDir));
  const grave = hazards.findings.filter(isBlocking);
  if (grave.length === 0) {
    // Another run of the agent may have changed what was looked at, while it was looked at.
    if (known === undefined && around === surroundings(agent, stateDir)) keep(stateDir, slot, key, hazards);
    return hazards;
  }
  // Never kept: somebody mends it, and it may be mended where no key looks.
  const lines = grave.map(
    ({ file, line, column, id, message, fix }) =>
      `${printable(file)}:${line}:${column}: ${id}: ${printable(message)}\n  ${printable(fix)}`,
  );
  throw new SupervisorError(
    "hazards",
    lines.join("\n"),
    "The agent was not started. Mend these, or accept one by name: accept: [{ id: …, because: … }] (see `hardline check`).",
  );
}

async function analyse(policy: Policy, agent: Agent, stateDir: string): Promise<Hazards> {
  const { findHazards } = await import("../analysis/hazards/find.ts");
  return findHazards(policy, agent, { stateDir });
}

/** What a plan is made with besides the policy. */
export interface Preparation {
  /** Names the run that the plan is for. */
  readonly run: string;
  readonly grants: Grants;
  readonly progress: Progress;
  /** Takes a workspace for this run alone, before it is looked at. */
  readonly lock: (workspace: string) => Promise<void>;
}

/** From the command line to a plan. */
export async function prepare(options: PrepareOptions, preparation: Preparation): Promise<Prepared> {
  const { run, grants, progress, lock } = preparation;
  const policy = await requirePolicy(options);
  const agent = chooseAgent(policy, options.agent);
  await refuseUnenforced(policy, agent);
  refuseOwnCodeMutable(policy);
  refusePolicyLinkMutable(policy, options.policyFile);
  openUp(agent);
  if (agent.shape.kind === "workspace") await lock(agent.shape.workspace);
  const surveyed = survey(agent, options.stateDir);
  const hazards = await judgeHazards(policy, agent, surveyed.fingerprint, options.stateDir);
  const root = process.getuid?.() === 0;
  const uid = root ? agentUid(options.stateDir, policy.file, agent.name) : undefined;
  const facts = collectFacts({
    state: options.stateDir,
    read: agent.read,
    ...(uid === undefined ? {} : { agentUid: uid }),
  });
  const owner = root ? { uid: facts.agentUid, gid: facts.agentGid } : undefined;
  const release = await sealRelease(withStandIns(surveyed, hazards.standIns), {
    state: options.stateDir,
    progress,
    ...(owner === undefined ? {} : { owner }),
  });
  const { cgroup, unlimited } = planCgroup(agent.resources, processLimit(agent.resources), run, grants);
  const plan = planSandbox({
    agent,
    policyDigest: policy.digest,
    facts,
    release,
    cgroup,
    unlimited,
    ...(options.command === undefined ? {} : { command: options.command }),
  });
  return { policy, agent, facts, release, plan, findings: hazards.findings };
}
