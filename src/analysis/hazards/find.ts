/**
 * The hazards of one agent: every way in which something mutable could stand in for, or change, what the policy seals, as
 * the host's file tree stands now and before anything is started. Reads only; executes nothing; follows programs by parsing.
 */
import { realpathSync, statSync } from "node:fs";
import type { Agent, Policy } from "../../policy/types.ts";
import { applyAcceptances } from "./acceptance.ts";
import { checkEntryPoint } from "./entry-point.ts";
import { checkEnvironment } from "./environment.ts";
import type { HazardReport } from "./hazard-report.ts";
import { type Inquiry, ofAgent, Sources } from "./inquiry.ts";
import { checkLinks } from "./links.ts";
import { checkOverlap } from "./overlap.ts";
import { checkPlaces } from "./places.ts";
import { Report } from "./report.ts";
import { checkRunsLater } from "./runs-later.ts";
import { World } from "./world.ts";

export interface HazardOptions {
  /** Absolute directory of Hardline's own state, where it is known: the agent must not reach it. */
  readonly stateDir?: string;
}

/**
 * Finds the hazards of `agent` in the host's file tree. The result is plain data. Never throws for what it finds in the
 * tree: what cannot be read or parsed is itself a finding.
 */
export async function findHazards(policy: Policy, agent: Agent, options: HazardOptions = {}): Promise<HazardReport> {
  const world = new World(agent);
  const report = new Report(agent.name);
  const inquiry: Inquiry = { policy, agent, world, report, sources: new Sources(world, report) };
  const key = agent.shape.kind;
  if (!isDirectory(world.base)) {
    report.add("root-missing", {
      at: ofAgent(inquiry, key),
      message: `${key} ${world.base} is not a directory`,
      fix: `Create ${world.base}, or correct \`${key}:\`.`,
    });
  } else {
    checkPlaces(inquiry, options.stateDir);
    // Reached through a link, which is reported: nothing below it can be relied on.
    if (realpathSync(world.base) !== world.base) return conclude(inquiry);
    checkLinks(inquiry);
    checkOverlap(inquiry);
    checkRunsLater(inquiry);
    checkEnvironment(inquiry);
    await checkEntryPoint(inquiry);
  }
  return conclude(inquiry);
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false; // absent, or nobody is let in: either way there is nothing to seal
  }
}

function conclude(inquiry: Inquiry): HazardReport {
  const { report, world } = inquiry;
  return { findings: applyAcceptances(inquiry, report.findings()), standIns: world.standIns() };
}
