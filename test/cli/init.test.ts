/** `init` on small projects: the policy that it writes loads, is sound, and says what was found. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SHAPES } from "../../src/cli/reference/shapes.ts";
import { loadPolicy } from "../../src/policy/load.ts";
import type { Agent } from "../../src/policy/types.ts";
import { hardline, projectDirectory } from "./harness.ts";

let directory = "";
/** Where fake interpreters stand. */
let programs = "";
beforeEach(() => {
  directory = projectDirectory();
  programs = projectDirectory();
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
  rmSync(programs, { recursive: true, force: true });
});

/** Path → content; a path that ends in a slash is a directory. */
function project(files: Readonly<Record<string, string>>): void {
  for (const [path, content] of Object.entries(files)) {
    const file = join(directory, path);
    mkdirSync(path.endsWith("/") ? file : dirname(file), { recursive: true });
    if (!path.endsWith("/")) writeFileSync(file, content, { mode: content.startsWith("#!") ? 0o755 : 0o644 });
  }
}

/** Runs init, and holds what it wrote to being a sound policy. */
async function init(environment: Readonly<Record<string, string>> = {}) {
  const surroundings = { workingDirectory: directory, environment };
  const { status, stdout } = await hardline(["init", "--json", "--agent", "it"], surroundings);
  expect(status).toBe(0);
  const result = SHAPES.init.parse(JSON.parse(stdout));
  expect(readFileSync(result.file, "utf8")).toBe(result.policy);
  const loaded = loadPolicy(result.file);
  if (loaded.kind !== "ok") throw new Error(JSON.stringify(loaded));
  expect(loaded.warnings).toEqual([]);
  const checked = await hardline(["check", "--json"], surroundings);
  const { findings } = SHAPES.check.parse(JSON.parse(checked.stdout));
  expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
  expect(checked.status).toBe(0);
  expect((await hardline(["fmt", "--check"], surroundings)).status).toBe(0);
  const agent = loaded.policy.agents["it"];
  if (agent === undefined) throw new Error("no agent");
  return { agent, policy: result.policy, assumed: result.assumptions.map(({ id }) => id) };
}

function mutable({ shape }: Agent): readonly string[] {
  return shape.kind === "root" ? shape.mutable : [];
}

test("a Node.js project: start script, written and ignored directories", async () => {
  project({
    "package.json": '{ "name": "x", "type": "module", "scripts": { "start": "node src/index.js --fast" } }',
    "src/index.js": "console.log(1);\n",
    "main.py": "print(1)\n",
    "state/": "",
    "logs/": "",
    "node_modules/x/index.js": "",
    ".gitignore": "node_modules/\n/state\nmemory/\n*.log\ndist\n",
  });
  const { agent, assumed } = await init();
  expect(agent.run.slice(1)).toEqual(["src/index.js", "--fast"]);
  expect(agent.run[0]).toMatch(/node$/);
  expect(mutable(agent)).toEqual(["logs", "memory", "state"]);
  expect(existsSync(join(directory, "memory"))).toBe(false);
  expect(assumed).toEqual(expect.arrayContaining(["entry-point", "other-entry-points", "writable"]));
});

test("a Python project: the program by its name, and a directory that holds code stays sealed", async () => {
  project({ "trade.py": "import limits\n", "limits.py": "CAP = -5\n", "state/": "", "data/loader.py": "x = 1\n" });
  const { agent, assumed } = await init();
  expect(agent.run[0]).toMatch(/python3(\.\d+)?$/);
  expect(agent.run.slice(1)).toEqual(["trade.py"]);
  expect(mutable(agent)).toEqual(["state"]);
  expect(assumed).toContain("code-in-writable");
});

test("a Python package is started by -m", async () => {
  project({ "bot/__main__.py": "print(1)\n", "bot/__init__.py": "" });
  expect((await init()).agent.run.slice(1)).toEqual(["-m", "bot"]);
});

test("a virtual environment's own interpreter is used, and never executed to find out", async () => {
  project({ "main.py": "print(1)\n" });
  mkdirSync(join(directory, ".venv/bin"), { recursive: true });
  writeFileSync(join(programs, "python3"), `#!/bin/sh\ntouch ${directory}/executed\n`, { mode: 0o755 });
  mkdirSync(join(programs, "installed/bin"), { recursive: true });
  writeFileSync(join(programs, "installed/bin/python3.12"), `#!/bin/sh\ntouch ${directory}/executed\n`, {
    mode: 0o755,
  });
  symlinkSync(join(programs, "installed/bin/python3.12"), join(directory, ".venv/bin/python3"));
  const { status, stdout } = await hardline(["init", "--json", "--agent", "it"], { workingDirectory: directory });
  expect(status).toBe(0);
  const { policy } = SHAPES.init.parse(JSON.parse(stdout));
  expect(policy).toContain("run: [.venv/bin/python3, main.py]");
  expect(policy).toContain(`read: [${programs}/installed]`);
  expect(existsSync(join(directory, "executed"))).toBe(false);
});

