import { HAZARDS } from "./registry.ts";

/** The reference page of all hazards, as Markdown: what `hardline check` can report, and what to do about it. */
export function renderHazardReference(): string {
  const entries = Object.entries(HAZARDS).sort(([a], [b]) => (a < b ? -1 : 1));
  const sections = entries.map(
    ([id, hazard]) =>
      `## \`${id}\`\n\n**${hazard.title}.** Reported as: ${hazard.severity}.\n\n${hazard.why}\n\nWhat to do: ${hazard.fix}\n`,
  );
  return (
    "# Hazards\n\n" +
    "What `hardline check` finds before an agent starts: every way in which something mutable could stand in for, or change, " +
    "what is sealed. An error keeps the agent from starting, until it is closed or accepted by name:\n\n" +
    "```yaml\n    accept:\n      - id: limits-in-mutable\n        because: the file holds display limits only\n```\n\n" +
    "The severity given is the usual one; a case that is less or more grave says so.\n\n" +
    sections.join("\n")
  );
}
