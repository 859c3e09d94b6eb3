import { afterEach, expect, test } from "vitest";
import { findHazards } from "../../src/analysis/hazards/find.ts";
import type { Agent } from "../../src/policy/types.ts";
import { NODE, prefixOf, runPlain, runSealed } from "./interpreters.ts";
import { idsOf, makeProject, type Project, policyOf, rootAgent, workspaceAgent } from "./project.ts";

const projects: Project[] = [];
afterEach(() => {
  for (const project of projects.splice(0)) project.remove();
});

function project(files: Readonly<Record<string, string>>): Project {
  const made = makeProject(files);
  projects.push(made);
  return made;
}

const read = prefixOf(NODE);
const check = (made: Project, agent: Agent) => findHazards(policyOf(made.dir, agent), agent);

const GOOD = "module.exports = { cap: -5 };\n";
const BAD = "module.exports = { cap: -50 };";

/** How a sealed CommonJS program can be led astray in a mutable directory, and what it loads by. */
const ATTACKS: Readonly<Record<string, { readonly by: string; readonly attack: string }>> = {
  "a file without suffix": { by: "./limits", attack: `echo '${BAD}' > limits` },
  "a manifest that takes the package's name": {
    by: "guard",
    attack: `echo '${BAD}' > evil.cjs; echo '{"name":"guard","exports":"./evil.cjs"}' > package.json`,
  },
  "a package in a nearer node_modules": {
    by: "guard",
    attack: `mkdir -p app/node_modules/guard; echo '${BAD}' > app/node_modules/guard/index.js`,
  },
};

function standing(by: string): { made: Project; agent: Agent } {
  const made = project({
    "app/trade.cjs": `console.log("cap", require("${by}").cap);\n`,
    "app/limits.js": GOOD,
    "node_modules/guard/package.json": '{"name":"guard","main":"index.js"}',
    "node_modules/guard/index.js": GOOD,
    "limits.js": GOOD,
  });
  // The directory `app` is mutable: only the files in it are sealed.
  const sealed = ["app/trade.cjs", "app/limits.js", "limits.js", "node_modules/"];
  return { made, agent: workspaceAgent(made.dir, sealed, { run: [NODE, "app/trade.cjs"], read }) };
}

test.each(Object.entries(ATTACKS))("%s works, until the stand-ins are there", async (_, { by, attack }) => {
  const inApp = by.startsWith("./") ? `cd app; ${attack}; cd ..` : attack;
  const open = standing(by);
  const control = runSealed(open.agent, [], `(${inApp}) 2>/dev/null; exec ${NODE} app/trade.cjs`);
  expect(control.stdout).toBe("cap -50\n");

  const { made, agent } = standing(by);
  const { findings, standIns } = await check(made, agent);
  expect(idsOf(findings)).toEqual([]);
  expect(standIns).not.toEqual([]);
  const closed = runSealed(agent, standIns, `(${inApp}) 2>/dev/null; exec ${NODE} app/trade.cjs`);
  expect(closed).toEqual({ stdout: "cap -5\n", stderr: "", status: 0 });
});

test("a full file name and an ES module have one meaning, whatever stands beside", async () => {
  const made = project({
    "trade.mjs": 'import limits from "./limits.cjs";\nconsole.log("cap", limits.cap);\n',
    "limits.cjs": GOOD,
  });
  const agent = workspaceAgent(made.dir, ["trade.mjs", "limits.cjs"], { run: [NODE, "trade.mjs"], read });
  const { findings, standIns } = await check(made, agent);
  expect(idsOf(findings)).toEqual([]);
  expect(standIns).toEqual([]);
  const out = runSealed(agent, [], `mkdir limits; echo '${BAD}' > limits/index.js; exec ${NODE} trade.mjs`);
  expect(out.stdout).toBe("cap -5\n");
});

test("an import of something mutable, by every way of loading it", async () => {
  const made = project({
    "trade.mjs": [
      'import "./state/a.mjs";',
      'export * from "./state/b.mjs";',
      'await import("./state/c.mjs");',
      'import { createRequire } from "node:module";',
      "const load = createRequire(import.meta.url);",
      'load("./state/d.cjs");',
      'import { join } from "node:path";',
      'await import(join(import.meta.dirname, "state", "e.mjs"));',
      'new Worker(new URL("./state/f.mjs", import.meta.url));',
      'import "file://PLACE/state/g.mjs";',
    ].join("\n"),
    ...Object.fromEntries(
      ["a.mjs", "b.mjs", "c.mjs", "d.cjs", "e.mjs", "f.mjs", "g.mjs"].map((name) => [`state/${name}`, ""]),
    ),
  });
  made.write({ "trade.mjs": runPlain(["sed", `s#PLACE#${made.dir}#`, "trade.mjs"], made.dir).stdout });
  const { findings } = await check(made, rootAgent(made.dir, ["state"], { run: [NODE, "trade.mjs"], read }));
  expect(idsOf(findings)).toEqual(["node-import-mutable"]);
  expect(findings.map((each) => each.line)).toEqual([1, 2, 3, 6, 8, 9, 10]);
});

