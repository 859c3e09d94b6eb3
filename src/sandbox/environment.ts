/**
 * The agent's whole environment: what the policy names and Hardline's own few names. Nothing comes from the caller's but
 * the terminal's type, so that no start-up file, preload or search path of the host's reaches the agent (I4).
 */
import type { Agent } from "../policy/types.ts";
import type { HostFacts } from "./facts.ts";

/** Directories that every Linux system has below `/usr`, all sealed (I5). */
export const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** Fresh and empty at every start. */
export const HOME = "/tmp/home";

export function environmentOf(agent: Agent, facts: HostFacts): Record<string, string> {
  const directory = agent.shape.kind === "root" ? agent.shape.root : agent.shape.workspace;
  return {
    PATH: DEFAULT_PATH,
    HOME,
    TMPDIR: "/tmp",
    LANG: "C.UTF-8",
    ...(facts.terminal === undefined ? {} : { TERM: facts.terminal }),
    // The user site directory lies below HOME, which the agent can write.
    PYTHONNOUSERSITE: "1",
    ...agent.env,
    HARDLINE_AGENT: agent.name,
    // bubblewrap sets it together with the working directory.
    PWD: directory,
  };
}

/** The absolute paths that `execvp` would try for a program's name, in order; relative ones start at the directory. */
export function commandCandidates(program: string, path: string, directory: string): string[] {
  if (program.startsWith("/")) return [program];
  if (program.includes("/")) return [`${directory}/${program}`];
  return path.split(":").map((entry) => `${entry.startsWith("/") ? entry : `${directory}/${entry}`}/${program}`);
}
