import type { Sandboxed } from "../../policy/types.ts";
import type { Inquiry } from "./inquiry.ts";

/** This agent first, then every other program of the policy that runs in a sandbox. */
export function sandboxes({ policy, agent }: Inquiry): Sandboxed[] {
  const agents = Object.values(policy.agents).filter((other) => other.name !== agent.name);
  const tools = Object.values(policy.tools).flatMap((tool) => ("run" in tool.server ? [tool.server] : []));
  return [agent, ...agents, ...tools];
}
