/** Calls of a Python program that matter beside its imports: files it opens, search paths it extends, programs it starts. */
import { dirname, join, resolve } from "node:path";
import { judgeData } from "../limits-files.ts";
import type { Where } from "../report.ts";
import type { PythonRun } from "./run.ts";
import type { Call, PythonSource } from "./source.ts";

const OPENERS: ReadonlySet<string> = new Set([
  ...["open", "io.open", "os.open", "codecs.open", "gzip.open", "aiofiles.open", "load_dotenv", "dotenv.load_dotenv"],
  ...[
    "dotenv_values",
    "np.load",
    "pd.read_csv",
    "pd.read_json",
    "runpy.run_path",
    "config.read",
    "parser.read",
    "cfg.read",
  ],
]);
const READING_METHODS: ReadonlySet<string> = new Set(["read_text", "read_bytes", "open"]);
const STARTERS: ReadonlySet<string> = new Set([
  ...["run", "call", "check_call", "check_output", "Popen"].flatMap((name) => [`subprocess.${name}`]),
]);
const EXECUTES: ReadonlySet<string> = new Set([
  ...["exec", "eval", "runpy.run_path", "pickle.load", "pickle.loads", "dill.load", "joblib.load", "torch.load"],
  ...["shelve.open", "marshal.load", "yaml.unsafe_load", "pd.read_pickle"],
]);
const SHELL_STARTERS: ReadonlySet<string> = new Set(["os.system", "os.popen", "subprocess.getoutput"]);

export async function checkCalls(run: PythonRun, source: PythonSource, at: (offset: number) => Where): Promise<void> {
  for (const call of source.calls()) {
    const where = at(call.offset);
    checkOpen(run, source, call, where);
    checkExecution(run, source, call, where);
    checkSearchPath(run, source, call, where);
    const argv = startedBy(source, call);
    if (argv.length > 0) {
      await run.checkCommand(run.inquiry, {
        ...run.command,
        argv,
        at: where,
        role: "child",
        depth: run.command.depth + 1,
      });
    }
  }
}

/** The command line that a call starts, where it is constant; a text goes to the shell. */
function startedBy(source: PythonSource, call: Call): readonly string[] {
  const [first] = call.args;
  if (first === undefined) return [];
  if (STARTERS.has(call.name)) {
    const list = source.constants(first);
    if (list !== undefined) return list;
  }
  const text = STARTERS.has(call.name) || SHELL_STARTERS.has(call.name) ? source.constant(first) : undefined;
  if (text === undefined) return [];
  return SHELL_STARTERS.has(call.name) || text.includes(" ") ? ["sh", "-c", text] : [text];
}

function checkOpen(run: PythonRun, source: PythonSource, call: Call, at: Where): void {
  const [first, second] = call.args;
  const method = call.name.slice(call.name.lastIndexOf(".") + 1);
  let path: string | undefined;
  let mode: string | undefined;
  if (OPENERS.has(call.name)) {
    // Without an argument it looks for .env, from the script's directory upwards.
    const implied = method.endsWith("dotenv") ? join(dirname(source.file), ".env") : undefined;
    path = first === undefined ? implied : source.constant(first);
    mode = second && source.constant(second);
  } else if (READING_METHODS.has(method) && call.receiver !== undefined) {
    path = source.constant(call.receiver);
    mode = method === "open" ? first && source.constant(first) : undefined;
  }
  if (path === undefined || onlyWrites(mode)) return;
  const absolute = resolve(run.command.cwd, path);
  judgeData(run.inquiry, absolute, at);
}

/** Content that is run: source text, and pickles, which are programs of their own kind. */
function checkExecution(run: PythonRun, source: PythonSource, call: Call, at: Where): void {
  const [first] = call.args;
  if (!EXECUTES.has(call.name) || first === undefined) return;
  const { world, report } = run.inquiry;
  // The text of `exec("…")` is no path.
  const path =
    source.opened(first) ?? (call.name === "exec" || call.name === "eval" ? undefined : source.constant(first));
  if (path === undefined) return;
  const absolute = resolve(run.command.cwd, path);
  if (world.kind(absolute) === "absent" ? !world.forgeable(absolute, "file") : !world.agentDecides(absolute)) return;
  report.add("runs-mutable", {
    at,
    message: `${call.name} runs what ${absolute} holds, and the agent can write it`,
    fix: "Keep state in a form that is only data, such as JSON.",
  });
}

function onlyWrites(mode: string | undefined): boolean {
  return mode !== undefined && !mode.includes("r") && !mode.includes("+") && mode !== "";
}

function checkSearchPath(run: PythonRun, source: PythonSource, call: Call, at: Where): void {
  const { world, report } = run.inquiry;
  const argument = call.name === "sys.path.insert" ? call.args[1] : call.args[0];
  if (!["sys.path.insert", "sys.path.append", "site.addsitedir"].includes(call.name) || argument === undefined) return;
  const entry = source.constant(argument);
  if (entry === undefined) return;
  const directory = resolve(run.command.cwd, entry);
  if (world.agentDecides(directory)) {
    report.add("search-path-mutable", {
      at,
      message: `${call.name} puts ${directory} on Python's search path, which the agent can write`,
      fix: "Search sealed directories only.",
    });
  } else if (!run.path.includes(directory)) {
    if (call.name === "sys.path.insert") run.path.unshift(directory);
    else run.path.push(directory);
  }
}
