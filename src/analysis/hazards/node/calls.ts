/** Calls of a Node.js program that matter beside its imports: files it reads, threads and programs it starts. */
import { resolve } from "node:path";
import type { Command, CommandChecker } from "../command.ts";
import type { Inquiry } from "../inquiry.ts";
import { judgeData } from "../limits-files.ts";
import type { Where } from "../report.ts";
import type { Call, NodeSource } from "./source.ts";

const READERS: ReadonlySet<string> = new Set([
  ...["readFile", "readFileSync", "createReadStream", "open", "openSync", "readJson", "readJsonSync", "loadEnvFile"],
]);
const STARTERS: ReadonlySet<string> = new Set(["spawn", "spawnSync", "execFile", "execFileSync"]);
const EXECUTES: ReadonlySet<string> = new Set([
  ...[
    "eval",
    "Function",
    "vm.runInThisContext",
    "vm.runInNewContext",
    "vm.runInContext",
    "vm.Script",
    "vm.compileFunction",
  ],
]);
/** By their whole names: `exec` is a method of regular expressions, too. */
const SHELL_STARTERS: ReadonlySet<string> = new Set([
  ...["execSync", "exec", "child_process.execSync", "child_process.exec", "cp.execSync", "cp.exec"],
]);

export async function checkCalls(
  inquiry: Inquiry,
  command: Command,
  source: NodeSource,
  at: (offset: number) => Where,
  checkCommand: CommandChecker,
): Promise<void> {
  for (const call of source.calls) {
    // `dotenv.config()` reads .env in the current directory.
    const implied = call.name === "dotenv.config" && call.args.length === 0 ? ".env" : undefined;
    const first = source.constant(call.args[0]) ?? implied;
    if (first === undefined) continue;
    const path = resolve(command.cwd, first);
    const where = at(call.offset);
    const name = call.name.slice(call.name.lastIndexOf(".") + 1);
    if (implied !== undefined || (READERS.has(name) && !onlyWrites(source, call))) {
      judgeData(inquiry, path, where);
      checkExecution(inquiry, source, call, path, where);
    }
    checkThread(inquiry, call, name, path, where);
    const argv = startedBy(source, call, name, first);
    if (argv.length > 0)
      await checkCommand(inquiry, { ...command, argv, at: where, role: "child", depth: command.depth + 1 });
  }
}

/** Text that is read only to be run. */
function checkExecution(inquiry: Inquiry, source: NodeSource, call: Call, path: string, at: Where): void {
  const runner = source.calls.find(
    (each) => EXECUTES.has(each.name) && each.offset < call.offset && call.end <= each.end,
  );
  if (runner === undefined || !inquiry.world.agentDecides(path)) return;
  const message = `${runner.name} runs what ${path} holds, and the agent can write it`;
  inquiry.report.add("runs-mutable", { at, message });
}

function checkThread(inquiry: Inquiry, call: Call, name: string, path: string, at: Where): void {
  const starts = call.isNew ? name === "Worker" : name === "fork";
  if (!starts || !inquiry.world.agentDecides(path)) return;
  const message = `${path} is run by ${call.name}, and the agent can write it`;
  inquiry.report.add("node-import-mutable", { at, message });
}

/** The command line that a call starts, where it is constant. */
function startedBy(source: NodeSource, call: Call, name: string, first: string): readonly string[] {
  if (STARTERS.has(name)) return [first, ...(source.constants(call.args[1]) ?? [])];
  return SHELL_STARTERS.has(call.name) ? ["sh", "-c", first] : [];
}

function onlyWrites(source: NodeSource, call: Call): boolean {
  const name = call.name.slice(call.name.lastIndexOf(".") + 1);
  const flags = name === "open" || name === "openSync" ? source.constant(call.args[1]) : undefined;
  return flags !== undefined && !flags.includes("r") && !flags.includes("+");
}
