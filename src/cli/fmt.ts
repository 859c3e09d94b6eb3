/** `hardline fmt`: the one way to write a policy down. */
import { readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { errnoOf } from "../core/errors.ts";
import { UsageError } from "./errors.ts";
import { EXIT, type Io } from "./io.ts";
import { DEFAULT_POLICY } from "./locations.ts";
import { palette, wantsColor } from "./palette.ts";
import { colorOption, jsonOption, policyOption, UNANSWERED, Verb } from "./verb.ts";

interface Options {
  readonly policy?: string;
  readonly check?: boolean;
  readonly print?: boolean;
  readonly json?: boolean;
  readonly color?: boolean;
}

export function fmtCommand(io: Io, finish: (status: number) => void): Verb {
  return new Verb("fmt", "Bring a policy file into its one canonical form", {
    manual: [
      "Rewrites the file in place: known sections in their order, one spelling of each value. Comments stay, and the meaning does not change: the digest is the same before and after.",
    ],
    examples: [
      { command: "hardline fmt", says: "Rewrite ./hardline.yaml where it needs it." },
      { command: "hardline fmt --check", says: "Only say whether it would be rewritten, for a pipeline." },
    ],
    statuses: [
      [EXIT.yes, "the file is in canonical form (now)"],
      [EXIT.unanswered, UNANSWERED],
      [EXIT.no, "with --check: the file would be rewritten; else: it is not a valid policy, and was left alone"],
    ],
  })
    .option("--check", "change nothing, answer with the exit status")
    .option("--print", "change nothing, print the canonical form")
    .addOption(policyOption())
    .addOption(jsonOption())
    .addOption(colorOption())
    .action(async (options: Options) => finish(await fmt(io, options)));
}

async function fmt(io: Io, options: Options): Promise<number> {
  const file = resolve(io.workingDirectory, options.policy ?? DEFAULT_POLICY);
  const text = read(file);
  const [{ formatPolicy }, { renderProblems }] = await Promise.all([
    import("../policy/format.ts"),
    import("../policy/render.ts"),
  ]);
  const formatted = formatPolicy(text);
  if (formatted.kind !== "ok") {
    if (options.json === true) print(io, { file, changed: false, problems: formatted.problems });
    else io.stderr.write(renderProblems(formatted.problems, file, { color: wantsColor(io, io.stderr, options) }));
    return EXIT.no;
  }
  const changed = formatted.text !== text;
  const writes = changed && options.check !== true && options.print !== true;
  if (writes) replace(file, formatted.text);
  if (options.json === true) print(io, { file, changed, problems: [] });
  else if (options.print === true) io.stdout.write(formatted.text);
  else if (changed) {
    const paint = palette(wantsColor(io, io.stderr, options));
    io.stderr.write(
      `${file}: ${writes ? paint.green("rewritten") : paint.yellow("not in canonical form, run `hardline fmt`")}\n`,
    );
  }
  return changed && options.check === true ? EXIT.no : EXIT.yes;
}

function print(io: Io, result: unknown): void {
  io.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const missing = errnoOf(error) === "ENOENT";
    const remedy = missing
      ? "Write one with `hardline init`, or name it with --policy FILE."
      : "Make it a plain file that this user may read.";
    throw new UsageError("unreadable", `${file}: ${missing ? "there is no policy file" : String(error)}`, remedy, {
      cause: error,
    });
  }
}

/** Beside and renamed: whoever reads the policy meanwhile finds the old text or the new one. A symlink stays a symlink. */
function replace(link: string, text: string): void {
  const file = realpathSync(link);
  const fresh = `${file}.${process.pid}.new`;
  try {
    writeFileSync(fresh, text, { flag: "wx", mode: statSync(file).mode & 0o777 });
    renameSync(fresh, file);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw new UsageError("unwritable", `${file} cannot be rewritten: ${String(error)}`, "Or use --print.", {
      cause: error,
    });
  }
}
