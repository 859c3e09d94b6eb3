import { describe, expect, test } from "vitest";
import { commandCandidates, environmentOf } from "./environment.ts";
import { hostFacts, rootAgent, workspaceAgent } from "./made-up.ts";

describe("an agent's environment", () => {
  test("is Hardline's own few names and the policy's, and nothing else", () => {
    expect(environmentOf(rootAgent("/srv/bot", []), hostFacts())).toEqual({
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      HOME: "/tmp/home",
      TMPDIR: "/tmp",
      LANG: "C.UTF-8",
      PYTHONNOUSERSITE: "1",
      TZ: "UTC",
      HARDLINE_AGENT: "trader",
      PWD: "/srv/bot",
    });
  });

  test("has the terminal's type where there is a terminal", () => {
    expect(environmentOf(rootAgent("/srv/bot", []), hostFacts({ terminal: "xterm" }))).toMatchObject({ TERM: "xterm" });
  });

  test("takes nothing from the caller's (I4)", () => {
    const names = ["NODE_OPTIONS", "LD_PRELOAD", "PYTHONPATH", "BASH_ENV", "SECRET_TOKEN"];
    const before = { ...process.env };
    try {
      for (const name of names) process.env[name] = "/evil";
      const environment = environmentOf(workspaceAgent("/srv/ws", []), hostFacts());
      for (const name of names) expect(environment).not.toHaveProperty(name);
    } finally {
      for (const name of names) delete process.env[name];
      Object.assign(process.env, before);
    }
  });

  test("is the policy's where it says otherwise, but for who the agent is and where", () => {
    const env = { PATH: "/usr/bin", HOME: "/srv/bot/home", LANG: "de_DE", HARDLINE_AGENT: "boss", PWD: "/" };
    expect(environmentOf(rootAgent("/srv/bot", [], { env }), hostFacts())).toMatchObject({
      PATH: "/usr/bin",
      HOME: "/srv/bot/home",
      LANG: "de_DE",
      HARDLINE_AGENT: "trader",
      PWD: "/srv/bot",
    });
  });
});

describe("what is tried as a program", () => {
  test.each([
    ["/bin/sh", "/usr/bin:/bin", ["/bin/sh"]],
    ["./run.sh", "/usr/bin", ["/srv/bot/./run.sh"]],
    ["bin/run", "/usr/bin", ["/srv/bot/bin/run"]],
    ["python3", "/usr/local/bin:/usr/bin", ["/usr/local/bin/python3", "/usr/bin/python3"]],
    ["python3", "/usr/bin", ["/usr/bin/python3"]],
    ["tool", "/usr/bin:tools", ["/usr/bin/tool", "/srv/bot/tools/tool"]],
  ])("for %s along %s", (program, path, candidates) => {
    expect(commandCandidates(program, path, "/srv/bot")).toEqual(candidates);
  });

  test("an empty entry of PATH is the working directory, as for execvp", () => {
    expect(commandCandidates("tool", "/usr/bin:", "/srv/bot").map((path) => path.replaceAll("//", "/"))).toEqual([
      "/usr/bin/tool",
      "/srv/bot/tool",
    ]);
  });
});