test("a shell project: an executable script", async () => {
  project({ go: "#!/bin/sh\necho hi\n", "logs/": "" });
  const { agent } = await init();
  expect(agent.run).toEqual(["./go"]);
});

test("a TypeScript project", async () => {
  project({ "src/main.ts": "const one: number = 1;\nconsole.log(one);\n", "tsconfig.json": "{}" });
  const { agent, assumed } = await init();
  expect(agent.run.slice(1)).toEqual(["src/main.ts"]);
  expect(assumed).toContain("nothing-writable");
});

test("a TypeScript project gets the first Node.js that runs TypeScript", async () => {
  project({ "main.ts": "const one: number = 1;\nconsole.log(one);\n" });
  for (const [name, runs] of [
    ["old", false],
    ["new", true],
    ["newer", true],
  ] as const) {
    const file = join(programs, name, "node");
    mkdirSync(dirname(file));
    writeFileSync(file, `#!/bin/sh\necho '["${file}", null, ${runs}]'\n`, { mode: 0o755 });
  }
  const PATH = ["old", "new", "newer"].map((name) => join(programs, name)).join(":");
  expect((await init({ PATH })).agent.run[0]).toBe(join(programs, "new/node"));
});

test("a mixed project takes what it is told first, and names the others", async () => {
  project({
    "package.json": '{ "bin": { "x": "./cli.js" } }',
    "cli.js": "console.log(1);\n",
    "agent.py": "print(1)\n",
    "run.sh": "#!/bin/sh\n",
  });
  const { agent, assumed } = await init();
  expect(agent.run.slice(1)).toEqual(["cli.js"]);
  expect(assumed).toContain("other-entry-points");
});

test("an empty directory gets a shell to look around in", async () => {
  const { agent, assumed } = await init();
  expect(agent.run).toEqual(["sh"]);
  expect(assumed).toContain("no-entry-point");
});

test("a start script that only a shell could understand is not guessed at", async () => {
  project({
    "package.json": '{ "scripts": { "start": "node build.js && node $(cat entry)" } }',
    "build.js": "",
    "index.js": "console.log(1);\n",
  });
  expect((await init()).agent.run.slice(1)).toEqual(["index.js"]);
});

test("a start script through an installed program becomes that program's file", async () => {
  project({
    "package.json": '{ "scripts": { "start": "tsx src/index.ts" } }',
    "src/index.ts": "",
    "node_modules/.bin/tsx": "#!/usr/bin/env node\nconsole.log(1);\n",
  });
  expect((await init()).agent.run.slice(1)).toEqual(["node_modules/.bin/tsx", "src/index.ts"]);
});

test("an interpreter outside /usr is named by its path, and can be read", async () => {
  project({ "main.py": "print(1)\n" });
  // A version manager's shim: a script that knows where the real one is.
  const installed = join(programs, "versions/3.12");
  mkdirSync(join(installed, "bin"), { recursive: true });
  writeFileSync(join(installed, "bin/python3.12"), "#!/bin/sh\n", { mode: 0o755 });
  mkdirSync(join(programs, "shims"));
  writeFileSync(
    join(programs, "shims/python3"),
    `#!/bin/sh\necho '["${installed}/bin/python3.12", "${installed}"]'\n`,
    { mode: 0o755 },
  );
  const { agent, assumed } = await init({ PATH: `relative:${programs}/shims:/usr/bin` });
  expect(agent.run).toEqual([`${installed}/bin/python3.12`, "main.py"]);
  expect(agent.read).toEqual([installed]);
  expect(assumed).toContain("interpreter-outside");
});

test("an interpreter that lives among everything else opens no more than itself", async () => {
  project({ "main.py": "print(1)\n" });
  writeFileSync(join(programs, "python3"), `#!/bin/sh\necho '["${programs}/python3", "/"]'\n`, { mode: 0o755 });
  const { agent, assumed } = await init({ PATH: programs });
  expect(agent.read).toEqual([join(programs, "python3")]);
  expect(assumed).toContain("interpreter-too-wide");
});

