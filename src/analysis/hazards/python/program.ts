/** Judges a Python program: the script, and every module that it is seen to import. */
import { basename, dirname, join, resolve } from "node:path";
import { type Command, type CommandChecker, judgeFile } from "../command.ts";
import type { Inquiry } from "../inquiry.ts";
import { parsePythonCommand } from "./command-line.ts";
import { followProgram, readCode, runModule } from "./follow.ts";
import { type Interpreter, inspectInterpreter, isBuiltIn } from "./interpreter.ts";
import type { PythonRun } from "./run.ts";
import { searchModule } from "./search.ts";

export async function checkPython(
  inquiry: Inquiry,
  command: Command,
  program: string,
  checkCommand: CommandChecker,
): Promise<void> {
  const { world } = inquiry;
  const parsed = parsePythonCommand(command.argv, command.env);
  const interpreter = inspectInterpreter(inquiry, program);
  checkVirtualEnvironment(inquiry, command, interpreter);
  const env = parsed.ignoresEnvironment ? {} : command.env;
  const path = (env["PYTHONPATH"] ?? "")
    .split(":")
    .filter((entry) => entry !== "")
    .map((entry) => resolve(command.cwd, entry))
    // Reported with the environment; judging every import against it would only repeat it.
    .filter((entry) => !world.agentDecides(entry));
  const prefix = env["PYTHONPYCACHEPREFIX"] ?? "";
  const bytecodeElsewhere = prefix !== "" && !world.agentDecides(resolve(command.cwd, prefix));
  const run: PythonRun = { inquiry, command, interpreter, path, bytecodeElsewhere, namesOf: new Map(), checkCommand };

  const { runs, safePath } = parsed;
  if (runs.kind === "script") {
    const script = resolve(command.cwd, runs.path);
    if (world.kind(script) === "directory") {
      path.unshift(world.follow(script).path);
      const main = join(script, "__main__.py");
      if (judgeFile(inquiry, command, main, "script")) await followProgram(run, main);
      return;
    }
    if (!judgeFile(inquiry, command, script, "script") || world.kind(script) === "absent") {
      if (world.kind(script) === "absent") missingScript(inquiry, command, script);
      return;
    }
    if (!safePath) path.unshift(dirname(world.follow(script).path));
    checkNames(run);
    checkImplicitImports(run);
    await followProgram(run, script);
    return;
  }
  if (!safePath) path.unshift(command.cwd);
  checkNames(run);
  checkImplicitImports(run);
  if (runs.kind === "module") await runModule(run, runs.name);
  else if (runs.kind === "code") await readCode(run, runs.text);
}

function missingScript(inquiry: Inquiry, command: Command, script: string): void {
  if (command.role !== "entry" || inquiry.world.forgeable(script, "file")) return;
  inquiry.report.add("program-missing", {
    at: command.at,
    message: `${script} is not there`,
    fix: "Correct the path under `run:`.",
  });
}

/** Beside the program's own imports there are those of the interpreter: no closing of names one by one keeps up with them. */
function checkImplicitImports({ inquiry, command, path }: PythonRun): void {
  const entry = path.find((each) => inquiry.world.writable(each));
  if (entry === undefined) return;
  inquiry.report.add("python-implicit-import", {
    at: command.at,
    message: `${entry} is searched before Python's own library, and the agent can write it: modules that Python imports by itself (\`_strptime\`, \`warnings\`, \`traceback\` …) can be put there`,
  });
}

/** A mutable directory or file that bears the name of a module of the library or of an installed package. */
function checkNames(run: PythonRun): void {
  const { inquiry, interpreter, path } = run;
  const { shape } = inquiry.agent;
  if (shape.kind !== "root") return;
  for (const mutable of shape.mutable) {
    const place = join(shape.root, mutable);
    const name = basename(place).split(".")[0] ?? "";
    if (!path.includes(dirname(place)) || isBuiltIn(inquiry, interpreter, name)) continue;
    const later = searchModule(inquiry, interpreter, [...interpreter.library, ...interpreter.sitePackages], name);
    if (later.kind !== "module" && later.kind !== "package") continue;
    inquiry.report.add("python-module-name-mutable", {
      at: run.command.at,
      message: `the mutable place ${place} has the name of the module \`${name}\` (${later.file ?? ""}) and is searched before it`,
    });
  }
}

function checkVirtualEnvironment(inquiry: Inquiry, command: Command, interpreter: Interpreter): void {
  if (interpreter.venv === undefined) return;
  const { world, report } = inquiry;
  for (const path of [join(interpreter.venv, "pyvenv.cfg"), ...interpreter.sitePackages]) {
    if (!world.agentDecides(path)) continue;
    report.add("venv-mutable", {
      at: command.at,
      message: `the agent can write ${path}`,
      fix: `Seal ${interpreter.venv}.`,
    });
    return;
  }
  for (const directory of interpreter.sitePackages) {
    for (const name of world.names(directory).filter((each) => each.endsWith(".pth"))) {
      const text = inquiry.sources.read(join(directory, name), command.at) ?? "";
      for (const line of text.split("\n").map((each) => each.trim())) {
        if (line === "" || line.startsWith("#") || line.startsWith("import ") || line.startsWith("import\t")) continue;
        const entry = resolve(directory, line);
        if (!world.agentDecides(entry)) continue;
        report.add("search-path-mutable", {
          at: { file: join(directory, name), line: 1, column: 1 },
          message: `${join(directory, name)} puts ${entry} on Python's search path, which the agent can write`,
        });
      }
    }
  }
}
