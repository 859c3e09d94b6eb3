import { linkSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { findHazards, type HazardOptions } from "../../src/analysis/hazards/find.ts";
import type { Finding } from "../../src/core/finding.ts";
import { RUN_LATER_NAMES } from "../../src/core/runs-later.ts";
import type { Agent, Policy } from "../../src/policy/types.ts";
import { NODE, prefixOf, runPlain } from "./interpreters.ts";
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

async function errors(made: Project, agent: Agent, options: HazardOptions = {}): Promise<readonly Finding[]> {
  const { findings } = await findHazards(policyOf(made.dir, agent), agent, options);
  return findings.filter((each) => each.severity !== "info");
}

const ids = async (made: Project, agent: Agent, options: HazardOptions = {}): Promise<string[]> =>
  idsOf(await errors(made, agent, options));

test("a root, a source or something to read that is not there", async () => {
  const made = project({ "app/x": "" });
  expect(await ids(made, rootAgent(made.path("absent"), []))).toEqual(["root-missing"]);
  expect(await ids(made, rootAgent(made.path("app/x"), []))).toEqual(["root-missing"]);
  const source = { path: "x", source: made.path("absent"), directory: false };
  expect(await ids(made, workspaceAgent(made.path("app"), [source]))).toEqual(["sealed-missing"]);
  expect(await ids(made, rootAgent(made.path("app"), [], { read: [made.path("absent")] }))).toEqual(["read-missing"]);
});

test("F5: a link at, above or below a place of the policy", async () => {
  const made = project({ "real/trade": "", "real/state/": "" });
  symlinkSync(made.path("real"), made.path("link"));
  const above = await errors(made, rootAgent(made.path("link"), []));
  expect(above).toMatchObject([{ id: "symlink-in-path", severity: "error", line: 5 }]);
  expect(above[0]?.fix).toContain(made.path("real"));

  symlinkSync("/var/tmp/nowhere-at-all", made.path("real/memory"));
  expect(await ids(made, rootAgent(made.path("real"), ["memory"]))).toEqual(["symlink-in-path"]);
  rmSync(made.path("real/memory"));

  symlinkSync("state/trade.conf", made.path("real/trade.conf"));
  expect((await errors(made, rootAgent(made.path("real"), ["state"])))[0]).toMatchObject({
    id: "symlink-into-mutable",
    severity: "error",
    message: expect.stringContaining("trade.conf"),
  });
  rmSync(made.path("real/trade.conf"));

  symlinkSync("trade", made.path("real/inside"));
  symlinkSync("/usr/bin", made.path("real/system"));
  expect(await ids(made, rootAgent(made.path("real"), ["state"]))).toEqual([]);
  symlinkSync("/home/somebody/trade", made.path("real/outside"));
  expect(await ids(made, rootAgent(made.path("real"), ["state"]))).toEqual(["symlink-outside"]);
  symlinkSync("loop", made.path("real/loop"));
  expect(await ids(made, rootAgent(made.path("real"), ["state"]))).toEqual(["symlink-outside"]);
});

test("F5: a link at or above a path under `read:`, wherever it leads", async () => {
  const made = project({ "root/x": "", "shared/v1/key": "" });
  symlinkSync("v1", made.path("shared/current"));
  const reading = (path: string): Agent => rootAgent(made.path("root"), [], { read: [made.path(path)] });
  expect(await ids(made, reading("shared/v1"))).toEqual([]);
  for (const path of ["shared/current", "shared/current/key"]) {
    const [found, ...more] = await errors(made, reading(path));
    expect(found).toMatchObject({ id: "symlink-in-path", severity: "error" });
    expect(found?.fix).toContain(made.path("shared/v1"));
    expect(more).toEqual([]);
  }
});

test("F5: a link planted in a workspace at a sealed name", async () => {
  const made = project({ "ws/x": "", "src/trade": "" });
  symlinkSync("/etc/hostname", made.path("ws/trade"));
  expect(await ids(made, workspaceAgent(made.path("ws"), ["trade"]))).toContain("symlink-in-path");
  const mapped = { path: "sub/trade", source: made.path("src/trade"), directory: false };
  symlinkSync("/var/tmp", made.path("ws/sub"));
  expect(await ids(made, workspaceAgent(made.path("ws"), [mapped]))).toEqual(["symlink-in-path"]);
});

test("F7: a second name for a sealed file, in a mutable place, elsewhere, and in a package store", async () => {
  const made = project({ "root/trade": "good", "root/node_modules/p/i.js": "", "root/state/": "", "store/": "" });
  const agent = rootAgent(made.path("root"), ["state"]);
  expect(await ids(made, agent)).toEqual([]);
  linkSync(made.path("root/trade"), made.path("root/also"));
  expect(await ids(made, agent)).toEqual([]); // both names are sealed

  linkSync(made.path("root/trade"), made.path("root/state/mine"));
  const found = await errors(made, agent);
  expect(found).toMatchObject([{ id: "hard-link", severity: "error" }]);
  expect(found[0]?.message).toContain(made.path("root/state/mine"));
  // The control: it is so.
  writeFileSync(made.path("root/state/mine"), "evil");
  expect(runPlain(["cat", "trade"], made.path("root")).stdout).toBe("evil");
  rmSync(made.path("root/state/mine"));

  linkSync(made.path("root/trade"), made.path("store/elsewhere"));
  expect(await ids(made, agent)).toEqual(["hard-link"]);
  rmSync(made.path("store/elsewhere"));
  linkSync(made.path("root/node_modules/p/i.js"), made.path("store/i.js"));
  expect(await errors(made, agent)).toMatchObject([{ id: "hard-link-elsewhere", severity: "warning" }]);

  const another = rootAgent(made.dir, ["store"], { name: "other" });
  const { findings } = await findHazards(policyOf(made.dir, agent, another), agent);
  expect(findings.find((each) => each.id === "hard-link")?.message).toContain("other can write");
});

test("the policy, the state directory and a sealed source in a mutable place", async () => {
  const made = project({ "state/": "", "hardline.yaml": "", "src/trade": "" });
  const at = (agent: Agent): Policy => ({
    ...policyOf(made.dir, agent),
    file: made.path("hardline.yaml"),
    dir: made.dir,
  });
  const idsAt = async (agent: Agent): Promise<string[]> => idsOf((await findHazards(at(agent), agent)).findings);
  expect(await idsAt(rootAgent(made.dir, ["state"]))).toEqual([]);
  expect(await idsAt(workspaceAgent(made.dir, []))).toEqual(["policy-mutable"]);
  expect(await idsAt(workspaceAgent(made.dir, ["hardline.yaml"]))).toEqual([]);
  expect(await ids(made, rootAgent(made.dir, ["state"]), { stateDir: made.path("state/hardline") })).toEqual([
    "state-mutable",
  ]);
  expect(await ids(made, rootAgent(made.dir, ["state"]), { stateDir: made.path("sealed-by-root") })).toEqual([]);
  const source = { path: "trade", source: made.path("src/trade"), directory: false };
  expect(await ids(made, workspaceAgent(made.dir, [source]))).toEqual(["sealed-source-mutable"]);
});

test("a project below /tmp: what is above it there is closed, /tmp itself is not", async () => {
  const inside = mkdtempSync(join(realpathSync("/tmp"), "hardline-hazards-"));
  try {
    mkdirSync(join(inside, "desk"));
    writeFileSync(join(inside, "desk/trade.mjs"), 'import "optional";\n');
    const options = { run: [NODE, "trade.mjs"], read: prefixOf(NODE) };
    const idsAt = async (agent: Agent): Promise<string[]> =>
      idsOf((await findHazards(policyOf(inside, agent), agent)).findings);
    const agent = rootAgent(join(inside, "desk"), ["state"], options);
    const found = (await findHazards(policyOf(inside, agent), agent)).findings;
    expect(idsOf(found)).toEqual(["node-import-shadowed", "node-package-scope"]);
    expect(found.every(({ message }) => !message.includes(join(inside, "node_modules")))).toBe(true);
    writeFileSync(join(inside, "desk/package.json"), "{}");
    writeFileSync(join(inside, "desk/trade.mjs"), 'import "node:fs";\n');
    expect(await idsAt(agent)).toEqual([]);
  } finally {
    rmSync(inside, { recursive: true });
  }
});

test("a finding about an item of a list points at the item, whatever order the list was loaded in", async () => {
  const made = project({ "root/x": "" });
  const file = made.path("policy.yaml");
  writeFileSync(file, 'mutable: [state, "./memory"]\n');
  symlinkSync("/var/tmp/nowhere-at-all", made.path("root/memory"));
  const agent = rootAgent(made.path("root"), ["state", "memory"]);
  const positions = {
    "/agents/trader/mutable/0": { line: 1, column: 11 },
    "/agents/trader/mutable/1": { line: 1, column: 18 },
  };
  const { findings } = await findHazards({ ...policyOf(made.dir, agent), file, positions }, agent);
  expect(findings).toMatchObject([{ id: "symlink-in-path", line: 1, column: 18 }]);
});

test("two agents and a tool: what one may write and another has sealed or shares", async () => {
  const made = project({ "a/state/": "", "b/state/": "" });
  const both = async (one: Agent, two: Agent): Promise<string[]> =>
    idsOf((await findHazards(policyOf(made.dir, one, two), one)).findings);
  const a = rootAgent(made.path("a"), ["state"], { name: "a" });
  expect(await both(a, rootAgent(made.path("b"), ["state"], { name: "b" }))).toEqual([]);
  expect(await both(a, workspaceAgent(made.path("a"), [], { name: "b" }))).toEqual([
    "overlap-mutable",
    "overlap-sealed",
  ]);
  expect(await both(a, rootAgent(made.path("a"), ["other"], { name: "b" }))).toEqual(["overlap-sealed"]);
  expect(await both(a, rootAgent(made.path("a"), ["state"], { name: "b" }))).toEqual(["overlap-mutable"]);
  expect(await both(a, rootAgent(made.path("a"), [], { name: "b" }))).toEqual([]);
  const reader = rootAgent(made.path("b"), [], { name: "b", read: [made.path("a/state")] });
  expect(await both(reader, a)).toEqual(["read-mutable"]);
  const tool = { name: "tool", server: workspaceAgent(made.path("a"), [], { name: "tool" }) };
  const policy = { ...policyOf(made.dir, a), tools: { tool } };
  expect(idsOf((await findHazards(policy, a)).findings)).toContain("overlap-sealed");
});

test("names that are sealed in a workspace, where another program could take them away under their mounts", async () => {
  const made = project({ "data/ws/conf/limits.txt": "", "data/ws/other/": "", "src/limits.txt": "" });
  const source = made.path("src/limits.txt");
  const sealing = workspaceAgent(made.path("data/ws"), [{ path: "conf/limits.txt", source, directory: false }]);
  const against = async (other: Agent): Promise<readonly Finding[]> => {
    const { findings } = await findHazards(policyOf(made.dir, sealing, other), sealing);
    return findings.filter(({ severity }) => severity === "error");
  };
  const enclosing = await against(rootAgent(made.dir, ["data"], { name: "x" }));
  expect(idsOf(enclosing)).toEqual(["overlap-mutable", "overlap-sealed"]);
  expect(enclosing.find(({ id }) => id === "overlap-sealed")?.message).toContain(
    `remove or replace ${made.path("data/ws/conf/limits.txt")}`,
  );
  // From within: the directory that holds the name.
  for (const other of [
    workspaceAgent(made.path("data/ws/conf"), ["nothing.txt"], { name: "x" }),
    rootAgent(made.dir, ["data/ws/conf"], { name: "x" }),
  ]) {
    expect(idsOf(await against(other))).toEqual(["overlap-mutable", "overlap-sealed"]);
  }
  // A directory beside it, and one where the other has sealed the name too.
  expect(idsOf(await against(rootAgent(made.dir, ["data/ws/other"], { name: "x" })))).toEqual(["overlap-mutable"]);
  const both = workspaceAgent(made.path("data"), ["ws/conf/limits.txt"], { name: "x" });
  expect(idsOf(await against(both))).toEqual(["overlap-mutable"]);
  expect(await against(rootAgent(made.dir, ["src2"], { name: "x" }))).toEqual([]);
});

test("an overlap is accepted by name, and keeps the agent from starting until then", async () => {
  const made = project({ "shared/": "" });
  const accept = [{ id: "overlap-mutable", because: "both are one team's, with the same credentials" }];
  const one = rootAgent(made.dir, ["shared"], { name: "one", accept });
  const two = rootAgent(made.dir, ["shared"], { name: "two" });
  const policy = policyOf(made.dir, one, two);
  const overlap = async (agent: Agent): Promise<Finding | undefined> =>
    (await findHazards(policy, agent)).findings.find(({ id }) => id === "overlap-mutable");
  expect(await overlap(one)).toMatchObject({ severity: "error", accepted: accept[0]?.because });
  const unaccepted = await overlap(two);
  expect(unaccepted).toMatchObject({ severity: "error", message: expect.stringContaining("lend each other") });
  expect(unaccepted).not.toHaveProperty("accepted");
});

test("F12: a repository that has no name of its own", async () => {
  const made = project({ HEAD: "ref: refs/heads/main\n", "objects/": "", "refs/heads/": "", config: "" });
  expect(await ids(made, workspaceAgent(made.dir, []))).toEqual(["git-hooks-mutable"]);
  expect(await ids(made, workspaceAgent(made.dir, ["hooks/", "config", "commondir"]))).toEqual([]);
  // The control: git obeys it when somebody merely asks.
  const tree = `bare = false\n\tworktree = ${made.path("tree")}`;
  made.write({
    "tree/": "",
    config: `[core]\n\trepositoryformatversion = 0\n\t${tree}\n\tfsmonitor = "touch ${made.path("planted")}; false"\n`,
  });
  runPlain(["git", "status"], made.dir);
  expect(runPlain(["ls", "planted"], made.dir).status).toBe(0);
  rmSync(made.path("HEAD"));
  expect(await ids(made, workspaceAgent(made.dir, []))).toEqual([]);
});

test("whatever an agent makes in a mutable directory of a sealed root, it cannot end its own next start by it", async () => {
  const made = project({ "trade.sh": "cat limits.txt\n", "limits.txt": "-5", "state/": "" });
  const agent = rootAgent(made.dir, ["state"], { run: ["/bin/sh", "trade.sh"] });
  expect(await ids(made, agent)).toEqual([]);
  for (const name of RUN_LATER_NAMES) made.write({ [`state/${name}`]: "x" });
  for (const name of ["HEAD", "objects/", "config", "commondir", ".git/", "hooks/"])
    made.write({ [`state/${name}`]: "" });
  symlinkSync("/nowhere", made.path("state/link"));
  symlinkSync("../limits.txt", made.path("state/limits.txt"));
  const found = await errors(made, agent);
  expect([...new Set(idsOf(found))]).toEqual(["git-hooks-mutable", "runs-later"]);
  expect(found.filter(({ severity }) => severity === "error")).toEqual([]);
  rmSync(made.path("state/.git"), { recursive: true });
  made.write({ "state/.git": "gitdir: ../b" });
  expect((await errors(made, agent)).filter(({ severity }) => severity === "error")).toEqual([]);
  // What the policy itself has made mutable is its own doing.
  expect((await errors(made, rootAgent(made.dir, ["state/.git"]))).map(({ severity }) => severity)).toContain("error");
});

test("F12: hooks and configuration of a repository, and what makes git read others", async () => {
  const made = project({});
  runPlain(["git", "init", "-q"], made.dir);
  const sealed = ["hooks/", "config"].map((name) => `.git/${name}`);
  expect(await ids(made, workspaceAgent(made.dir, []))).toEqual(["git-hooks-mutable"]);
  expect(await ids(made, workspaceAgent(made.dir, [".git/hooks/"]))).toEqual(["git-hooks-mutable"]);
  const [commondir] = await errors(made, workspaceAgent(made.dir, sealed));
  expect(commondir?.message).toContain("commondir");
  expect(await ids(made, workspaceAgent(made.dir, [".git/"]))).toEqual([]);
  expect(await ids(made, rootAgent(made.dir, ["state"]))).toEqual([]);
  expect(await ids(made, rootAgent(made.dir, [".git"]))).toEqual(["git-hooks-mutable"]);

  // The control: a `commondir` really brings another configuration, and the fix really is one.
  made.write({
    "evil/HEAD": "",
    "evil/objects/": "",
    "evil/refs/": "",
    "evil/config": '[core]\n\tfsmonitor = "touch planted; false"\n',
  });
  made.write({ ".git/commondir": "../evil\n" });
  runPlain(["git", "status"], made.dir);
  expect(runPlain(["ls", "planted"], made.dir).status).toBe(0);
  made.write({ ".git/commondir": ".\n" });
  expect(runPlain(["git", "status"], made.dir).status).toBe(0);
  expect(await ids(made, workspaceAgent(made.dir, [...sealed, ".git/commondir"]))).toEqual([]);
});

test("F12: names that something else obeys", async () => {
  const made = project({ ".envrc": "", ".vscode/tasks.json": "", Makefile: "", "state/.envrc": "" });
  const found = await errors(made, workspaceAgent(made.dir, ["Makefile"]));
  expect(found.map(({ id, severity }) => [id, severity])).toEqual([
    ["runs-later", "warning"],
    ["runs-later", "warning"],
  ]);
  expect(await ids(made, rootAgent(made.dir, ["state"]))).toEqual(["runs-later"]);
  expect(await ids(made, rootAgent(made.dir, [".vscode"]))).toEqual(["runs-later"]);
  expect(await ids(made, rootAgent(made.dir, ["memory"]))).toEqual([]);
});

test("I4, I5: variables that load code, and search paths", async () => {
  const made = project({ "lib/": "", "state/": "", "hook.so": "" });
  const judge = async (env: Readonly<Record<string, string>>): Promise<string[]> =>
    (await errors(made, rootAgent(made.dir, ["state"], { env }))).map(({ id, severity }) => `${id}:${severity}`);
  expect(await judge({ TZ: "UTC", PYTHONPATH: made.path("lib"), PYTHONUNBUFFERED: "1" })).toEqual([]);
  expect(await judge({ LD_PRELOAD: made.path("hook.so") })).toEqual(["environment-code:warning"]);
  expect(await judge({ LD_PRELOAD: made.path("state/hook.so") })).toEqual(["environment-code:error"]);
  expect(await judge({ PERL5OPT: `-I${made.path("state")} -MEvil` })).toEqual(["environment-code:error"]);
  expect(await judge({ JAVA_TOOL_OPTIONS: "-javaagent:state/agent.jar" })).toEqual(["environment-code:error"]);
  const inWorkspace = await errors(made, workspaceAgent(made.dir, [], { env: { PAGER: "cat", EDITOR: "hook.so" } }));
  expect(inWorkspace.map(({ severity }) => severity)).toEqual(["error", "warning"]);
  expect(await judge({ BASH_ENV: "/tmp/x" })).toEqual(["environment-code:error"]);
  expect(await judge({ LD_LIBRARY_PATH: "/usr/lib:" })).toEqual(["search-path-relative:error"]);
  expect(await judge({ LD_LIBRARY_PATH: `${made.path("state")}/lib` })).toEqual(["search-path-mutable:error"]);
  expect(await judge({ PATH: "/usr/bin:/bin" })).toEqual([]);
  expect(await judge({ PATH: "/usr/bin:state/bin" })).toEqual(["search-path-mutable:error"]);
  expect(await judge({ PATH: "/tmp/bin:/usr/bin" })).toEqual(["search-path-mutable:error"]);
  expect(await judge({ PATH: ".:/usr/bin" })).toEqual(["search-path-relative:error"]);
  expect(await judge({ HOME: made.path("state") })).toEqual(["startup-file-mutable:warning"]);
  expect(await judge({ PYTHONPYCACHEPREFIX: made.path("state") })).toEqual(["python-bytecode:error"]);
});

test("accept: by name and with a reason; unused, unknown, and what cannot be accepted", async () => {
  const made = project({ "state/.envrc": "" });
  const judge = async (id: string): Promise<readonly Finding[]> =>
    errors(made, rootAgent(made.dir, ["state"], { accept: [{ id, because: "looked at" }] }));
  expect(await judge("runs-later")).toMatchObject([{ id: "runs-later", accepted: "looked at" }]);
  expect(await judge("hard-link")).toMatchObject([
    { id: "accept-unused", severity: "warning", line: 8 },
    { id: "runs-later" },
  ]);
  const [unknown] = await judge("run-later");
  expect(unknown).toMatchObject({ id: "accept-unknown", severity: "error" });
  expect(unknown?.message).toContain('did you mean "runs-later"?');
  expect((await judge("program-missing"))[0]).toMatchObject({ id: "accept-unknown" });
});

test("a finding in a program that is laid over the workspace points at its source", async () => {
  const made = project({ "ws/": "", "src/run.sh": "#!/bin/sh\n. ./env.sh\n" });
  const entry = { path: "run.sh", source: made.path("src/run.sh"), directory: false };
  const [first] = await errors(made, workspaceAgent(made.path("ws"), [entry], { run: ["./run.sh"] }));
  expect(first).toMatchObject({ id: "shell-source-mutable", file: made.path("src/run.sh"), line: 2, column: 1 });
});

test("everything that is returned is plain data", async () => {
  const made = project({ "trade.py": "import json\nimport limits\n", "limits.py": "" });
  const agent = workspaceAgent(made.dir, ["trade.py", "limits.py"], { run: ["/usr/bin/python3", "trade.py"] });
  const result = await findHazards(policyOf(made.dir, agent), agent);
  expect(result.findings.length).toBeGreaterThan(1);
  expect(result.standIns.length).toBeGreaterThan(1);
  expect(JSON.parse(JSON.stringify(result))).toEqual(result);
});
