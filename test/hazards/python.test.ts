import { readFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { findHazards } from "../../src/analysis/hazards/find.ts";
import type { Agent } from "../../src/policy/types.ts";
import { PYTHON, prefixOf, runPlain, runSealed } from "./interpreters.ts";
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

const run = [PYTHON, "trade.py"];
const read = prefixOf(PYTHON);
const check = (made: Project, agent: Agent) => findHazards(policyOf(made.dir, agent), agent);

/** Imports nothing that a file could come before, but for its own limits. */
const TRADE = 'import sys\nimport limits\nprint("cap", limits.CAP)\n';
const LIMITS = "CAP = -5\n";
const PLANTED = "CAP = -50";

/** Forges bytecode that passes for `limits.py`: the header carries the source's time and size. */
const FORGE = `
import importlib.util, os, struct, sys, marshal
stat = os.stat("limits.py")
target = importlib.util.cache_from_source("limits.py")
os.makedirs(os.path.dirname(target), exist_ok=True)
code = compile("CAP = -50", "limits.py", "exec")
header = importlib.util.MAGIC_NUMBER + struct.pack("<LLL", 0, int(stat.st_mtime), stat.st_size)
open(target, "wb").write(header + marshal.dumps(code))
`;

/** Ways to stand in for a sealed limits.py, each of which works where nothing closes it. */
const ATTACKS: Readonly<Record<string, string>> = {
  "a package directory": `mkdir limits; echo '${PLANTED}' > limits/__init__.py`,
  "a package of bytecode": `mkdir limits; echo '${PLANTED}' > x.py; ${PYTHON} -c 'import py_compile; py_compile.compile("x.py", "limits/__init__.pyc")'`,
  "forged bytecode": `${PYTHON} forge.py`,
};

function standing(): Project {
  return project({ "trade.py": TRADE, "limits.py": LIMITS, "forge.py": FORGE });
}

test.each(Object.entries(ATTACKS))(
  "%s beside a sealed module works, until the stand-ins are there",
  async (_, attack) => {
    const open = standing();
    const control = runSealed(
      workspaceAgent(open.dir, ["trade.py", "limits.py"]),
      [],
      `(${attack}) 2>/dev/null; exec ${PYTHON} trade.py`,
    );
    expect(control.stdout).toBe("cap -50\n");

    const made = standing();
    const agent = workspaceAgent(made.dir, ["trade.py", "limits.py"], { run, read });
    const { findings, standIns } = await check(made, agent);
    expect(idsOf(findings)).toEqual(["python-implicit-import"]);
    const closed = runSealed(agent, standIns, `(${attack}) 2>/dev/null; exec ${PYTHON} trade.py`);
    expect(closed).toEqual({ stdout: "cap -5\n", stderr: "", status: 0 });
    expect(readFileSync(made.path("limits.py"), "utf8")).toBe(LIMITS);
  },
);

test("an extension module comes before the source, and a directory of its name does not", async () => {
  const made = standing();
  const agent = workspaceAgent(made.dir, ["trade.py", "limits.py"], { run, read });
  const { standIns } = await check(made, agent);
  const suffixes = runPlain([PYTHON, "-c", "import _imp; print(*_imp.extension_suffixes())"], "/")
    .stdout.trim()
    .split(" ");
  // Not valid extension modules: that the loader stumbles over them shows that they come first.
  for (const suffix of suffixes) {
    const attack = `echo planted > limits${suffix}`;
    const open = standing();
    const control = runSealed(
      workspaceAgent(open.dir, ["trade.py", "limits.py"]),
      [],
      `${attack}; exec ${PYTHON} trade.py`,
    );
    expect(control.stderr, suffix).toContain("ImportError");
    expect(standIns).toContainEqual({ path: `limits${suffix}`, kind: "directory", closes: "python-import-shadowed" });
    const closed = runSealed(agent, standIns, `${attack} 2>/dev/null; exec ${PYTHON} trade.py`);
    expect(closed.stdout, suffix).toBe("cap -5\n");
  }
});

test("a module of the library cannot be closed: the whole program belongs in a sealed directory", async () => {
  const files = { "trade.py": "import json\nimport limits\nprint('cap', limits.CAP)\n", "limits.py": LIMITS };
  const made = project(files);
  made.write({ "json.py": "import sys; sys.modules['limits'] = type('L', (), {'CAP': -50})\n" });
  expect(runPlain(run, made.dir).stdout).toBe("cap -50\n");

  const { findings } = await check(made, workspaceAgent(made.dir, ["trade.py", "limits.py"], { run, read }));
  const [shadowed] = findings.filter((each) => each.severity === "error");
  expect(shadowed).toMatchObject({ id: "python-import-mutable", file: made.path("trade.py"), line: 1, column: 1 });

  const clean = project(files);
  const { findings: absent } = await check(clean, workspaceAgent(clean.dir, ["trade.py", "limits.py"], { run, read }));
  expect(absent[0]).toMatchObject({ id: "python-import-shadowed", line: 1, agent: "trader" });
  expect(absent[0]?.fix).toContain("sealed: [app/]");

  const app = project(Object.fromEntries(Object.entries(files).map(([name, text]) => [`app/${name}`, text])));
  const inside = await check(app, workspaceAgent(app.dir, ["app/"], { run: [PYTHON, "app/trade.py"], read }));
  expect(idsOf(inside.findings)).toEqual([]);
  expect(inside.standIns).toEqual([]);
});

test("what stands already where a stand-in would go is an error that names it", async () => {
  const made = standing();
  made.write({ "__pycache__/limits.cpython-311.pyc": "forged", "limits/data.txt": "" });
  const { findings, standIns } = await check(made, workspaceAgent(made.dir, ["trade.py", "limits.py"], { run, read }));
  expect(idsOf(findings)).toContain("python-bytecode");
  expect(findings.find((each) => each.id === "python-bytecode")?.message).toContain(made.path("__pycache__"));
  expect(standIns.map((each) => each.path)).not.toContain("__pycache__");
  // An empty one is what a stand-in itself may have left.
  const left = standing();
  left.write({ "__pycache__/": "" });
  expect(
    idsOf((await check(left, workspaceAgent(left.dir, ["trade.py", "limits.py"], { run, read }))).findings),
  ).toEqual(["python-implicit-import"]);
});

const ORDINARY = {
  "trade.py": [
    "from __future__ import annotations",
    "import argparse, asyncio, json, logging, os, sys",
    "from pathlib import Path",
    "from typing import TYPE_CHECKING",
    "import limits",
    "from strategy import momentum",
    "from strategy.mean import revert as r",
    "if TYPE_CHECKING:",
    "    from state.types import Position",
    "try:",
    "    import ujson",
    "except ImportError:",
    "    ujson = None",
    "HERE = Path(__file__).resolve().parent",
    'STATE = HERE / "state"',
    'position = json.loads((STATE / "position.json").read_text())',
    'with open(os.path.join(HERE, "limits.json")) as f:',
    "    caps = json.load(f)",
    'log = open("logs/trade.log", "a")',
    "",
  ].join("\n"),
  "limits.py": LIMITS,
  "limits.json": "{}",
  "strategy/__init__.py": "from .base import Base\n__all__ = ['Base']\n",
  "strategy/base.py": "import math\nclass Base: pass\n",
  "strategy/momentum.py": "from . import base, Base\nfrom .mean import revert\n",
  "strategy/mean.py": "def revert():\n    from ..strategy import base\n",
  "state/position.json": "{}",
};

test("an ordinary program in a sealed root is clean", async () => {
  const made = project(ORDINARY);
  const { findings, standIns } = await check(
    made,
    rootAgent(made.dir, ["state", "memory", "logs", "market"], { run, read }),
  );
  expect(findings).toEqual([]);
  expect(standIns).toEqual([]);
});

test("a mutable directory with the name of a sealed module takes its place", async () => {
  const made = project({ "trade.py": TRADE, "limits.py": LIMITS, "limits/__init__.py": PLANTED });
  expect(runPlain(run, made.dir).stdout).toBe("cap -50\n");
  made.remove();
  made.write({ "trade.py": TRADE, "limits.py": LIMITS });
  const { findings } = await check(made, rootAgent(made.dir, ["limits"], { run, read }));
  expect(findings[0]).toMatchObject({
    id: "python-import-shadowed",
    severity: "error",
    file: made.path("trade.py"),
    line: 2,
  });
});

test("a mutable directory with the name of a library module, whoever imports it", async () => {
  const made = project({ "trade.py": "import decimal\n", "queue/__init__.py": "" });
  const { findings } = await check(made, rootAgent(made.dir, ["queue"], { run, read }));
  expect(idsOf(findings)).toEqual(["python-module-name-mutable"]);
});

test("a module in a mutable place, found by every way of importing it", async () => {
  const made = project({
    "trade.py": [
      "from state import plugin",
      "import state.other",
      "import importlib",
      'importlib.import_module("state.third")',
      '__import__("state.fourth")',
      "def f():",
      "    from state.fifth import x",
    ].join("\n"),
    ...Object.fromEntries(["plugin", "other", "third", "fourth", "fifth"].map((name) => [`state/${name}.py`, ""])),
  });
  const { findings } = await check(made, rootAgent(made.dir, ["state"], { run, read }));
  const lines = findings.filter((each) => each.id === "python-import-mutable").map((each) => each.line);
  expect(lines).toEqual([1, 2, 4, 5, 7]);
});

test("what a package defines itself is not looked for as a module of it", async () => {
  const made = project({
    "main.py": "from pkg import cap, limit\n",
    "pkg/__init__.py": "from .inner import cap\nlimit = 5\n",
    "pkg/inner.py": "cap = 5\n",
  });
  const sealed = ["main.py", "pkg/__init__.py", "pkg/inner.py"];
  const { findings, standIns } = await check(
    made,
    workspaceAgent(made.dir, sealed, { run: [PYTHON, "main.py"], read }),
  );
  expect(idsOf(findings)).toEqual(["python-implicit-import"]);
  const paths = standIns.map((each) => each.path);
  expect(paths).toContain("pkg/inner");
  expect(paths).toContain("pkg/__pycache__");
  expect(paths.filter((path) => path.includes("limit") || path.includes("cap"))).toEqual([]);
});

test("-P and -I keep the script's directory out, -m and -c put the current one in", async () => {
  const made = project({ "app/trade.py": "import json\n", "tool.py": "import json\n" });
  const ids = async (argv: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string[]> =>
    idsOf(
      (await check(made, workspaceAgent(made.dir, ["app/", "tool.py"], { run: [PYTHON, ...argv], read, env })))
        .findings,
    );
  const shadowed = ["python-implicit-import", "python-import-shadowed"];
  expect(await ids(["tool.py"])).toEqual(shadowed);
  expect(await ids(["-P", "tool.py"])).toEqual([]);
  expect(await ids(["-I", "tool.py"])).toEqual([]);
  expect(await ids(["-uI", "tool.py"])).toEqual([]);
  expect(await ids(["tool.py"], { PYTHONSAFEPATH: "1" })).toEqual([]);
  expect(await ids(["-E", "tool.py"], { PYTHONSAFEPATH: "1" })).toEqual(shadowed);
  expect(await ids(["-c", "import json"])).toEqual(shadowed);
  expect(await ids(["-m", "app.trade"])).toEqual(shadowed);
  expect(await ids(["app/trade.py"])).toEqual([]);
});

test("limits that are read from a mutable place, through constants and pathlib", async () => {
  const made = project({
    "trade.py": [
      "import json, os",
      "from pathlib import Path",
      'json.load(open("state/limits.json"))',
      'BASE = Path(__file__).parent / "state"',
      '(BASE / "risk.toml").read_text()',
      'open(os.path.join(os.path.dirname(__file__), "state", "settings.json"))',
      'open("state/position.json")',
      'open("state/limits-report.txt", "w")',
      'open("limits.json")',
    ].join("\n"),
    "state/": "",
    "limits.json": "",
  });
  const { findings } = await check(made, rootAgent(made.dir, ["state"], { run, read }));
  expect(findings.map(({ id, line, severity }) => [id, line, severity])).toEqual([
    ["limits-in-mutable", 3, "error"],
    ["limits-in-mutable", 5, "error"],
    ["config-in-mutable", 6, "warning"],
  ]);
});

test("mutable content that is run: source text and pickles", async () => {
  const made = project({
    "trade.py": [
      "import pickle",
      'with open("state/model.pkl", "rb") as f:',
      "    model = pickle.load(f)",
      'exec(open("state/strategy.txt").read())',
      'exec("print(1)")',
      'with open("model.pkl", "rb") as g:',
      "    good = pickle.load(g)",
    ].join("\n"),
    "state/model.pkl": "",
    "state/strategy.txt": "",
    "model.pkl": "",
  });
  const { findings } = await check(made, rootAgent(made.dir, ["state"], { run, read }));
  expect(findings.map(({ id, line, severity }) => [id, line, severity])).toEqual([
    ["runs-mutable", 3, "warning"],
    ["runs-mutable", 4, "warning"],
  ]);
});

test("programs that a program starts", async () => {
  const made = project({
    "trade.py": [
      "import os, subprocess, sys",
      'subprocess.run(["/bin/sh", "state/job.sh"])',
      'os.system("/bin/sh state/job.sh --now")',
      'subprocess.check_output("/bin/ls")',
      'subprocess.run(["/bin/sh", "good.sh"])',
      "subprocess.run([sys.executable, script])",
    ].join("\n"),
    "state/job.sh": "",
    "good.sh": ". state/env.sh\n",
  });
  const { findings } = await check(made, rootAgent(made.dir, ["state"], { run, read }));
  expect(findings.map(({ id, file, line }) => [id, file.slice(made.dir.length), line])).toEqual([
    ["shell-source-mutable", "/good.sh", 1],
    ["runs-mutable", "/trade.py", 2],
    ["runs-mutable", "/trade.py", 3],
  ]);
});

test("search paths: PYTHONPATH, sys.path, a virtual environment", async () => {
  const made = project({
    "trade.py": 'import sys\nsys.path.insert(0, "state/plugins")\nsys.path.append("lib")\nimport helper\n',
    "lib/helper.py": "",
    "state/": "",
  });
  const byPath = await check(made, rootAgent(made.dir, ["state"], { run, read }));
  expect(byPath.findings.map(({ id, line }) => [id, line])).toEqual([["search-path-mutable", 2]]);
  const byEnv = await check(
    made,
    rootAgent(made.dir, ["state"], { run: [PYTHON, "-c", ""], read, env: { PYTHONPATH: `${made.dir}/state` } }),
  );
  expect(idsOf(byEnv.findings)).toEqual(["search-path-mutable"]);

  const venv = project({ "trade.py": "", ".venv/pyvenv.cfg": "home = /usr/bin\n" });
  runPlain(["ln", "-s", PYTHON, ".venv/python3"], venv.dir);
  runPlain(["sh", "-c", "mkdir .venv/bin && mv .venv/python3 .venv/bin/"], venv.dir);
  const sealed = await check(venv, rootAgent(venv.dir, ["state"], { run: [".venv/bin/python3", "trade.py"], read }));
  expect(sealed.findings).toEqual([]);
  const ids = async (mutable: string): Promise<string[]> =>
    idsOf(
      (await check(venv, rootAgent(venv.dir, [mutable], { run: [".venv/bin/python3", "trade.py"], read }))).findings,
    );
  expect(await ids(".venv")).toEqual(["program-mutable"]);
  expect(await ids(".venv/lib")).toEqual(["venv-mutable"]);
});

test("a script in which an import is not understood is said to be unread", async () => {
  const made = project({ "trade.py": "import json\nimport x as = import y\n" });
  const { findings } = await check(made, rootAgent(made.dir, ["state"], { run, read }));
  expect(findings).toMatchObject([{ id: "unparsable", severity: "warning", file: made.path("trade.py"), line: 2 }]);
});
