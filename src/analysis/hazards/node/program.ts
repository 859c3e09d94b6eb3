/** Judges a Node.js program: what is preloaded, the script, and every module that it is seen to load. */
import { basename, join, resolve } from "node:path";
import { type Command, type CommandChecker, judgeFile } from "../command.ts";
import { type Inquiry, locator } from "../inquiry.ts";
import { judgeData } from "../limits-files.ts";
import type { Where } from "../report.ts";
import { isWithin } from "../world.ts";
import { checkCalls } from "./calls.ts";
import { parseNodeCommand } from "./command-line.ts";
import { checkTask } from "./package-manager.ts";
import { governingManifest, resolveLoad, searchFile } from "./resolve.ts";
import { NodeSource } from "./source.ts";

export async function checkNode(inquiry: Inquiry, command: Command, checkCommand: CommandChecker): Promise<void> {
  const { world, report } = inquiry;
  const parsed = parseNodeCommand(command.argv, command.env);
  const queue: string[] = [];
  for (const file of parsed.envFiles) {
    const path = resolve(command.cwd, file);
    if (world.kind(path) === "absent" ? world.forgeable(path, "file") : world.agentDecides(path)) {
      report.add("startup-file-mutable", {
        at: command.at,
        message: `${path} is read with --env-file, and the agent can write it: NODE_OPTIONS in it loads code`,
        fix: "Seal the file, or put the variables under `env:`.",
      });
    }
  }
  for (const preload of parsed.preloads) {
    // As if loaded by a file in the current directory.
    queue.push(...resolveLoad(inquiry, join(command.cwd, "_"), { ...preload, offset: 0 }, command.at));
  }
  if (parsed.task !== undefined) await checkTask(inquiry, command, parsed.task, checkCommand);
  if (parsed.code !== undefined) {
    queue.push(
      ...(await read(inquiry, command, join(command.cwd, "[eval]"), parsed.code, () => command.at, checkCommand)),
    );
  }
  if (parsed.script !== undefined) queue.push(...checkScript(inquiry, command, resolve(command.cwd, parsed.script)));
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
    const path = world.follow(file).path;
    if (!worthReading(inquiry, path)) continue;
    const text = inquiry.sources.take(path, "node", command.at);
    if (text !== undefined)
      queue.push(...(await read(inquiry, command, path, text, locator(inquiry, path, text), checkCommand)));
  }
}

function checkScript(inquiry: Inquiry, command: Command, path: string): string[] {
  const { world, report } = inquiry;
  const { file, rivals } = searchFile(inquiry, path, false);
  const rival = rivals.find(
    (each) =>
      file === undefined ||
      each.standIn === undefined ||
      !world.standIn(each.path, each.standIn, "node-import-shadowed"),
  );
  if (file === undefined) {
    if (rival !== undefined) judgeFile(inquiry, command, path, "script");
    else if (command.role === "entry") {
      report.add("program-missing", {
        at: command.at,
        message: `${path} is not there`,
        fix: "Correct the path under `run:`.",
      });
    }
    return [];
  }
  if (rival !== undefined) {
    report.add("node-import-shadowed", {
      at: command.at,
      message: `${basename(path)} would be ${rival.path}, which the agent can create, before ${file}`,
      fix: `Write the full name: ${basename(file)}.`,
    });
  }
  if (!judgeFile(inquiry, command, file, "script")) return [];
  if (file.endsWith(".js") || file.endsWith(".ts")) {
    governingManifest(inquiry, file, "decides by its `type` how the program is read", command.at, false);
  }
  return [file];
}

async function read(
  inquiry: Inquiry,
  command: Command,
  file: string,
  text: string,
  at: (offset: number) => Where,
  checkCommand: CommandChecker,
): Promise<string[]> {
  const source = new NodeSource(text, file, command.cwd);
  if (source.brokenAt !== undefined) {
    inquiry.report.add("unparsable", {
      at: at(source.brokenAt),
      message: `${file} is not wholly understood as JavaScript or TypeScript`,
    });
  }
  await checkCalls(inquiry, command, source, at, checkCommand);
  const found: string[] = [];
  for (const load of source.loads) {
    const where = at(load.offset);
    const files = resolveLoad(inquiry, file, load, where);
    for (const each of files) if (each.endsWith(".json")) judgeData(inquiry, each, where);
    found.push(...files);
  }
  return found;
}

function worthReading(inquiry: Inquiry, path: string): boolean {
  const { world } = inquiry;
  if (!isWithin(path, world.base) || world.agentDecides(path)) return false;
  if (![".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".jsx", ".tsx"].some((suffix) => path.endsWith(suffix))) {
    // A script may have no suffix at all; data and native modules are not read.
    return !basename(path).includes(".");
  }
  // A sealed package can be led astray only where something on the way up from it is mutable.
  return !path.includes("/node_modules/") || inquiry.agent.shape.kind === "workspace";
}
