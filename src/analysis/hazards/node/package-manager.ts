/** Programs that are started by npm and its like: the scripts of package.json, and what decides how they are run. */
import { join } from "node:path";
import type { Command, CommandChecker } from "../command.ts";
import { DEFAULT_PATH, type Inquiry } from "../inquiry.ts";
import { readManifest } from "./manifest.ts";

/** Files in the project by which a package manager can be told to run something else. */
const CONFIGURATION: Readonly<Record<string, readonly string[]>> = {
  npm: [".npmrc"],
  npx: [".npmrc"],
  pnpm: [".npmrc", "pnpm-workspace.yaml", ".pnpmfile.cjs"],
  pnpx: [".npmrc", "pnpm-workspace.yaml", ".pnpmfile.cjs"],
  yarn: [".npmrc", ".yarnrc", ".yarnrc.yml"],
};
/** Words that come before the name of a script. */
const RUN: ReadonlySet<string> = new Set(["run", "run-script", "rum", "urn"]);
const NAMED: ReadonlySet<string> = new Set(["start", "test", "stop", "restart"]);

export async function checkPackageManager(
  inquiry: Inquiry,
  command: Command,
  checkCommand: CommandChecker,
): Promise<void> {
  const { world, report } = inquiry;
  const name = (command.argv[0] ?? "").split("/").at(-1) ?? "";
  for (const file of CONFIGURATION[name] ?? []) {
    const path = join(command.cwd, file);
    const there = world.kind(path) !== "absent";
    if (there ? !world.agentDecides(path) : !world.forgeable(path, "file")) continue;
    // An empty configuration says nothing.
    if (!there && world.standIn(path, "file", "npm-config-mutable")) continue;
    report.add("npm-config-mutable", {
      at: command.at,
      message: `${name} obeys ${path}, which the agent can ${there ? "write" : "create"}`,
      fix: `Seal ${file}, or start the program without ${name}.`,
    });
  }
  const words = command.argv.slice(1).filter((word) => !word.startsWith("-"));
  const [verb, next] = words;
  if (verb === undefined) return;
  if (name === "npx" || name === "pnpx" || verb === "exec" || verb === "dlx") {
    const argv = name === "npx" || name === "pnpx" ? words : words.slice(1);
    if (argv.length > 0) await checkCommand(inquiry, withBinaries(command, argv));
    return;
  }
  const script = RUN.has(verb) ? next : NAMED.has(verb) || name !== "npm" ? verb : undefined;
  if (script !== undefined) await checkTask(inquiry, command, script, checkCommand);
}

/** A script of package.json by name, with those that run before and after it. */
export async function checkTask(
  inquiry: Inquiry,
  command: Command,
  name: string,
  checkCommand: CommandChecker,
): Promise<void> {
  const { world, report } = inquiry;
  const path = join(command.cwd, "package.json");
  if (world.kind(path) === "absent" ? world.forgeable(path, "file") : world.agentDecides(path)) {
    report.add("npm-config-mutable", {
      at: command.at,
      message: `the script \`${name}\` stands in ${path}, which the agent can write`,
      fix: "Seal package.json, or run the program itself.",
    });
    return;
  }
  const scripts = readManifest(inquiry, path)?.scripts ?? {};
  for (const each of [`pre${name}`, name, `post${name}`]) {
    const text = Object.hasOwn(scripts, each) ? scripts[each] : undefined;
    if (text === undefined) continue;
    const at = { file: path, line: 1, column: 1 };
    await checkCommand(inquiry, { ...withBinaries(command, ["sh", "-c", text]), at });
  }
}

/** Package managers put every `node_modules/.bin` on the way up before the rest of PATH. */
function withBinaries(command: Command, argv: readonly string[]): Command {
  const binaries: string[] = [];
  for (let directory = command.cwd; directory !== "/"; directory = join(directory, "..")) {
    binaries.push(join(directory, "node_modules", ".bin"));
  }
  const PATH = [...binaries, command.env["PATH"] ?? DEFAULT_PATH].join(":");
  return { ...command, argv, env: { ...command.env, PATH }, role: "child", depth: command.depth + 1 };
}
