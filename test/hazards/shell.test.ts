import { afterEach, expect, test } from "vitest";
import { findHazards } from "../../src/analysis/hazards/find.ts";
import type { Agent } from "../../src/policy/types.ts";
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

const check = (made: Project, agent: Agent) => findHazards(policyOf(made.dir, agent), agent);

test("a sourced file that the agent may write, by path, after `cd`, and in a function", async () => {
  const made = project({
    "run.sh": [
      "#!/bin/bash",
      "set -euo pipefail",
      "source ./lib.sh",
      ". state/env.sh",
      "load() {",
      "  source 'state/more.sh'",
      "}",
      "if true; then load; fi",
      "cd state && . ./here.sh",
    ].join("\n"),
    "lib.sh": 'echo "$(. state/inner.sh)"\n',
    "state/": "",
  });
  const { findings } = await check(made, rootAgent(made.dir, ["state"], { run: ["./run.sh"] }));
  expect(findings.map(({ id, file, line }) => [id, file.slice(made.dir.length), line])).toEqual([
    ["shell-source-mutable", "/lib.sh", 1],
    ["shell-source-mutable", "/run.sh", 4],
    ["shell-source-mutable", "/run.sh", 6],
    ["shell-source-mutable", "/run.sh", 9],
  ]);
});

test("a bare name after `source` is looked for in the current directory: the control and the finding", async () => {
  const made = project({ "run.sh": "#!/bin/bash\nsource settings\n", settings: "echo planted\n" });
  expect(runPlain(["./run.sh"], made.dir).stdout).toBe("planted\n");
  const { findings } = await check(made, workspaceAgent(made.dir, ["run.sh"], { run: ["./run.sh"] }));
  expect(findings[0]).toMatchObject({ id: "shell-source-mutable", line: 2 });
});

test("programs by name through a mutable PATH, by relative path, and scripts of interpreters", async () => {
  const made = project({
    "run.sh": [
      "#!/bin/sh",
      'PATH="state/bin:$PATH"',
      "export PATH=/usr/bin:/var/tmp",
      "ls -l | sort > out.txt",
      "./state/tool --now",
      `${NODE} state/job.mjs`,
      "for name in ls cat; do echo $name; done",
      "case $1 in start) exec /bin/true;; esac",
    ].join("\n"),
    "state/tool": "#!/bin/sh\n",
    "state/job.mjs": "",
  });
  const { findings } = await check(
    made,
    rootAgent(made.dir, ["state"], { run: ["sh", "run.sh"], read: prefixOf(NODE) }),
  );
  expect(findings.map(({ id, line, severity }) => [id, line, severity])).toEqual([
    ["runs-mutable", 5, "warning"],
    ["runs-mutable", 6, "warning"],
  ]);

  const open = project({ "run.sh": "#!/bin/sh\nexport PATH=bin:/usr/bin\nls\n" });
  const found = await check(open, workspaceAgent(open.dir, ["run.sh"], { run: ["./run.sh"] }));
  expect(found.findings[0]).toMatchObject({ id: "search-path-mutable", line: 3 });
});

test("an ordinary script in a sealed root is clean", async () => {
  const made = project({
    "run.sh": [
      "#!/usr/bin/env bash",
      "# starts the desk",
      "set -e",
      'HERE="$(cd "$(dirname "$0")" && pwd)"',
      'source "$HERE/lib.sh"',
      ". lib.sh",
      "cat <<EOF > state/readme",
      ". state/not-a-command.sh",
      "EOF",
      "while read -r line; do printf '%s\\n' \"$line\"; done < state/orders.txt",
      'exec /bin/sh worker.sh "$@"',
    ].join("\n"),
    "lib.sh": 'log() { echo "$1" >> logs/x; }\nlog hi\n',
    "worker.sh": "if [ -f state/x ]; then date; fi\n",
  });
  expect((await check(made, rootAgent(made.dir, ["state", "logs"], { run: ["./run.sh"] }))).findings).toEqual([]);
});

test("`sh -c`, wrappers and shebangs lead to the program", async () => {
  const made = project({
    "state/run.sh": "#!/bin/sh\n",
    "good.sh": "#!/bin/sh\n",
    "broken.sh": "#!/bin/sh\nif then fi (\n",
  });
  const ids = async (...run: string[]): Promise<string[]> =>
    idsOf((await check(made, rootAgent(made.dir, ["state"], { run }))).findings);
  expect(await ids("sh", "-c", "exec ./good.sh")).toEqual([]);
  expect(await ids("sh", "-ec", ". state/run.sh")).toEqual(["shell-source-mutable"]);
  expect(await ids("env", "-i", "A=1", "timeout", "-k", "1", "5", "sh", "state/run.sh")).toEqual(["program-mutable"]);
  expect(await ids("nice", "-n", "5", "./state/run.sh")).toEqual(["program-mutable"]);
  expect(await ids("./good.sh")).toEqual([]);
  expect(await ids("./broken.sh")).toEqual(["unparsable"]);
  expect(await ids("no-such-program")).toEqual(["program-missing"]);
  expect(await ids("sh", "absent.sh")).toEqual(["program-missing"]);
  expect(await ids("sh", "state/absent.sh")).toEqual(["program-mutable"]);
});

test("npm scripts: the manifest, the configuration, and what is put before PATH", async () => {
  const files = { "package.json": '{"scripts":{"start":"trade-now","prestart":". state/x.sh"}}' };
  const made = project(files);
  const npm = "/usr/bin/npm";
  const fake = project({ npm: "#!/bin/sh\n" });
  const run = [runPlain(["test", "-x", npm], "/").status === 0 ? npm : fake.path("npm"), "run", "start"];
  const read = [fake.dir];
  const inRoot = await check(made, rootAgent(made.dir, ["state"], { run, read }));
  expect(idsOf(inRoot.findings)).toEqual(["shell-source-mutable"]);
  const open = await check(made, workspaceAgent(made.dir, [], { run, read }));
  expect(idsOf(open.findings)).toEqual(["npm-config-mutable", "runs-later"]);
  const sealed = await check(made, workspaceAgent(made.dir, ["package.json"], { run, read }));
  expect(sealed.standIns).toContainEqual({ path: ".npmrc", kind: "file", closes: "npm-config-mutable" });
  expect(idsOf(sealed.findings)).toEqual(["search-path-mutable", "shell-source-mutable"]);
});
