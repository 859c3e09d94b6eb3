/**
 * Where Hardline itself lies must be out of every agent's reach: an agent that can write to it is asked to guard itself at
 * the next start. No reason makes that acceptable, so it is not among the hazards that can be accepted by name.
 */
import { realpathSync } from "node:fs";
import { basename, dirname } from "node:path";
import { isInside } from "../core/paths.ts";
import { mutablePlaces } from "../policy/places.ts";
import type { Policy } from "../policy/types.ts";
import { SupervisorError } from "./errors.ts";

/** The places whose content decides what the next start does: this program's package, and its interpreter. */
export function ownPlaces(): string[] {
  const own = dirname(realpathSync(import.meta.dirname));
  const around = dirname(own);
  // Installed, it lies among the packages that it loads, and the links by which it is started.
  return [basename(around) === "node_modules" ? around : own, realpathSync(process.execPath)];
}

/**
 * A policy that is reached by a link is where the link says, and what the link says is whoever's who can write there.
 * Throws `SupervisorError` where the link lies in an agent's reach.
 */
export function refusePolicyLinkMutable(policy: Policy, given: string): void {
  if (given === realpathSync(given)) return;
  for (const agent of Object.values(policy.agents)) {
    const mutable = mutablePlaces(agent).find((candidate) => isInside(given, candidate));
    if (mutable === undefined) continue;
    throw new SupervisorError(
      "own-code-mutable",
      `the policy is reached by the link ${given}, which ${agent.name} can change, since it lies in ${mutable}`,
      "Name the policy's own file with --policy.",
    );
  }
}

/** Throws `SupervisorError` where an agent of the policy can write to one of them, or to a directory that holds one. */
export function refuseOwnCodeMutable(policy: Policy, own: readonly string[] = ownPlaces()): void {
  for (const agent of Object.values(policy.agents)) {
    for (const place of own) {
      const mutable = mutablePlaces(agent).find(
        (candidate) => isInside(place, candidate) || isInside(candidate, place),
      );
      if (mutable === undefined) continue;
      throw new SupervisorError(
        "own-code-mutable",
        `${agent.name} can write to ${mutable}, where Hardline itself is (${place})`,
        "Install Hardline outside of what agents can write, or use the shape of a sealed root.",
      );
    }
  }
}
