/** Writes down what was found, as a policy with its reasons beside it. */
import { printable } from "../../core/printable.ts";
import type { Project } from "./project.ts";

/** Longest line of a comment. */
const WIDTH = 100;

/** A whole policy file in YAML. It is to be loaded and formatted before anybody relies on it. */
export function policyText(project: Project): string {
  const lines = [
    ...comment(
      "What the agent may do. It cannot change this file: it lies in the sealed root. `hardline check` judges it, `hardline plan` shows what the kernel will enforce, `hardline run` starts the agent.",
    ),
    "version: 1",
    "agents:",
    `  ${scalar(project.name)}:`,
    `    run: ${list(project.run)}`,
    ...indent(comment("Everything in here is read-only to the agent …")),
    "    root: .",
    ...indent(
      comment(
        project.mutable.length > 0
          ? "… but for these directories, which survive restarts."
          : "… and nothing is writable. Directories for state, memory and logs go here.",
      ),
    ),
    `    mutable: ${list(project.mutable)}`,
    ...(project.read.length === 0
      ? []
      : [...indent(comment("Outside /usr, and needed by the interpreter.")), `    read: ${list(project.read)}`]),
    ...indent(
      comment(
        "The whole environment, besides PATH, HOME, TMPDIR, LANG, TERM and Hardline's own names. Example: env: { TZ: UTC }",
      ),
    ),
    ...indent(notPassed(project)),
    ...indent(comment("Processes, open files and such have sane limits already. Example: resources: { memory: 2GiB }")),
    ...secretFiles(project),
    ...mcpServers(project),
  ];
  return `${lines.join("\n")}\n`;
}

function notPassed({ secrets }: Project): string[] {
  if (secrets.environment.length === 0) return [];
  return comment(`Not passed on, since they look like secrets: ${secrets.environment.join(", ")}.`);
}

function secretFiles({ secrets }: Project): string[] {
  if (secrets.files.length === 0) return [];
  return comment(
    `These look like secrets, and the agent can read them: ${secrets.files.join(", ")}. Move them out of this directory.`,
  );
}

function mcpServers({ mcpServers: servers }: Project): string[] {
  if (servers.length === 0) return [];
  const named = servers.map(({ name, file }) => `${name} (${file})`);
  return comment(`MCP servers that clients start here, not behind the wall: ${named.join(", ")}.`);
}

/** Lines of a comment. The text holds names that others chose: without control characters none of them ends its line. */
function comment(text: string): string[] {
  const lines: string[] = [];
  let line = "#";
  for (const word of printable(text).split(" ")) {
    if (line.length > 1 && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = "#";
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `    ${line}`);
}

function list(values: readonly string[]): string {
  return `[${values.map(scalar).join(", ")}]`;
}

/** A plain scalar where nothing could read it as anything but this text, else a quoted one (JSON's form is YAML's too). */
function scalar(text: string): string {
  const isPlain =
    /^[A-Za-z_./][\w./+-]*$/.test(text) && !/^(true|false|null|yes|no|on|off|y|n|\.inf|\.nan|~)$/i.test(text);
  return isPlain ? text : JSON.stringify(text);
}
