/**
 * The plan of a sandbox: everything that will be asked of the kernel, as data. `planSandbox` is pure: a policy's agent,
 * the host's facts and a sealed release in, a plan out, the same every time. It can be printed, compared and tested
 * without being run, and attestation compares the running sandbox with it.
 */
import type { Agent, Resources } from "../policy/types.ts";
import { commandCandidates, environmentOf } from "./environment.ts";
import type { HostFacts } from "./facts.ts";
import type { ResourceLimit } from "./launch/gate.ts";
import type { Placeholder } from "./launch/launcher.ts";
import { type Mount, mountsOf } from "./mounts.ts";
import type { Release } from "./store/release.ts";

/** Limits of the kernel's that a control group keeps; absent where none can be had. */
export interface CgroupPlan {
  /** One directory for each hierarchy, made and joined by the run's keeper. */
  readonly directories: readonly string[];
  /** Files to write before the agent starts, in order. */
  readonly settings: readonly { readonly file: string; readonly value: string }[];
}

export interface Plan {
  readonly agent: string;
  readonly policyDigest: string;
  readonly releaseDigest: string;
  /** Absolute path of the release's tree, which every sealed mount of the policy's comes from. */
  readonly releaseTree: string;
  /** Whom the agent runs as, and how it comes about. */
  readonly identity: { readonly uid: number; readonly gid: number; readonly by: "own-uid" | "user-namespace" };
  readonly mounts: readonly Mount[];
  /** Names that stand in a workspace while the agent runs, so that something sealed can lie there. */
  readonly placeholders: readonly Placeholder[];
  readonly environment: Readonly<Record<string, string>>;
  /** The agent's argv, passed unchanged. */
  readonly command: readonly string[];
  /** What is tried as its program, in order. */
  readonly candidates: readonly string[];
  readonly workingDirectory: string;
  readonly limits: readonly ResourceLimit[];
  readonly cgroup: CgroupPlan;
  /** Limits that were not asked for and that this host cannot keep, in words. */
  readonly unlimited: readonly string[];
  /** Host directories that the agent can write and that outlast it. */
  readonly mutable: readonly string[];
}

export interface PlanInput {
  readonly agent: Agent;
  readonly policyDigest: string;
  readonly facts: HostFacts;
  readonly release: Release;
  readonly cgroup: CgroupPlan;
  readonly unlimited: readonly string[];
  /** Replaces the policy's `run`, where something was given after `--`. */
  readonly command?: readonly string[];
}

/** `RLIMIT_*` of the kernel, the same on both machines. */
const RLIMIT = {
  fsize: 1,
  core: 4,
  nproc: 6,
  nofile: 7,
  memlock: 8,
  sigpending: 11,
  msgqueue: 12,
  rtprio: 14,
} as const;
const DEFAULT_PROCESSES = 512;
const DEFAULT_OPEN_FILES = 4096;
const MEBIBYTE = 1024 * 1024;

export function planSandbox(input: PlanInput): Plan {
  const { agent, facts, release } = input;
  const { mounts, placeholders, mutable } = mountsOf(agent, facts, release);
  const environment = environmentOf(agent, facts);
  const command = input.command ?? agent.run;
  const home = agent.shape.kind === "root" ? agent.shape.root : agent.shape.workspace;
  return {
    agent: agent.name,
    policyDigest: input.policyDigest,
    releaseDigest: release.digest,
    releaseTree: release.tree,
    identity: { uid: facts.agentUid, gid: facts.agentGid, by: facts.root ? "own-uid" : "user-namespace" },
    mounts,
    placeholders,
    environment,
    command,
    candidates: commandCandidates(command[0] ?? "", environment["PATH"] ?? "", home),
    workingDirectory: home,
    limits: limitsOf(agent.resources),
    cgroup: input.cgroup,
    unlimited: input.unlimited,
    mutable,
  };
}

/** What each process is held to whether or not there is a control group (K6). */
function limitsOf(resources: Resources): ResourceLimit[] {
  const limits: ResourceLimit[] = [
    // One byte and not none: only that keeps the kernel from handing a core to a program of the host's, too (core(5)).
    { name: "core-file", resource: RLIMIT.core, value: 1 },
    // One more: the gate, which the kernel counts with the agent's.
    { name: "processes", resource: RLIMIT.nproc, value: processLimit(resources) + 1 },
    { name: "open-files", resource: RLIMIT.nofile, value: resources.openFiles ?? DEFAULT_OPEN_FILES },
    { name: "locked-memory", resource: RLIMIT.memlock, value: 8 * MEBIBYTE },
    { name: "message-queues", resource: RLIMIT.msgqueue, value: 0 },
    { name: "pending-signals", resource: RLIMIT.sigpending, value: 4096 },
    { name: "realtime-priority", resource: RLIMIT.rtprio, value: 0 },
  ];
  if (resources.fileSize !== undefined) {
    limits.push({ name: "file-size", resource: RLIMIT.fsize, value: resources.fileSize });
  }
  return limits;
}

/** How many processes and threads the agent may have at once. */
export function processLimit(resources: Resources): number {
  return resources.processes ?? DEFAULT_PROCESSES;
}
