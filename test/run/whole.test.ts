/** Whole runs: what is refused, what is reported at the end, and odd but honest surroundings. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { start } from "../support/hardline.ts";
import { Desk, EVERYBODY, said } from "./desk.ts";

const WORKSPACE = ["    workspace: ./bot", "    sealed: [limits.txt, absent.txt]"];

describe.each(EVERYBODY)("as %s", (who) => {
  let desk: Desk;
  beforeEach(() => {
    desk = new Desk(who);
  });
  afterEach(() => desk.remove());

  describe("the report at the end", () => {
    test("names what the agent left that could be run later, and the status stays the agent's", async () => {
      const line = [
        "echo x > state/.envrc",
        "mkdir -p state/node_modules/left-pad && echo x > state/node_modules/left-pad/index.js",
        "printf '#!/bin/sh' > state/tool && chmod +x state/tool",
        "echo x > state/notes.txt",
        "exit 9",
      ].join("; ");
      const { status, stderr } = await desk.run(["sh", "-c", line]);
      expect(status).toBe(9);
      expect(stderr.split("\n").slice(0, 1)).toEqual([
        "hardline: the agent left something that could be run later, outside the sandbox:",
      ]);
      const state = join(desk.root, "state");
      expect(stderr.split("\n").slice(1).sort()).toEqual([
        "",
        `hardline:   ${JSON.stringify(`${state}/.envrc`)}: direnv runs it when somebody enters the directory`,
        `hardline:   ${JSON.stringify(`${state}/node_modules/left-pad`)}: Node resolves packages from node_modules of every parent directory`,
        `hardline:   ${JSON.stringify(`${state}/tool`)}: it is executable`,
      ]);
    });

    test("cannot be used to write to the operator's terminal", async () => {
      const { stderr } = await desk.run([
        "sh",
        "-c",
        "touch \"state/$(printf 'a\\033]0;owned\\007\\nb\\302\\2332J\\342\\200\\256c')\"; chmod +x state/*",
      ]);
      expect(stderr).toContain("it is executable");
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
      expect(stderr).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
      expect(stderr.trimEnd().split("\n")).toHaveLength(2);
    });

    test("does not speak of what was there before, and is silent where there is nothing", async () => {
      desk.put("bot/state/.envrc", "mine");
      await desk.run(["/bin/true"]);
      const { stderr } = await desk.run(["sh", "-c", "echo x > state/data.json"]);
      expect(stderr).toBe("");
    });

    test("says so where the agent has made itself hard to look at, and does not fail over it", async () => {
      const step = "d".repeat(250);
      const line = `cd state; i=0; while [ $i -lt 20 ]; do mkdir ${step} && cd -P ${step} || break; i=$((i+1)); done; exit 5`;
      const script = `import os\nfor _ in range(20):\n  os.mkdir("${step}"); os.chdir("${step}")\nopen(".envrc","w").close()`;
      const python = existsSync("/usr/bin/python3");
      const { status, stderr } = await desk.run(
        python ? ["sh", "-c", 'cd state && python3 -c "$1"; exit 5', "sh", script] : ["sh", "-c", line],
      );
      expect(status).toBe(5);
      if (python) expect(stderr).toContain("not everything that the agent left could be looked at");
    });
  });

  describe("a start is refused with 125, and nothing runs:", () => {
    test("without a policy, by name", async () => {
      rmSync(join(desk.directory, "hardline.yaml"));
      const { status, stdout, stderr } = await desk.run(["echo", "ran"]);
      expect({ status, stdout: stdout.toString() }).toEqual({ status: 125, stdout: "" });
      expect(stderr).toContain(`hardline: there is no ${join(desk.directory, "hardline.yaml")}\n  Write one with`);
    });

    test("when a state directory can be written by others", async () => {
      desk.put("hl/x", "");
      chmodSync(desk.state, 0o777);
      const { status, stderr } = await desk.run(["echo", "ran"]);
      expect(status).toBe(125);
      expect(stderr).toContain(`the state directory ${desk.state} can be written by others`);
    });

    test("for resources that this host cannot keep, or it keeps them", async () => {
      desk.policy({ agent: ["    resources: { memory: 64MiB }"] });
      const { status, stderr } = await desk.run(["/bin/true"]);
      if (status !== 0) {
        expect(status).toBe(125);
        expect(stderr).toContain("resources.memory cannot be kept: this host grants no memory control group");
      }
    });

    test("when another run has the workspace, whatever state directory it uses", async () => {
      desk.policy({ shape: WORKSPACE });
      const first = desk.start(["sh", "-c", "echo ready; exec sleep 60"]);
      await said(first, "ready");
      const [program = "", ...words] = desk.words(["echo", "ran"]);
      const other = words.map((word) => (word === desk.state ? `${desk.state}-2` : word));
      const second = await start([program, ...other], { as: desk.as }).ended;
      expect(second.status).toBe(125);
      expect(second.stdout.toString()).toBe("");
      expect(second.stderr).toContain(`another run is using ${desk.root}`);
      process.kill(first.pid, "SIGTERM");
      expect(await first.ended).toMatchObject({ status: 143 });
      expect(readdirSync(desk.root).sort()).toEqual(["limits.txt", "state"]);
      expect(await desk.run(["/bin/true"])).toMatchObject({ status: 0 });
    });
  });

  describe("it works", () => {
    test("in a directory whose name has blanks, line breaks and letters of all kinds", async () => {
      const odd = join(desk.directory, "ü b\n\\040 'x' \"y\" $z");
      for (const shape of [
        ["    root: ./bot", "    mutable: [state]"],
        ["    workspace: ./bot", "    sealed: [limits.txt]"],
      ]) {
        const path = odd.slice(desk.directory.length + 1);
        desk.put(`${path}/bot/limits.txt`, "-5\n");
        desk.put(`${path}/bot/state/x`, "");
        desk.put(
          `${path}/hardline.yaml`,
          `${["version: 1", "agents:", "  bot:", "    run: [/bin/true]", ...shape].join("\n")}\n`,
        );
        const words = desk.words(["sh", "-c", "pwd; cat limits.txt; echo kept > state/kept; echo no > limits.txt"]);
        const at = words.indexOf(join(desk.directory, "hardline.yaml"));
        const { status, stdout, stderr } = await start(words.with(at, join(odd, "hardline.yaml")), { as: desk.as })
          .ended;
        expect(stderr).toContain("Read-only file system");
        expect(status).not.toBe(125);
        expect(stdout.toString()).toBe(`${odd}/bot\n-5\n`);
        expect(readFileSync(join(odd, "bot/state/kept"), "utf8")).toBe("kept\n");
        expect(readFileSync(join(odd, "bot/limits.txt"), "utf8")).toBe("-5\n");
      }
    });

    test("with the strictest file mode mask", async () => {
      const { status, stdout } = await desk.run(["sh", "-c", "cat /etc/passwd limits.txt; umask"], {
        wrapper: ["/bin/sh", "-c", 'umask 0777; umask 0077; exec "$@"', "sh"],
      });
      expect(status).toBe(0);
      expect(stdout.toString()).toContain("agent:x:");
      expect(stdout.toString()).toMatch(/-5\n0022\n$/);
    });

    test("several times at once in a sealed root", async () => {
      await desk.run(["/bin/true"]);
      const ends = await Promise.all(
        [1, 2, 3, 4].map((number) =>
          desk.run(["sh", "-c", `echo ${number} > state/${number}; cat limits.txt; exit ${number}`]),
        ),
      );
      expect(ends.map(({ status, stderr }) => ({ status, stderr }))).toEqual(
        [1, 2, 3, 4].map((status) => ({ status, stderr: "" })),
      );
      expect(readdirSync(join(desk.root, "state")).sort()).toEqual(["1", "2", "3", "4"]);
      expect(readdirSync(join(desk.state, "runs"))).toEqual([]);
    });

    test("at the next start too, when the tree, the policy or the mutable places have changed", async () => {
      const seen = async (): Promise<string> =>
        (await desk.run(["sh", "-c", "cat limits.txt; ls -A; echo $TZ"])).stdout.toString();
      expect(await seen()).toBe("-5\nlimits.txt\nstate\n\n");
      expect(await seen()).toBe("-5\nlimits.txt\nstate\n\n");
      writeFileSync(join(desk.root, "limits.txt"), "-6\n");
      expect(await seen()).toBe("-6\nlimits.txt\nstate\n\n");
      desk.policy({ agent: ["    env: { TZ: UTC }"] });
      expect(await seen()).toBe("-6\nlimits.txt\nstate\nUTC\n");
      desk.policy({ shape: ["    root: ./bot", "    mutable: [state, logs]"] });
      expect(await seen()).toBe("-6\nlimits.txt\nlogs\nstate\n\n");
      rmSync(join(desk.root, "logs"), { recursive: true });
      expect(await seen()).toBe("-6\nlimits.txt\nlogs\nstate\n\n");
      rmSync(desk.state, { recursive: true });
      expect(await seen()).toBe("-6\nlimits.txt\nlogs\nstate\n\n");
      mkdirSync(join(desk.root, "more"));
      expect(await seen()).toBe("-6\nlimits.txt\nlogs\nmore\nstate\n\n");
    });
  });
});
