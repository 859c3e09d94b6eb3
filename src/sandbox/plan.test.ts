import { describe, expect, test } from "vitest";
import { cgroupDirectories } from "./cgroup.ts";
import { hostFacts, overlay, release, rootAgent, workspaceAgent } from "./made-up.ts";
import type { Mount } from "./mounts.ts";
import { type PlanInput, planSandbox, processLimit } from "./plan.ts";
import { documentOf, renderPlan } from "./render.ts";

function input(agent: PlanInput["agent"], more: Partial<PlanInput> = {}): PlanInput {
  return {
    agent,
    policyDigest: `sha256:${"cd".repeat(32)}`,
    facts: hostFacts(),
    release: release(),
    cgroup: { directories: cgroupDirectories({}, "r1"), settings: [] },
    unlimited: ["memory"],
    ...more,
  };
}

const ROOT = input(rootAgent("/srv/bot", ["logs", "state"], { resources: { processes: 64, fileSize: 1_048_576 } }), {
  cgroup: {
    directories: ["/sys/fs/cgroup/hardline-r1"],
    settings: [{ file: "/sys/fs/cgroup/hardline-r1/memory.max", value: "536870912" }],
  },
  unlimited: [],
});
const WORKSPACE = input(workspaceAgent("/tmp/desk/ws", [".git/hooks/", "limits.py"]), {
  facts: hostFacts({ root: true, agentUid: 1_879_048_200, agentGid: 1_879_048_200, terminal: "xterm" }),
  release: release({
    overlays: [overlay(".git/hooks", "directory"), overlay("limits.py", "file", { absent: true })],
  }),
  command: ["sh", "-c", "echo 'a b'"],
});

/** Kernel calls apart, which have tests of their own, what the user reads. */
function golden(made: PlanInput): string {
  const text = renderPlan(documentOf(planSandbox(made), made.facts), { color: false });
  return text.slice(0, text.indexOf("system calls ("));
}

describe("a plan", () => {
  test("of a sealed root, as people read it", () => {
    expect(golden(ROOT)).toBe(`agent trader
  policy    sha256:${"cd".repeat(32)}
  release   sha256:${"ab".repeat(32)}
  runs      python3 trade.py
  in        /srv/bot
  as        uid 1000, in a user namespace
  network   its own loopback, and nothing else

file system
  sealed   /usr  (system)
  link     /bin -> usr/bin
  link     /lib -> usr/lib
  link     /lib64 -> usr/lib64
  sealed   /etc  (etc)  from /state/etc/made-1/etc
  fresh    /proc  (the sandbox's own)
  sealed   /proc/keys  (cover)  from /state/etc/made-1/empty
  fresh    /dev  (the sandbox's own)
  fresh    /dev/shm  (1024 MiB, gone at the end)
  fresh    /tmp  (1024 MiB, gone at the end)
  link     /var/tmp -> /tmp
  sealed   /srv/bot  (release)  from /state/releases/abab/tree
  mutable  /srv/bot/logs  (state)
  mutable  /srv/bot/state  (state)

environment
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  HOME=/tmp/home
  TMPDIR=/tmp
  LANG=C.UTF-8
  PYTHONNOUSERSITE=1
  TZ=UTC
  HARDLINE_AGENT=trader
  PWD=/srv/bot

limits
  core-file        1
  processes        65
  open-files       4096
  locked-memory    8388608
  message-queues   0
  pending-signals  4096
  realtime-priority 0
  file-size        1048576
  memory.max       536870912

`);
  });

  test("of a workspace, as people read it", () => {
    expect(golden(WORKSPACE)).toBe(`agent trader
  policy    sha256:${"cd".repeat(32)}
  release   sha256:${"ab".repeat(32)}
  runs      sh -c 'echo '\\''a b'\\'''
  in        /tmp/desk/ws
  as        uid 1879048200, which no one else has
  network   its own loopback, and nothing else

file system
  sealed   /usr  (system)
  link     /bin -> usr/bin
  link     /lib -> usr/lib
  link     /lib64 -> usr/lib64
  sealed   /etc  (etc)  from /state/etc/made-1/etc
  fresh    /proc  (the sandbox's own)
  sealed   /proc/keys  (cover)  from /state/etc/made-1/empty
  fresh    /dev  (the sandbox's own)
  fresh    /dev/shm  (1024 MiB, gone at the end)
  fresh    /tmp  (1024 MiB, gone at the end)
  link     /var/tmp -> /tmp
  fresh    /tmp/desk  (1 MiB, gone at the end)
  mutable  /tmp/desk/ws  (workspace)
  mutable  /tmp/desk/ws/.git  (pin)
  sealed   /tmp/desk/ws/.git/hooks  (release)  from /state/releases/abab/tree/.git/hooks
  sealed   /tmp/desk/ws/limits.py  (release)  from /state/releases/abab/tree/limits.py

environment
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  HOME=/tmp/home
  TMPDIR=/tmp
  LANG=C.UTF-8
  TERM=xterm
  PYTHONNOUSERSITE=1
  TZ=UTC
  HARDLINE_AGENT=trader
  PWD=/tmp/desk/ws

limits
  core-file        1
  processes        513
  open-files       4096
  locked-memory    8388608
  message-queues   0
  pending-signals  4096
  realtime-priority 0
  memory           not limited: this host grants no control group for it

`);
  });

  test.each([
    ["a sealed root", ROOT],
    ["a workspace", WORKSPACE],
  ])("of %s is the same every time, and plain data", (_, made) => {
    const first = planSandbox(made);
    expect(planSandbox(structuredClone(made))).toEqual(first);
    expect(JSON.parse(JSON.stringify(first))).toEqual(first);
    expect(JSON.stringify(planSandbox(made))).toBe(JSON.stringify(first));
  });

  test("changes nothing that it is made from", () => {
    const frozen = <T>(value: T): T => {
      if (typeof value === "object" && value !== null) {
        for (const inner of Object.values(value)) frozen(inner);
        Object.freeze(value);
      }
      return value;
    };
    const facts = hostFacts({
      read: ["/opt/b/c", "/opt/a"].map((path) => ({ path, source: path, kind: "directory" as const })),
    });
    const made = input(rootAgent("/srv/bot", ["b", "a"], { read: ["/opt/b/c", "/opt/a"] }), { facts });
    expect(planSandbox(frozen(structuredClone(made)))).toEqual(planSandbox(made));
  });

  test("does not depend on the process that makes it", () => {
    const before = process.env["PATH"];
    const directory = process.cwd();
    const first = planSandbox(ROOT);
    try {
      process.env["PATH"] = "/evil";
      process.chdir("/");
      expect(planSandbox(ROOT)).toEqual(first);
    } finally {
      process.env["PATH"] = before;
      process.chdir(directory);
    }
  });

  test("passes the command on unchanged, and says where it is looked for", () => {
    const plan = planSandbox(WORKSPACE);
    expect(plan.command).toEqual(["sh", "-c", "echo 'a b'"]);
    expect(plan.candidates).toContain("/usr/bin/sh");
    expect(planSandbox(ROOT).command).toEqual(["python3", "trade.py"]);
  });

  test("holds what the keeper has to make and take away", () => {
    expect(planSandbox(WORKSPACE).placeholders).toEqual([{ path: "/tmp/desk/ws/limits.py", kind: "file" }]);
    expect(planSandbox(ROOT).cgroup.directories).toEqual(["/sys/fs/cgroup/hardline-r1"]);
  });
});

