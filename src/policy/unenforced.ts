import type { Policy, PolicyProblem } from "./types.ts";

/** The parts of the file that hold for every agent in it, by their key, and what nothing does with them yet. */
const SECTIONS: readonly (readonly [key: string, what: string, used: (policy: Policy) => boolean])[] = [
  ["tools", "tool servers are not started or reached yet", (policy) => Object.keys(policy.tools).length > 0],
  ["credentials", "credentials are not put on requests yet", (policy) => Object.keys(policy.credentials).length > 0],
  ["limits", "limits are not counted yet", (policy) => policy.limits.length > 0],
  ["red_lines", "red lines are not judged yet", (policy) => policy.redLines.length > 0],
  ["respond", "responses are not carried out yet", (policy) => policy.respond.length > 0],
  ["operators", "nobody can be asked for an approval yet", (policy) => Object.keys(policy.operators).length > 0],
  ["alerts", "alerts are not sent yet", (policy) => policy.alerts.length > 0],
  ["ledger", "decisions are not written down yet", (policy) => "ledger" in policy.later],
  ["backup", "backups are not made yet", (policy) => "backup" in policy.later],
  ["changes", "changes of the policy are not held back yet", (policy) => "changes" in policy.later],
  ["blast_radius", "the blast radius is not worked out yet", (policy) => "blast_radius" in policy.later],
];

/**
 * What a policy says and nothing enforces yet, for one agent and for the file as a whole. A rule that is written down and not
 * enforced is worse than none, since somebody relies on it: `run` starts nothing while this is not empty.
 *
 * @param agentName of the agent that is to run; an agent that the policy does not have has nothing of its own.
 */
export function unenforced(policy: Policy, agentName: string): PolicyProblem[] {
  const problems = SECTIONS.flatMap(([key, what, used]) =>
    used(policy) ? [problemAt(policy, `/${key}`, key, what)] : [],
  );
  const agent = Object.hasOwn(policy.agents, agentName) ? policy.agents[agentName] : undefined;
  if (agent !== undefined) {
    const at = `/agents/${agentName}`;
    const name = `agents.${agentName}`;
    if (agent.tools.length > 0) {
      problems.push(problemAt(policy, `${at}/tools`, `${name}.tools`, "the agent cannot speak to tool servers yet"));
    }
    if (agent.allow.length > 0) {
      const what = "there is no way out of the sandbox yet that a grant could open";
      problems.push(problemAt(policy, `${at}/allow`, `${name}.allow`, what));
    }
  }
  return problems.sort((a, b) => a.line - b.line || a.column - b.column);
}

function problemAt(policy: Policy, pointer: string, key: string, what: string): PolicyProblem {
  const position = policy.positions[pointer] ?? { line: 1, column: 1 };
  return {
    id: "not-enforced-yet",
    ...position,
    message: `${key}: ${what} by this version of Hardline`,
    hint: "take it out of the file until a version enforces it",
    sourceLine: "",
  };
}
