/** `hardline init`: a first policy for a project, which works at once and says what it assumed. */
import { realpathSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { errnoOf } from "../../core/errors.ts";
import { parseLabel } from "../../core/names.ts";
import { printable } from "../../core/printable.ts";
import { UsageError } from "../errors.ts";
import { EXIT, type Io } from "../io.ts";
import { DEFAULT_POLICY } from "../locations.ts";
import { palette, wantsColor } from "../palette.ts";
import { colorOption, jsonOption, Verb } from "../verb.ts";
import { isRealDirectory } from "./files.ts";
import { lookAtProject } from "./look.ts";
import { policyText } from "./policy-text.ts";

interface Options {
  readonly agent?: string;
  readonly force?: boolean;
  readonly print?: boolean;
  readonly json?: boolean;
  readonly color?: boolean;
}

export function initCommand(io: Io, finish: (status: number) => void): Verb {
  return new Verb("init", "Write a first policy for a project", {
    manual: [
      "Looks at the project: its language, the program that is started, the directories it writes, the real place of its interpreter, the MCP servers its clients use, and what looks like a secret (names only, never values). Writes a commented hardline.yaml that works at once, and says what it assumed. Asks nothing.",
      "Nothing of the project is executed. The interpreter on PATH is, once, to learn where it really lives.",
    ],
    examples: [
      { command: "hardline init", says: "Write ./hardline.yaml." },
      {
        command: "hardline init --print ~/bots/trader",
        says: "Only show what would be written for another directory.",
      },
    ],
    statuses: [
      [EXIT.yes, "the policy was written, or printed"],
      [EXIT.unanswered, "nothing was written, and the message says why"],
    ],
  })
    .argument("[directory]", "the project", ".")
    .option("--agent <name>", "what to call the agent (default: after the directory)")
    .option("--force", "replace a policy that is there already")
    .option("--print", "write nothing, print the policy")
    .addOption(jsonOption())
    .addOption(colorOption())
    .action(async (directory: string, options: Options) => finish(await init(io, directory, options)));
}

async function init(io: Io, given: string, options: Options): Promise<number> {
  const directory = projectDirectory(resolve(io.workingDirectory, given));
  const name = options.agent;
  if (name !== undefined) {
    const parsed = parseLabel(name);
    if (parsed.kind === "refused")
      throw new UsageError("name-invalid", `--agent ${printable(name)} ${parsed.reason}`, parsed.hint);
  }
  const project = lookAtProject(io, directory, name);
  const { formatPolicy } = await import("../../policy/format.ts");
  const formatted = formatPolicy(policyText(project));
  // The names found in a project are anybody's; a policy that does not load is not written, whatever they were.
  if (formatted.kind !== "ok") {
    throw new Error(`init wrote a policy that is not valid: ${JSON.stringify(formatted)}`);
  }
  const file = join(directory, DEFAULT_POLICY);
  if (options.print !== true) write(file, formatted.text, options.force === true);

  if (options.json === true) {
    const result = {
      file,
      written: options.print !== true,
      policy: formatted.text,
      assumptions: project.assumptions,
    };
    io.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
    return EXIT.yes;
  }
  if (options.print === true) io.stdout.write(formatted.text);
  const paint = palette(wantsColor(io, io.stderr, options));
  const lines = project.assumptions.map(({ id, message }) => `  ${printable(message)} ${paint.dim(`[${id}]`)}`);
  const head = options.print === true ? `assumed for ${file}:` : `${paint.green("written")}: ${file}, assuming:`;
  io.stderr.write(`${head}\n${lines.join("\n")}\n`);
  if (options.print !== true) io.stderr.write("next: hardline check, then hardline run\n");
  return EXIT.yes;
}

function projectDirectory(path: string): string {
  try {
    const directory = realpathSync(path);
    if (isRealDirectory(directory)) return directory;
  } catch (error) {
    throw new UsageError("not-a-directory", `${path}: ${String(errnoOf(error))}`, "Name the project's directory.", {
      cause: error,
    });
  }
  throw new UsageError("not-a-directory", `${path} is not a directory`, "Name the project's directory.");
}

function write(file: string, text: string, force: boolean): void {
  try {
    // Removed, not written over: a symlink in its place would choose which file is overwritten.
    if (force) rmSync(file, { force: true });
    writeFileSync(file, text, { flag: "wx" });
  } catch (error) {
    if (errnoOf(error) === "EEXIST") {
      throw new UsageError(
        "file-exists",
        `${file} is there already`,
        "Use --force to replace it, or --print to see what would be written.",
        { cause: error },
      );
    }
    throw new UsageError("unwritable", `${file} cannot be written: ${String(error)}`, "Use --print.", { cause: error });
  }
}