test("the interpreter that npm put first is not the person's", async () => {
  project({ "index.js": "console.log(1);\n" });
  const mine = join(programs, "bin/node");
  const npms = join(programs, "node_modules/.bin/node");
  for (const file of [mine, npms]) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `#!/bin/sh\necho '["${file}", null, true]'\n`, { mode: 0o755 });
  }
  const { agent } = await init({ PATH: `${dirname(npms)}:${dirname(mine)}` });
  expect(agent.run[0]).toBe(mine);
});

test("secrets are named, their values are nowhere", async () => {
  project({
    "main.py": "print(1)\n",
    ".env": "OPENAI_API_KEY=sk-value-1\nDEBUG=1\n",
    ".env.example": "OPENAI_API_KEY=\n",
    ".npmrc": "//registry.example/:_authToken=value-2\n",
    "secrets/exchange.key": "value-3\n",
    "config/harmless.yaml": "a: 1\n",
  });
  const { policy, assumed } = await init({ BROKER_TOKEN: "value-4", HARMLESS: "value-5" });
  expect(assumed).toEqual(expect.arrayContaining(["secrets-in-root", "secrets-in-environment"]));
  const text = policy.replaceAll(/\n# /g, " ");
  for (const name of [".env", ".npmrc", "secrets/exchange.key", "BROKER_TOKEN"]) expect(policy).toContain(name);
  expect(text).not.toMatch(/value-|example|HARMLESS|harmless/);
});

test("MCP servers of clients are named, and a hostile name stays in its comment", async () => {
  project({
    "main.py": "print(1)\n",
    ".mcp.json": JSON.stringify({ mcpServers: { files: {}, "x\n    run: [evil]": {}, "y\u2028z": {} } }),
    ".vscode/mcp.json": '{ "servers": { "git": {} } }',
    ".cursor/mcp.json": "{ not json",
  });
  const { agent, policy, assumed } = await init();
  expect(assumed).toContain("mcp-servers");
  for (const name of ["files", "git", "\\x0a", "\\u{2028}"]) expect(policy).toContain(name);
  expect(agent.run[1]).toBe("main.py");
});

test("symlinks and files with a usual name stay sealed", async () => {
  project({ "main.py": "print(1)\n", logs: "a file\n", "kept/x.txt": "" });
  symlinkSync("kept", join(directory, "state"));
  const { agent, assumed } = await init();
  expect(mutable(agent)).toEqual([]);
  expect(assumed).toContain("not-a-directory");
});

test("a directory with a name that is hard to write is written right", async () => {
  project({
    "main.py": "print(1)\n",
    "state: [/": "",
    ".gitignore": "state: [\n- x\nyes/\n1e3/\n",
    "yes/": "",
    "1e3/": "",
  });
  expect(mutable((await init()).agent)).toEqual(["1e3", "yes"]);
});

test("nothing is replaced without --force, and nothing is written with --print", async () => {
  const file = join(directory, "hardline.yaml");
  const surroundings = { workingDirectory: directory };
  const printed = await hardline(["init", "--print"], surroundings);
  expect(printed.status).toBe(0);
  expect(printed.stdout).toContain("version: 1");
  expect(printed.stderr).toContain("[no-entry-point]");
  expect(readdirSync(directory)).toEqual([]);

  writeFileSync(file, "mine\n");
  chmodSync(file, 0o644);
  const refused = await hardline(["init"], surroundings);
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain("--force");
  expect(readFileSync(file, "utf8")).toBe("mine\n");
  expect((await hardline(["init", "--force"], surroundings)).status).toBe(0);
  expect(readFileSync(file, "utf8")).toContain("version: 1");
});

test("--force replaces a symlink, not what it leads to", async () => {
  const victim = join(programs, "victim");
  writeFileSync(victim, "precious\n");
  symlinkSync(victim, join(directory, "hardline.yaml"));
  expect((await hardline(["init", "--force"], { workingDirectory: directory })).status).toBe(0);
  expect(readFileSync(victim, "utf8")).toBe("precious\n");
  expect(readFileSync(join(directory, "hardline.yaml"), "utf8")).toContain("version: 1");
});

test("the agent is called after the directory, as far as that is a name", async () => {
  const named = join(directory, "My Trading_Bot 2");
  mkdirSync(named);
  const { stdout } = await hardline(["init", "--print", named], { workingDirectory: "/" });
  expect(stdout).toContain("  my-trading-bot-2:\n");
});
