/** Looks at a project directory and guesses what a policy for it has to say. Nothing of the project is executed. */
import { basename } from "node:path";
import { asLabel } from "../../core/names.ts";
import type { Io } from "../io.ts";
import { type EntryPoint, findEntryPoints } from "./entry-point.ts";
import { findInterpreter, type Interpreter } from "./interpreter.ts";
import { findMcpServers } from "./mcp-clients.ts";
import type { Assumption, Project } from "./project.ts";
import { findSecrets } from "./secrets.ts";
import { findWritablePlaces } from "./writable.ts";

/** `directory` is absolute and free of symlinks. */
export function lookAtProject(io: Io, directory: string, name: string | undefined): Project {
  const assumptions: Assumption[] = [];
  const assume = (id: string, message: string): void => void assumptions.push({ id, message });

  const [entry, ...others] = findEntryPoints(directory);
  const program = entry === undefined ? undefined : command(io, directory, entry, assume);
  if (entry === undefined || program === undefined) {
    assume("no-entry-point", "no program found to start: `run` is a shell for now, put the agent's command there");
  } else {
    assume("entry-point", `the agent's program, by ${entry.because}: ${program.run.join(" ")}`);
    if (others.length > 0) {
      const rest = others.slice(0, 4).map(({ words }) => words.join(" "));
      assume("other-entry-points", `it could also have been: ${rest.join("; ")}`);
    }
  }
  const places = findWritablePlaces(directory);
  assumptions.push(...places.assumptions);
  if (places.mutable.length === 0)
    assume("nothing-writable", "no directory looks as if the agent wrote to it: everything is sealed");
  else assume("writable", `the agent may write to: ${places.mutable.join(", ")}`);
  const secrets = findSecrets(io, directory);
  if (secrets.files.length > 0) {
    assume("secrets-in-root", `these look like secrets and can be read by the agent: ${secrets.files.join(", ")}`);
  }
  if (secrets.environment.length > 0) {
    assume("secrets-in-environment", `the agent does not get these variables: ${secrets.environment.join(", ")}`);
  }
  const mcpServers = findMcpServers(directory);
  if (mcpServers.length > 0) {
    assume(
      "mcp-servers",
      `MCP servers in use, not behind the wall yet: ${mcpServers.map((server) => server.name).join(", ")}`,
    );
  }
  return {
    directory,
    name: (name ?? asLabel(basename(directory))) || "agent",
    run: program?.run ?? ["sh"],
    read: program?.read ?? [],
    mutable: places.mutable,
    mcpServers,
    secrets,
    assumptions,
  };
}

function command(
  io: Io,
  directory: string,
  { by, words }: EntryPoint,
  assume: (id: string, message: string) => void,
): { run: readonly string[]; read: readonly string[] } | undefined {
  if (by === "itself" || by === "sh") return { run: by === "sh" ? ["sh", ...words] : words, read: [] };
  const typescript = by === "node" && /\.[cm]?ts$/.test(words[0] ?? "");
  const interpreter = findInterpreter(io, by, directory, typescript);
  if (interpreter === undefined) {
    assume("no-interpreter", `${by} is not on PATH here: install it, then check the command`);
    return { run: [by, ...words], read: [] };
  }
  explain(by, interpreter, assume);
  if (typescript && !interpreter.runsTypeScript) {
    assume("no-typescript", `${interpreter.word} does not run TypeScript: use a newer Node.js, or build first`);
  }
  return { run: [interpreter.word, ...words], read: interpreter.read };
}

function explain(
  name: string,
  { word, read, tooWide }: Interpreter,
  assume: (id: string, message: string) => void,
): void {
  if (tooWide !== undefined) {
    assume(
      "interpreter-too-wide",
      `${name} needs ${tooWide}, which holds much else: add the parts it needs to \`read\` by hand`,
    );
  } else if (read.length > 0) {
    assume("interpreter-outside", `${name} is ${word}, outside /usr: the agent may read ${read.join(", ")}`);
  }
}