describe("as bubblewrap's arguments", () => {
  const argumentsOf = (made: PlanInput): readonly string[] =>
    documentOf(planSandbox(made), made.facts).bubblewrap.arguments;
  const at = (args: readonly string[], ...words: string[]): number =>
    args.findIndex((_, index) => words.every((word, offset) => args[index + offset] === word));

  test("every namespace is fresh, and no capability, environment or nested namespace is left", () => {
    const args = argumentsOf(ROOT);
    for (const word of ["user", "pid", "ipc", "uts", "net", "cgroup"].map((name) => `--unshare-${name}`)) {
      expect(args).toContain(word);
    }
    for (const word of ["--disable-userns", "--die-with-parent", "--as-pid-1", "--clearenv"]) {
      expect(args).toContain(word);
    }
    expect(at(args, "--cap-drop", "ALL")).toBeGreaterThan(0);
    expect(args.some((word) => word.endsWith("-try"))).toBe(false);
  });

  test("the gate is put in before the root is closed, and is what starts the agent", () => {
    const args = argumentsOf(ROOT);
    const gate = at(args, "--file", "4", "/.hardline");
    expect(gate).toBeGreaterThan(0);
    expect(gate).toBeLessThan(at(args, "--remount-ro", "/"));
    expect(args.slice(args.indexOf("--"))).toEqual(["--", "/.hardline", "python3", "trade.py"]);
    expect(at(args, "--chdir", "/srv/bot")).toBeGreaterThan(0);
  });

  test("an ordinary user's sources are the host's, in the plan's order", () => {
    const args = argumentsOf(ROOT);
    const sealed = at(args, "--ro-bind", "/state/releases/abab/tree", "/srv/bot");
    const hole = at(args, "--bind", "/srv/bot/state", "/srv/bot/state");
    expect(sealed).toBeGreaterThan(0);
    expect(hole).toBeGreaterThan(sealed);
  });

  test("root's sources are staged, the release as one", () => {
    const args = argumentsOf(WORKSPACE);
    expect(at(args, "--ro-bind", "/usr", "/usr")).toBeGreaterThan(0);
    const binds = WORKSPACE.release.overlays.map(({ path }) => {
      const index = args.lastIndexOf(`/tmp/desk/ws/${path}`);
      return args.slice(index - 2, index);
    });
    const [hooks, limits] = binds;
    expect(hooks?.[0]).toBe("--ro-bind");
    expect(hooks?.[1]).toMatch(/^\/tmp\/\d+\/\.git\/hooks$/);
    expect(limits?.[1]).toBe(hooks?.[1]?.replace(".git/hooks", "limits.py"));
    const sources = args.filter((_, index) => ["--bind", "--ro-bind"].includes(args[index - 1] ?? ""));
    expect(sources.filter((source) => source.startsWith("/state"))).toEqual([]);
  });

  test("the working directory's name is set by bubblewrap alone", () => {
    expect(argumentsOf(ROOT)).not.toContain("PWD");
  });
});

test("a plan's mounts are of the kinds that attestation knows", () => {
  const kinds = new Set<Mount["kind"]>(planSandbox(ROOT).mounts.map(({ kind }) => kind));
  expect([...kinds].sort()).toEqual(["bind", "dev", "directory", "proc", "remount-read-only", "symlink", "tmpfs"]);
});

test("processes are limited whatever the policy says", () => {
  expect(processLimit({})).toBe(512);
  expect(processLimit({ processes: 3 })).toBe(3);
});