test("`imports` of a manifest that the agent may write", async () => {
  const files = {
    "app/trade.mjs": 'import { cap } from "#limits";\nconsole.log("cap", cap);\n',
    "limits.mjs": "export const cap = -5;\n",
  };
  const made = project({ ...files, "package.json": '{"imports":{"#limits":"./limits.mjs"}}' });
  const run = [NODE, "app/trade.mjs"];
  const sealed = await check(made, workspaceAgent(made.dir, ["app/", "limits.mjs", "package.json"], { run, read }));
  expect(idsOf(sealed.findings)).toEqual([]);
  const open = await check(made, workspaceAgent(made.dir, ["app/", "limits.mjs"], { run, read }));
  expect(open.findings[0]).toMatchObject({
    id: "node-package-scope",
    severity: "error",
    file: made.path("app/trade.mjs"),
    line: 1,
  });
  // The control: what the finding says is so.
  made.write({ "evil.mjs": "export const cap = -50;\n", "package.json": '{"imports":{"#limits":"./evil.mjs"}}' });
  expect(runPlain(run, made.dir).stdout).toBe("cap -50\n");
  // And where the target is mutable, although the manifest is not.
  made.write({ "package.json": '{"imports":{"#limits":{"node":"./state/l.mjs"}}}', "state/l.mjs": "" });
  const target = await check(made, rootAgent(made.dir, ["state"], { run, read }));
  expect(idsOf(target.findings)).toEqual(["node-import-mutable"]);
});

test("an ordinary program in a sealed root is clean: packages, TypeScript, JSX, JSON, types", async () => {
  const made = project({
    "package.json": '{"name":"desk","type":"module","scripts":{"start":"node main.ts"}}',
    "main.ts": [
      'import fs, { readFileSync } from "node:fs";',
      'import type { Position } from "./state/types.ts";',
      'import { cap } from "./limits.ts";',
      'import zod from "zod";',
      'import data from "./limits.json" with { type: "json" };',
      "const position: Position = JSON.parse(readFileSync('state/position.json', 'utf8'));",
      "const all = <T,>(x: T): T => x;",
      "try { await import('optional'); } catch {}",
      "fs.writeFileSync(`logs/${cap}.log`, String(all(data)));",
    ].join("\n"),
    "limits.ts": "export const cap: number = -5;\nexport default <div/>;\n".replace("export default <div/>;\n", ""),
    "limits.json": "{}",
    "node_modules/zod/package.json": '{"name":"zod","exports":{".":{"types":"./i.d.ts","import":"./i.js"}}}',
    "node_modules/zod/i.js": 'require("peer-that-is-not-there");',
    "state/position.json": "{}",
  });
  const options = { run: [NODE, "main.ts"], read };
  expect((await check(made, rootAgent(made.dir, ["state", "logs", "memory"], options))).findings).toEqual([]);
});

test("packages: missing, mutable, and a mutable store", async () => {
  const made = project({
    "app/trade.mjs": 'import "dep";\n',
    "node_modules/dep/package.json": "{}",
    "node_modules/dep/index.js": "",
  });
  const options = { run: [NODE, "app/trade.mjs"], read };
  const mutable = await check(made, workspaceAgent(made.dir, ["app/"], options));
  expect(mutable.findings.find((each) => each.severity === "error")).toMatchObject({ id: "node-import-mutable" });
  const inRoot = await check(made, rootAgent(made.dir, ["node_modules"], options));
  expect(idsOf(inRoot.findings)).toEqual(["node-import-mutable", "runs-later"]);

  const absent = project({ "app/trade.cjs": 'try { require("dep") } catch {}\n' });
  const closed = await check(absent, workspaceAgent(absent.dir, ["app/"], { run: [NODE, "app/trade.cjs"], read }));
  expect(closed.standIns.map((each) => each.path).sort()).toEqual(["node_modules", "package.json"]);
  expect(idsOf(closed.findings)).toEqual([]);
});

test("a missing package of CommonJS is looked for in the home directory: a warning, and the control", async () => {
  const made = project({
    "trade.cjs": 'try { console.log(require("optional")); } catch {}\n',
    "home/.node_modules/optional.js": 'module.exports = "planted";\n',
  });
  const { stdout } = runPlain(["env", `HOME=${made.path("home")}`, NODE, "trade.cjs"], made.dir);
  expect(stdout).toBe("planted\n");
  const { findings } = await check(made, rootAgent(made.dir, ["state"], { run: [NODE, "trade.cjs"], read }));
  expect(findings).toMatchObject([{ id: "node-import-shadowed", severity: "warning", line: 1 }]);
});

