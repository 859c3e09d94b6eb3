/** Follows the imports of a Python program through its sealed modules, each of them once. */
import { join } from "node:path";
import { locator } from "../inquiry.ts";
import type { Where } from "../report.ts";
import { isWithin } from "../world.ts";
import { checkCalls } from "./calls.ts";
import { isBuiltIn } from "./interpreter.ts";
import { judgeImport } from "./judge.ts";
import type { PythonRun } from "./run.ts";
import { type Found, searchModule } from "./search.ts";
import { type Import, PythonSource } from "./source.ts";

/** The packages that something is in, outermost first: of each, the directories that are searched for submodules. */
type Packages = readonly (readonly string[])[];

interface Module {
  /** Empty for the code of `-c`. */
  readonly file: string;
  /** What its relative imports start from: for a package, itself included. */
  readonly packages: Packages;
}

interface Resolution {
  readonly found: Found;
  /** The packages down to what was found, itself included where it is one. */
  readonly packages: Packages;
}

export async function followProgram(run: PythonRun, script: string): Promise<void> {
  await drain(run, [{ file: script, packages: [] }]);
}

/** The code of `python -c`. */
export async function readCode(run: PythonRun, text: string): Promise<void> {
  const queue: Module[] = [];
  await read(run, { file: "", packages: [] }, text, () => run.command.at, queue);
  await drain(run, queue);
}

/** The module of `python -m`. */
export async function runModule(run: PythonRun, name: string): Promise<void> {
  const { inquiry, command } = run;
  const queue: Module[] = [];
  const resolution = importAbsolute(run, name, command.at, queue);
  if (resolution !== undefined) {
    const { found } = resolution;
    if (found.kind === "package" || found.kind === "namespace")
      submodule(run, resolution, "__main__", command.at, queue);
    else if (found.kind === "missing" && found.rivals.length === 0 && command.role === "entry") {
      const fix = `Install ${name} where the sandbox has it, or correct \`run:\`.`;
      inquiry.report.add("program-missing", {
        at: command.at,
        message: `the module ${name} is not in the sandbox`,
        fix,
      });
    }
  }
  await drain(run, queue);
}

async function drain(run: PythonRun, queue: Module[]): Promise<void> {
  for (let module = queue.shift(); module !== undefined; module = queue.shift()) {
    const { file } = module;
    // The same file may be read again for another program that searches elsewhere first.
    const text = run.inquiry.sources.take(file, `python:${run.path.join(":")}`, run.command.at);
    if (text !== undefined) await read(run, module, text, locator(run.inquiry, file, text), queue);
  }
}

async function read(
  run: PythonRun,
  module: Module,
  text: string,
  at: (offset: number) => Where,
  queue: Module[],
): Promise<void> {
  const source = new PythonSource(text, module.file, run.command.cwd);
  const broken = source.brokenAt();
  if (broken !== undefined) {
    const message = `${module.file || "the code under -c"} is not understood as Python here, and an import may be lost`;
    run.inquiry.report.add("unparsable", { at: at(broken), message });
  }
  await checkCalls(run, source, at);
  for (const each of source.imports()) followImport(run, module, each, at(each.offset), queue);
}

function followImport(run: PythonRun, module: Module, imported: Import, at: Where, queue: Module[]): void {
  const resolution =
    imported.level === 0
      ? importAbsolute(run, imported.module, at, queue)
      : importRelative(run, module, imported, at, queue);
  if (resolution === undefined) return;
  const { found } = resolution;
  if (found.kind !== "package" && found.kind !== "namespace") return;
  for (const name of imported.names) {
    // An attribute of the package wins over a submodule of the name.
    if (!isAttribute(run, found, name)) submodule(run, resolution, name, at, queue);
  }
}

function importAbsolute(run: PythonRun, name: string, at: Where, queue: Module[]): Resolution | undefined {
  const { inquiry, interpreter, path } = run;
  const [first = "", ...rest] = name.split(".");
  if (first === "" || isBuiltIn(inquiry, interpreter, first)) return undefined;
  const library = [...interpreter.library, ...interpreter.sitePackages];
  const found = searchModule(inquiry, interpreter, [...path, ...library], first);
  return descend(run, rest, arrive(run, first, found, [], at, queue), at, queue);
}

function importRelative(
  run: PythonRun,
  module: Module,
  imported: Import,
  at: Where,
  queue: Module[],
): Resolution | undefined {
  const packages = module.packages.slice(0, module.packages.length - imported.level + 1);
  const directories = packages.at(-1);
  // Beyond the outermost package: an error when it runs, and no search.
  if (directories === undefined || imported.level > module.packages.length) return undefined;
  const init = directories.map((directory) => join(directory, "__init__.py"));
  const file = init.find((each) => run.inquiry.world.kind(each) === "file");
  const found: Found = { kind: "package", directories, rivals: [], ...(file !== undefined && { file }) };
  const names = imported.module === "" ? [] : imported.module.split(".");
  return descend(run, names, { found, packages }, at, queue);
}

function descend(run: PythonRun, names: readonly string[], start: Resolution, at: Where, queue: Module[]): Resolution {
  let here = start;
  for (const name of names) {
    if (here.found.kind !== "package" && here.found.kind !== "namespace") break;
    here = submodule(run, here, name, at, queue);
  }
  return here;
}

function submodule(run: PythonRun, within: Resolution, name: string, at: Where, queue: Module[]): Resolution {
  const found = searchModule(run.inquiry, run.interpreter, within.found.directories, name);
  return arrive(run, name, found, within.packages, at, queue);
}

/** Judges what a search came to, and has it read in its turn. */
function arrive(run: PythonRun, name: string, found: Found, above: Packages, at: Where, queue: Module[]): Resolution {
  judgeImport(run, name, found, at);
  const isPackage = found.kind === "package" || found.kind === "namespace";
  const packages = isPackage ? [...above, found.directories] : above;
  if (found.file !== undefined && worthReading(run, found.file)) queue.push({ file: found.file, packages });
  return { found, packages };
}

function worthReading(run: PythonRun, file: string): boolean {
  const { world } = run.inquiry;
  if (!(file.endsWith(".py") && isWithin(file, world.base)) || world.agentDecides(file)) return false;
  // A sealed package store cannot be shadowed from within, unless something mutable is searched before it.
  const stored = file.includes("/site-packages/") || file.includes("/dist-packages/");
  return !stored || run.path.some((entry) => world.writable(entry));
}

/** Whether a package's own code may give it the name, so that no submodule is looked for. */
function isAttribute(run: PythonRun, found: Found, name: string): boolean {
  const { file } = found;
  if (file === undefined) return false;
  if (!file.endsWith(".py")) return true;
  let names = run.namesOf.get(file);
  if (names === undefined) {
    const text = run.inquiry.sources.read(file, run.command.at);
    names = text === undefined ? undefined : new PythonSource(text, file, run.command.cwd).names();
    if (names !== undefined) run.namesOf.set(file, names);
  }
  // What could not be read may define anything.
  return names?.has(name) ?? true;
}
