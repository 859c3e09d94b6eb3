import type { Finding } from "../../core/finding.ts";
import { didYouMean } from "../../core/suggest.ts";
import { type Inquiry, ofAgent } from "./inquiry.ts";
import { HAZARDS, type HazardId, isHazardId } from "./registry.ts";
import { Report } from "./report.ts";

/** Hazards that cannot be accepted: they say that the agent cannot run, or that an acceptance itself is wrong. */
const NOT_ACCEPTABLE: ReadonlySet<string> = new Set<HazardId>([
  "root-missing",
  "sealed-missing",
  "read-missing",
  "program-missing",
  "accept-unused",
  "accept-unknown",
]);

/** Marks what `accept:` names, and reports acceptances that name nothing. */
export function applyAcceptances(inquiry: Inquiry, findings: readonly Finding[]): Finding[] {
  const reasons = new Map<string, string>();
  const more = new Report(inquiry.agent.name);
  for (const [index, { id, because }] of inquiry.agent.accept.entries()) {
    const at = ofAgent(inquiry, "accept", index);
    if (!isHazardId(id)) {
      const hint = didYouMean(id, Object.keys(HAZARDS));
      more.add("accept-unknown", {
        at,
        message: `\`accept\` names no known hazard: ${id}${hint === "" ? "" : `; ${hint}`}`,
      });
    } else if (NOT_ACCEPTABLE.has(id)) {
      more.add("accept-unknown", { at, message: `${id} cannot be accepted: ${HAZARDS[id].title.toLowerCase()}` });
    } else if (!findings.some((finding) => finding.id === id)) {
      more.add("accept-unused", { at, message: `\`accept\` names ${id}, which was not found` });
    } else {
      reasons.set(id, because);
    }
  }
  const marked = findings.map((finding) => {
    const accepted = reasons.get(finding.id);
    return accepted === undefined ? finding : { ...finding, accepted };
  });
  return [...more.findings(), ...marked];
}
