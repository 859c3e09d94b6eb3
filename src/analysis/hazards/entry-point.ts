/** Follows a command line into the program that it runs: wrappers, interpreters, scripts. */
import { basename, join, resolve } from "node:path";
import { type Command, judgeFile, locateProgram, MAX_DEPTH } from "./command.ts";
import { type Inquiry, ofAgent } from "./inquiry.ts";
import { unwrap } from "./wrapper.ts";

/** Files that a build tool obeys in its current directory. */
const OBEYED: Readonly<Record<string, readonly string[]>> = {
  make: ["GNUmakefile", "makefile", "Makefile"],
  just: ["justfile", "Justfile"],
  rake: ["Rakefile"],
  task: ["Taskfile.yml"],
  deno: ["deno.json", "deno.jsonc"],
  bun: ["bunfig.toml", "package.json"],
  uv: ["pyproject.toml", "uv.toml"],
  poetry: ["pyproject.toml"],
};
const SHELLS: ReadonlySet<string> = new Set(["sh", "bash", "dash", "zsh", "ksh", "mksh", "ash"]);
const PACKAGE_MANAGERS: ReadonlySet<string> = new Set(["npm", "npx", "pnpm", "pnpx", "yarn"]);
/** Interpreters whose programs are judged, but not read. */
const NOT_FOLLOWED: ReadonlySet<string> = new Set([
  ...["perl", "ruby", "php", "lua", "tclsh", "Rscript", "java", "deno", "bun", "tsx", "ts-node", "uv", "poetry"],
]);

/** Judges what the policy runs, and everything that it can be seen to run in turn. */
export async function checkEntryPoint(inquiry: Inquiry): Promise<void> {
  const { agent, world } = inquiry;
  const at = ofAgent(inquiry, "run");
  await checkCommand(inquiry, { argv: agent.run, cwd: world.base, env: agent.env, at, role: "entry", depth: 0 });
}

async function checkCommand(inquiry: Inquiry, command: Command): Promise<void> {
  if (command.depth > MAX_DEPTH) return;
  const program = locateProgram(inquiry, command);
  if (program === undefined) return;
  const inner = unwrap(basename(program), command);
  if (inner !== undefined) return checkCommand(inquiry, inner);

  const name = interpreterName(inquiry, program);
  if (name === "python") {
    const { checkPython } = await import("./python/program.ts");
    await checkPython(inquiry, command, program, checkCommand);
  } else if (name === "node") {
    const { checkNode } = await import("./node/program.ts");
    await checkNode(inquiry, command, checkCommand);
  } else if (SHELLS.has(name)) {
    const { checkShell } = await import("./shell/program.ts");
    await checkShell(inquiry, command, checkCommand);
  } else if (PACKAGE_MANAGERS.has(name)) {
    const { checkPackageManager } = await import("./node/package-manager.ts");
    await checkPackageManager(inquiry, command, checkCommand);
  } else if (await checkShebang(inquiry, command, program)) {
    return;
  } else checkOther(inquiry, command, name);
}

/** `python3.11`, `/usr/bin/python3` and a virtual environment's link all are `python`. */
function interpreterName(inquiry: Inquiry, program: string): string {
  for (const path of [program, inquiry.world.follow(program).path]) {
    const name = basename(path);
    const bare = stripVersion(name);
    if (bare === "python" || bare === "pypy") return "python";
    if (bare === "node" || bare === "nodejs") return "node";
    // `npm` is a link to npm-cli.js, `sh` to dash: the name that was called decides.
    if (SHELLS.has(name) || PACKAGE_MANAGERS.has(name) || NOT_FOLLOWED.has(name)) return name;
  }
  return basename(program);
}

function stripVersion(name: string): string {
  let end = name.length;
  while (end > 0 && "0123456789.".includes(name.charAt(end - 1))) end--;
  return name.slice(0, end);
}

/** A script that is run directly: its first line names the interpreter. Answers whether it was one. */
async function checkShebang(inquiry: Inquiry, command: Command, program: string): Promise<boolean> {
  if (inquiry.world.place(inquiry.world.follow(program).path) === "system") return false;
  const text = inquiry.sources.read(program, command.at);
  if (text?.startsWith("#!") !== true) return false;
  const end = text.indexOf("\n");
  const line = text.slice(2, end === -1 ? undefined : end).trim();
  const space = [...line].findIndex((character) => character === " " || character === "\t");
  // The kernel hands everything after the interpreter over as one argument.
  const words = space === -1 ? [line] : [line.slice(0, space), line.slice(space).trim()];
  const argv = [...words, program, ...command.argv.slice(1)];
  await checkCommand(inquiry, { ...command, argv, depth: command.depth + 1 });
  return true;
}

function checkOther(inquiry: Inquiry, command: Command, name: string): void {
  for (const file of OBEYED[name] ?? []) {
    const path = join(command.cwd, file);
    if (inquiry.world.kind(path) !== "absent" || inquiry.world.forgeable(path, "file"))
      judgeFile(inquiry, command, path, "file");
  }
  const script = command.argv.slice(1).find((argument) => !argument.startsWith("-"));
  const path = script === undefined ? undefined : resolve(command.cwd, script);
  if (path !== undefined && inquiry.world.kind(path) === "file") judgeFile(inquiry, command, path, "script");
  if (NOT_FOLLOWED.has(name) && path !== undefined && inquiry.world.writable(join(path, ".."))) {
    inquiry.report.add("not-followed", {
      at: command.at,
      message: `${path} lies in a mutable directory, and what ${name} loads from there is not followed`,
    });
  }
}
