/** Trees that are made to break the analysis: it answers all the same, and does not wait or run out of stack. */
import { chmodSync, truncateSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { findHazards } from "../../src/analysis/hazards/find.ts";
import type { Agent } from "../../src/policy/types.ts";
import { NODE, PYTHON, prefixOf, runPlain, runSealed } from "./interpreters.ts";
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

const ids = async (made: Project, agent: Agent): Promise<string[]> =>
  idsOf((await findHazards(policyOf(made.dir, agent), agent)).findings);

const read = [...new Set([...prefixOf(NODE), ...prefixOf(PYTHON)])];

test("a pipe where a program is meant to be", async () => {
  const made = project({ "app/x": "" });
  runPlain(["mkfifo", "trade.py", "trade.mjs", "trade.sh"], made.dir);
  for (const run of [[PYTHON, "trade.py"], [NODE, "trade.mjs"], ["sh", "trade.sh"], ["./trade.sh"]]) {
    expect(await ids(made, rootAgent(made.dir, ["state"], { run, read }))).toEqual([]);
  }
});

test("programs beyond the bounds, binary ones, and ones that nest without end", async () => {
  const made = project({
    "big.py": "",
    "binary.mjs": "",
    "deep.mjs": `${"(".repeat(20_000)}`,
    "deep.sh": `echo ${"$(".repeat(20_000)}`,
  });
  truncateSync(made.path("big.py"), 8 << 20);
  writeFileSync(made.path("binary.mjs"), Buffer.from([0, 255, 254, 1, 2, 3]));
  const judge = (...run: string[]): Promise<string[]> => ids(made, rootAgent(made.dir, ["state"], { run, read }));
  expect(await judge(PYTHON, "big.py")).toEqual(["analysis-capped"]);
  expect(await judge(NODE, "binary.mjs")).toEqual(["unparsable"]);
  expect(await judge(NODE, "deep.mjs")).toEqual(["unparsable"]);
  expect(await judge("sh", "deep.sh")).toEqual(["unparsable"]);
});

test("manifests and scripts that lead back to themselves", async () => {
  const made = project({
    "trade.cjs": 'require("./here"); require("loop");\n',
    "here/package.json": '{"main":"."}',
    "node_modules/loop/package.json": '{"main":"../loop"}',
    "package.json": '{"scripts":{"start":"npm run start"}}',
    "a.sh": "#!/bin/sh\n. ./b.sh\n",
    "b.sh": "#!/bin/sh\n. ./a.sh\n./a.sh\n",
    "c.py": "import d\n",
    "d.py": "import c\n",
    "turn.sh": "#!./turn.sh\n",
  });
  const judge = (...run: string[]): Promise<string[]> => ids(made, rootAgent(made.dir, ["state"], { run, read }));
  expect(await judge(NODE, "trade.cjs")).toEqual(["node-import-shadowed"]);
  expect(await judge("./a.sh")).toEqual([]);
  expect(await judge(PYTHON, "c.py")).toEqual([]);
  expect(await judge("./turn.sh")).toEqual([]);
});

test("a directory that nobody is let into", async () => {
  const made = project({ "trade.py": "import closed.x\n", "closed/x.py": "" });
  chmodSync(made.path("closed"), 0);
  const { findings } = await findHazards(
    policyOf(made.dir),
    rootAgent(made.dir, ["state"], { run: [PYTHON, "trade.py"], read }),
  );
  expect(findings.filter((each) => each.severity === "error")).toEqual([]);
  chmodSync(made.path("closed"), 0o755);
});

const names = fc.constantFrom(
  "limits.py",
  "limits",
  "limits.py",
  "limits/__init__.py",
  "__pycache__/x.pyc",
  "app/trade.py",
  "app/limits.py",
  "limits.so",
  "json.py",
  "node_modules/limits/index.js",
  "package.json",
);
const texts = fc.constantFrom(
  "",
  "import limits\n",
  "import json, app.limits\n",
  "{}",
  '{"main":"../.."}',
  "from . import limits\n",
  "#!/bin/sh\n",
);

/** Everything that could be planted beside a sealed `limits.py`, in one attempt; most of it fails in most trees. */
const PLANT = [
  "mkdir -p limits __pycache__",
  `echo 'print("PLANTED")' > limits/__init__.py`,
  `echo 'print("PLANTED")' > limits.py`,
  `echo 'print("PLANTED")' > app/limits.py`,
  "echo PLANTED > limits.so",
].join("; ");

test("any tree is answered, and where no error is found, nothing that is planted is loaded", async () => {
  const planted = { held: 0, loaded: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(names, texts, { maxKeys: 6 }),
      fc.uniqueArray(names, { maxLength: 4 }),
      async (files, wished) => {
        const conflict = (a: string, b: string): boolean => a.startsWith(`${b}/`) || b.startsWith(`${a}/`);
        const kept = Object.entries(files).filter(
          ([name]) => !Object.keys(files).some((other) => conflict(name, other)),
        );
        const made = makeProject({ "trade.py": "import limits\n", ...Object.fromEntries(kept) });
        try {
          const exists = (name: string): boolean =>
            kept.some(([other]) => other === name || other.startsWith(`${name}/`));
          const sealed = wished.filter((name) => exists(name) && !wished.some((other) => conflict(name, other)));
          const agent = workspaceAgent(made.dir, ["trade.py", ...sealed], { run: [PYTHON, "trade.py"], read });
          const result = await findHazards(policyOf(made.dir, agent), agent);
          expect(JSON.parse(JSON.stringify(result))).toEqual(result);
          for (const finding of result.findings) expect(finding.fix).not.toBe("");
          const { stdout } = runSealed(agent, result.standIns, `(${PLANT}) 2>/dev/null; exec ${PYTHON} trade.py`);
          const loaded = stdout.includes("PLANTED");
          planted[loaded ? "loaded" : "held"]++;
          if (loaded) expect(result.findings.some((each) => each.severity === "error")).toBe(true);
        } finally {
          made.remove();
        }
      },
    ),
    { numRuns: 60 },
  );
  // Both kinds were met, or the property said nothing.
  expect(planted.loaded).toBeGreaterThan(0);
  expect(planted.held).toBeGreaterThan(0);
});