test("what is loaded before the program: --require, --import, --env-file, NODE_OPTIONS", async () => {
  const made = project({ "trade.mjs": "", "state/hook.cjs": "", "state/local.env": "", "hook.cjs": "" });
  const ids = async (options: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string[]> =>
    idsOf(
      (await check(made, rootAgent(made.dir, ["state"], { run: [NODE, ...options, "trade.mjs"], read, env }))).findings,
    );
  expect(await ids(["-r", "./hook.cjs"])).toEqual([]);
  expect(await ids(["-r", "./state/hook.cjs"])).toEqual(["node-import-mutable"]);
  expect(await ids(["--import=./state/hook.cjs"])).toEqual(["node-import-mutable"]);
  expect(await ids(["--env-file=state/local.env"])).toEqual(["startup-file-mutable"]);
  expect(await ids(["--env-file", "state/absent.env"])).toEqual(["startup-file-mutable"]);
  expect(await ids([], { NODE_OPTIONS: "--max-old-space-size=512 --require ./state/hook.cjs" })).toEqual([
    "node-import-mutable",
  ]);
  expect(await ids([], { NODE_OPTIONS: "--max-old-space-size=512" })).toEqual([]);
  expect(await ids(["--max-old-space-size=512", "--enable-source-maps"])).toEqual([]);
});

test("the main script by a short name", async () => {
  const made = project({ "trade.js": 'console.log("good");\n' });
  const run = [NODE, "trade"];
  const { standIns, findings } = await check(made, workspaceAgent(made.dir, ["trade.js"], { run, read }));
  expect(idsOf(findings)).toEqual([]);
  expect(standIns).toContainEqual({ path: "trade", kind: "directory", closes: "node-import-shadowed" });
  made.write({ trade: 'console.log("planted");\n' });
  expect(runPlain(run, made.dir).stdout).toBe("planted\n");
  expect(idsOf((await check(made, workspaceAgent(made.dir, ["trade.js"], { run, read }))).findings)).toContain(
    "program-mutable",
  );
});

test("limits that are read from a mutable place", async () => {
  const made = project({
    "trade.mjs": [
      'import { readFileSync as r, writeFileSync } from "node:fs";',
      'import fs from "node:fs";',
      'import path from "node:path";',
      'fs.readFileSync("state/limits.json");',
      'await fs.promises.readFile(new URL("./state/riskPolicy.json", import.meta.url));',
      'const STATE = path.join(import.meta.dirname, "state");',
      "fs.readFileSync(`${STATE}/config.yaml`);",
      'fs.readFileSync("state/position.json");',
      'writeFileSync("state/limits.txt", "");',
      'import caps from "./state/caps.json" with { type: "json" };',
    ].join("\n"),
    "state/caps.json": "{}",
  });
  const { findings } = await check(made, rootAgent(made.dir, ["state"], { run: [NODE, "trade.mjs"], read }));
  expect(findings.map(({ id, line }) => [id, line])).toEqual([
    ["limits-in-mutable", 4],
    ["limits-in-mutable", 5],
    ["limits-in-mutable", 10],
    ["config-in-mutable", 7],
  ]);
});

test("mutable content that is run, and programs that a program starts", async () => {
  const made = project({
    "trade.mjs": [
      'import fs from "node:fs"; import vm from "node:vm"; import { execSync, spawn } from "node:child_process";',
      'eval(fs.readFileSync("state/strategy.txt", "utf8"));',
      'vm.runInThisContext(String(fs.readFileSync("state/strategy.txt")));',
      'fs.readFileSync("state/strategy.txt");',
      'spawn("/bin/sh", ["state/job.sh"]);',
      'execSync(". state/job.sh");',
      '/x/.exec("/bin/sh state/job.sh");',
    ].join("\n"),
    "state/strategy.txt": "",
    "state/job.sh": "",
  });
  const { findings } = await check(made, rootAgent(made.dir, ["state"], { run: [NODE, "trade.mjs"], read }));
  expect(findings.map(({ id, line }) => [id, line])).toEqual([
    ["shell-source-mutable", 6],
    ["runs-mutable", 2],
    ["runs-mutable", 3],
    ["runs-mutable", 5],
  ]);
});

test("a program that is no JavaScript is said to be unread", async () => {
  const made = project({ "trade.mjs": "const x = 1;\nconst = ;\n" });
  const { findings } = await check(made, rootAgent(made.dir, ["state"], { run: [NODE, "trade.mjs"], read }));
  expect(findings).toMatchObject([{ id: "unparsable", severity: "warning", line: 2 }]);
});
