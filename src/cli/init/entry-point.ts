/** Which program of a project is the agent. */
import { join } from "node:path";
import { isExecutable, isFile, list, listFiles, objectAt, readJson, readText } from "./files.ts";

export interface EntryPoint {
  /** What runs it: an interpreter to be looked for, or the file itself. */
  readonly by: "node" | "python3" | "sh" | "itself";
  /** The words after the interpreter; the first is mostly the program, relative to the project. */
  readonly words: readonly string[];
  /** Why this one: "the start script of package.json". */
  readonly because: string;
}

/** Names that people give to the program that is meant to be started, the likeliest first. */
const USUAL_NAMES = [
  "agent",
  "main",
  "trade",
  "trader",
  "bot",
  "app",
  "run",
  "start",
  "server",
  "worker",
  "index",
  "cli",
];

/** Everything that could be the agent, the likeliest first. */
export function findEntryPoints(directory: string): EntryPoint[] {
  const found = [
    ...fromPackageJson(directory),
    ...fromPythonPackages(directory),
    ...fromUsualNames(directory, ""),
    ...fromUsualNames(directory, "src/"),
    ...onlyProgram(directory),
    ...executables(directory),
  ];
  const seen = new Set<string>();
  return found.filter(({ by, words }) => {
    const key = [by, ...words].join("\0");
    const isNew = !seen.has(key);
    seen.add(key);
    return isNew;
  });
}

function fromPackageJson(directory: string): EntryPoint[] {
  const manifest = readJson(join(directory, "package.json"));
  const { main, bin } = objectAt(manifest);
  const found: EntryPoint[] = [];
  const { start } = objectAt(manifest, "scripts");
  const started = typeof start === "string" ? fromScript(directory, start) : undefined;
  if (started !== undefined) found.push(started);
  const programs = [
    ...(typeof bin === "string"
      ? [[bin, "bin"] as const]
      : Object.values(objectAt(bin)).map((path) => [path, "bin"] as const)),
    [main, "main"] as const,
  ];
  for (const [path, key] of programs) {
    if (typeof path === "string" && isInProject(path) && isFile(join(directory, path))) {
      found.push({ by: "node", words: [plain(path)], because: `the ${key} of package.json` });
    }
  }
  return found;
}

/** A start script that is one plain command. What needs a shell to be understood is not guessed at. */
function fromScript(directory: string, script: string): EntryPoint | undefined {
  if (!/^[\w@%+=:,./ -]+$/.test(script)) return undefined;
  const [program = "", ...words] = script.trim().split(/ +/);
  const because = "the start script of package.json";
  const file = words.find((word) => !word.startsWith("-"));
  if (file === undefined || !isInProject(file) || !isFile(join(directory, file))) return undefined;
  if (program === "node") return { by: "node", words, because };
  if (program === "python" || program === "python3") return { by: "python3", words, because };
  if (program === "sh" || program === "bash") return { by: "sh", words, because };
  const installed = `node_modules/.bin/${program}`;
  if (/^[\w-]+$/.test(program) && isFile(join(directory, installed)))
    return { by: "node", words: [installed, ...words], because };
  return undefined;
}

function fromPythonPackages(directory: string): EntryPoint[] {
  const found: EntryPoint[] = [];
  if (isFile(join(directory, "__main__.py"))) {
    found.push({ by: "python3", words: ["__main__.py"], because: "its __main__.py" });
  }
  for (const name of list(directory)) {
    if (/^[a-z]\w*$/i.test(name) && isFile(join(directory, name, "__main__.py"))) {
      found.push({ by: "python3", words: ["-m", name], because: `the __main__.py of the package ${name}` });
    }
  }
  return found;
}

function fromUsualNames(directory: string, below: string): EntryPoint[] {
  const files = new Set(listFiles(join(directory, below)));
  return USUAL_NAMES.flatMap((name) =>
    [".py", ".mjs", ".js", ".cjs", ".ts", ".mts", ".sh"].map((ending) => `${name}${ending}`),
  )
    .filter((file) => files.has(file))
    .map((file) => ({ by: interpreterOf(file), words: [`${below}${file}`], because: "its name" }));
}

/** The one program in a directory that has no other. */
function onlyProgram(directory: string): EntryPoint[] {
  const programs = listFiles(directory).filter(
    (file) =>
      /\.(py|mjs|js|cjs|ts|mts|sh)$/.test(file) && !/[._](test|spec|config)\.|^(test_|setup\.py|conftest)/.test(file),
  );
  const [only, ...others] = programs;
  if (only === undefined || others.length > 0) return [];
  return [{ by: interpreterOf(only), words: [only], because: "being the only one here" }];
}

function executables(directory: string): EntryPoint[] {
  return listFiles(directory)
    .filter((file) => isExecutable(join(directory, file)) && readText(join(directory, file))?.startsWith("#!") === true)
    .map((file) => ({ by: "itself", words: [`./${file}`], because: "being an executable script" }));
}

function interpreterOf(file: string): "node" | "python3" | "sh" {
  if (file.endsWith(".py")) return "python3";
  return file.endsWith(".sh") ? "sh" : "node";
}

function isInProject(path: string): boolean {
  return !(path.startsWith("/") || path.split("/").includes(".."));
}

function plain(path: string): string {
  return path.replace(/^(\.\/)+/, "");
}
