import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isInside } from "../core/paths.ts";
import type { Agent } from "../policy/types.ts";
import { SandboxError } from "./errors.ts";
import { hostFacts, overlay, release, rootAgent, workspaceAgent } from "./made-up.ts";
import { type Mount, mountsOf, needsStaging } from "./mounts.ts";

const RELEASE = release();

function mounts(agent: Agent, of = RELEASE, facts = hostFacts()): readonly Mount[] {
  return mountsOf(agent, facts, of).mounts;
}
/** The targets of what is mounted, in order; what is closed afterwards in brackets. */
function order(list: readonly Mount[]): string[] {
  return list.map((mount) => (mount.kind === "remount-read-only" ? `[${mount.target}]` : mount.target));
}
const readFact = (path: string, kind: "file" | "directory" = "directory") => ({ path, source: path, kind });

describe("the sealed root", () => {
  const list = mounts(rootAgent("/srv/bot", ["logs", "state/db"]), release({ mutableKinds: { "state/db": "file" } }));

  test("is the release, and holes in it are the host's", () => {
    expect(list.filter((mount) => mount.kind === "bind" && isInside(mount.target, "/srv"))).toEqual([
      {
        kind: "bind",
        access: "sealed",
        source: RELEASE.tree,
        target: "/srv/bot",
        of: "directory",
        role: "release",
      },
      {
        kind: "bind",
        access: "mutable",
        source: "/srv/bot/logs",
        target: "/srv/bot/logs",
        of: "directory",
        role: "state",
      },
      {
        kind: "bind",
        access: "mutable",
        source: "/srv/bot/state/db",
        target: "/srv/bot/state/db",
        of: "file",
        role: "state",
      },
    ]);
  });

  test("has nothing mounted inside of anything that the agent can write", () => {
    const writable = list.filter((mount) => mount.kind === "bind" && mount.access === "mutable");
    for (const { target } of writable) {
      expect(list.filter((other) => other.target !== target && isInside(other.target, target))).toEqual([]);
    }
  });

  test("has everything else closed at the end", () => {
    expect(list.at(-1)).toEqual({ kind: "remount-read-only", target: "/" });
  });

  test("tells the supervisor which host directories outlast it", () => {
    const plan = mountsOf(rootAgent("/srv/bot", ["logs", "state"]), hostFacts(), RELEASE);
    expect(plan.mutable).toEqual(["/srv/bot/logs", "/srv/bot/state"]);
    expect(plan.placeholders).toEqual([]);
  });
});

describe("the workspace", () => {
  const overlays = [
    overlay(".git/hooks", "directory"),
    overlay("a/b/c.py", "file"),
    overlay("absent", "directory", { absent: true, standIn: true }),
    overlay("limits.py", "file", { absent: true }),
  ];
  const agent = workspaceAgent("/srv/ws", [".git/hooks/", "a/b/c.py", "limits.py"]);
  const plan = mountsOf(agent, hostFacts(), release({ overlays }));

  test("is mutable, every ancestor of a sealed name pinned, sealed names last (F3)", () => {
    const binds = plan.mounts.filter((mount) => mount.kind === "bind" && isInside(mount.target, "/srv"));
    expect(binds.map((mount) => mount.kind === "bind" && [mount.target, mount.access, mount.role, mount.of])).toEqual([
      ["/srv/ws", "mutable", "workspace", "directory"],
      ["/srv/ws/.git", "mutable", "pin", "directory"],
      ["/srv/ws/a", "mutable", "pin", "directory"],
      ["/srv/ws/a/b", "mutable", "pin", "directory"],
      ["/srv/ws/.git/hooks", "sealed", "release", "directory"],
      ["/srv/ws/a/b/c.py", "sealed", "release", "file"],
      ["/srv/ws/absent", "sealed", "stand-in", "directory"],
      ["/srv/ws/limits.py", "sealed", "release", "file"],
    ]);
  });

  test("needs a placeholder for each name that is absent, and for no other", () => {
    expect(plan.placeholders).toEqual([
      { path: "/srv/ws/absent", kind: "directory" },
      { path: "/srv/ws/limits.py", kind: "file" },
    ]);
    expect(plan.mutable).toEqual(["/srv/ws"]);
  });
});

describe("below a place that the agent can write", () => {
  test.each([
    ["/tmp/desk", ["/tmp", "/tmp/home", "/var/tmp", "/tmp/desk", "/tmp/desk/state", "[/]"]],
    [
      "/tmp/a/b/desk",
      ["/tmp", "/tmp/home", "/var/tmp", "/tmp/a", "/tmp/a/b/desk", "/tmp/a/b/desk/state", "[/tmp/a]", "[/]"],
    ],
    [
      "/dev/shm/a/desk",
      ["/dev/shm", "/tmp", "/tmp/home", "/var/tmp", "/dev/shm/a", "/dev/shm/a/desk", "/dev/shm/a/desk/state"],
    ],
  ])("the first directory on the way to %s cannot be renamed (F3)", (root, tail) => {
    const act = (): string[] => order(mounts(rootAgent(root, ["state"])));
    if (root.startsWith("/dev")) expect(act).toThrow(/\/dev is the sandbox's own/);
    else expect(act().slice(-tail.length)).toEqual(tail);
  });

  test("each first directory is guarded once, and before what lies in it", () => {
    const agent = rootAgent("/tmp/a/desk", ["state"], { read: ["/tmp/a/lib", "/tmp/b/c/lib", "/tmp/own"] });
    const facts = hostFacts({ read: agent.read.map((path) => readFact(path)) });
    expect(order(mounts(agent, RELEASE, facts)).slice(-11)).toEqual([
      "/var/tmp",
      "/tmp/a",
      "/tmp/b",
      "/tmp/own",
      "/tmp/a/lib",
      "/tmp/b/c/lib",
      "/tmp/a/desk",
      "/tmp/a/desk/state",
      "[/tmp/a]",
      "[/tmp/b]",
      "[/]",
    ]);
  });

  test("a sealed directory that is one itself needs no guard", () => {
    const agent = rootAgent("/tmp/desk", [], { read: ["/tmp/lib"] });
    const list = mounts(agent, RELEASE, hostFacts({ read: [readFact("/tmp/lib")] }));
    expect(list.filter((mount) => mount.kind === "tmpfs").map(({ target }) => target)).toEqual(["/dev/shm", "/tmp"]);
  });
});

describe("/var/tmp", () => {
  const isLink = (agent: Agent): boolean =>
    mounts(agent).some((mount) => mount.kind === "symlink" && mount.target === "/var/tmp" && mount.to === "/tmp");

  test("is the sandbox's own /tmp", () => {
    expect(isLink(rootAgent("/srv/bot", []))).toBe(true);
  });

  test("is a directory where a project lies in it", () => {
    expect(isLink(rootAgent("/var/tmp/bot", []))).toBe(false);
    expect(isLink(rootAgent("/var/tmpfile", []))).toBe(true);
  });
});

describe("a place that the sandbox itself stands on is refused:", () => {
  const reserved = [
    "/etc",
    "/etc/bot",
    "/dev",
    "/dev/shm/x",
    "/proc",
    "/proc/1",
    "/sys",
    "/sys/fs/cgroup",
    "/run/user/1",
    "/tmp/home",
    "/tmp/home/bot",
  ];
  const whole = ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/tmp", "/var", "/var/tmp"];
  test.each([...reserved, ...whole])("%s", (path) => {
    for (const agent of [rootAgent(path, []), workspaceAgent(path, []), rootAgent("/srv/bot", [], { read: [path] })]) {
      const act = (): unknown => mounts(agent, RELEASE, hostFacts({ read: [readFact(path)] }));
      expect(act).toThrow(SandboxError);
      expect(act).toThrow(new RegExp(`^${path} cannot be shown to an agent: /[a-z0-9/]+ is the sandbox's own$`));
    }
  });

  test.each(["/usr/share/bot", "/var/lib/bot", "/tmpfs", "/etcetera", "/devel", "/home/me/bot", "/runner"])(
    "but %s is not one",
    (path) => {
      expect(order(mounts(rootAgent(path, ["s"])))).toContain(path);
    },
  );
});

test("what may be read is shown where the policy says, from where it really is", () => {
  const agent = rootAgent("/srv/bot", [], { read: ["/opt/node/bin/node", "/opt"] });
  const facts = hostFacts({
    read: [
      { path: "/opt/node/bin/node", source: "/opt/v24/node", kind: "file" },
      { path: "/opt", source: "/opt", kind: "directory" },
    ],
  });
  expect(mounts(agent, RELEASE, facts).filter((mount) => mount.kind === "bind" && mount.role === "read")).toEqual([
    { kind: "bind", access: "sealed", source: "/opt", target: "/opt", of: "directory", role: "read" },
    {
      kind: "bind",
      access: "sealed",
      source: "/opt/v24/node",
      target: "/opt/node/bin/node",
      of: "file",
      role: "read",
    },
  ]);
});

test("what may be read and is not there is refused", () => {
  expect(() => mounts(rootAgent("/srv/bot", [], { read: ["/opt/none"] }))).toThrow(
    "read: /opt/none does not exist on this host",
  );
});

test("the system is as the host has it, links as links", () => {
  const systemDirectories = [{ name: "/bin", link: "usr/bin" }, { name: "/lib" }];
  const list = mounts(rootAgent("/srv/bot", []), RELEASE, hostFacts({ systemDirectories }));
  expect(list.slice(0, 4)).toEqual([
    { kind: "bind", access: "sealed", source: "/usr", target: "/usr", of: "directory", role: "system" },
    { kind: "symlink", target: "/bin", to: "usr/bin" },
    { kind: "bind", access: "sealed", source: "/lib", target: "/lib", of: "directory", role: "system" },
    { kind: "bind", access: "sealed", source: hostFacts().own.etc, target: "/etc", of: "directory", role: "etc" },
  ]);
});

test("/tmp and /dev/shm are as large as the policy says", () => {
  const sizes = (agent: Agent): number[] =>
    mounts(agent).flatMap((mount) => (mount.kind === "tmpfs" ? [mount.size] : []));
  expect(sizes(rootAgent("/srv/bot", []))).toEqual([2 ** 30, 2 ** 30]);
  expect(sizes(rootAgent("/srv/bot", [], { resources: { tmp: 4096 } }))).toEqual([4096, 4096]);
});

test("root stages all but the system, which everyone can reach", () => {
  const staged = mounts(rootAgent("/srv/bot", ["state"])).filter(needsStaging);
  expect(staged.map(({ role }) => role)).toEqual(["etc", "cover", "release", "state"]);
});

describe("of whatever policy,", () => {
  const name = fc.constantFrom("a", "b", "c d", "ü", "tmp", "home");
  const inner = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
  const place = fc
    .tuple(fc.constantFrom("/srv", "/tmp", "/var/tmp", "/home/me"), inner)
    .map(([base, path]) => `${base}/${path}`)
    .filter((path) => !isInside(path, "/tmp/home"));
  /** None inside another, as the policy's loader guarantees. */
  const apart = (paths: readonly string[]): string[] =>
    [...new Set(paths)].filter((path, _, all) => !all.some((other) => other !== path && isInside(path, other)));
  const agent = fc
    .record({ place, inner: fc.array(inner, { maxLength: 4 }).map(apart), isRoot: fc.boolean(), read: fc.array(place) })
    .map((made) => {
      const read = apart(made.read).filter((path) => !(isInside(path, made.place) || isInside(made.place, path)));
      return made.isRoot
        ? { agent: rootAgent(made.place, made.inner, { read }), of: RELEASE }
        : {
            agent: workspaceAgent(made.place, made.inner, { read }),
            of: release({ overlays: made.inner.map((path) => overlay(path, "directory")) }),
          };
    });
  const planned = agent.map((made) => ({
    ...made,
    list: mounts(made.agent, made.of, hostFacts({ read: made.agent.read.map((path) => readFact(path)) })),
  }));

  test("no two mounts have one target, and every path is absolute and normalised", () => {
    fc.assert(
      fc.property(planned, ({ list }) => {
        const made = list.filter((mount) => mount.kind !== "remount-read-only" && mount.kind !== "directory");
        const targets = made.map(({ target }) => target);
        expect(new Set(targets).size).toBe(targets.length);
        for (const mount of list) {
          for (const path of mount.kind === "bind" ? [mount.source, mount.target] : [mount.target]) {
            expect(path).toMatch(/^\/([^/]+(\/[^/]+)*)?$/);
            expect(path.split("/")).not.toContain("..");
          }
        }
      }),
    );
  });

  test("nothing is mounted over what was mounted inside of it before", () => {
    fc.assert(
      fc.property(planned, ({ list }) => {
        const made = list.filter((mount) => mount.kind !== "remount-read-only");
        for (const [index, mount] of made.entries()) {
          const hidden = made.slice(0, index).filter(({ target }) => isInside(target, mount.target));
          expect(hidden.map(({ target }) => [target, mount.target])).toEqual([]);
        }
      }),
    );
  });

  test("a file system is closed after everything in it has been made, and the root last", () => {
    fc.assert(
      fc.property(planned, ({ list }) => {
        for (const [index, mount] of list.entries()) {
          if (mount.kind !== "remount-read-only" || mount.target === "/dev") continue;
          const later = list.slice(index + 1).filter((other) => other.kind !== "remount-read-only");
          expect(later.filter(({ target }) => isInside(target, mount.target))).toEqual([]);
        }
        expect(list.at(-1)?.target).toBe("/");
      }),
    );
  });

  test("no ancestor of anything sealed can be renamed by the agent (F3)", () => {
    fc.assert(
      fc.property(planned, ({ list }) => {
        const isMounted = (path: string): boolean =>
          list.some((mount) => mount.target === path && (mount.kind === "bind" || mount.kind === "tmpfs"));
        const closed = new Set(list.flatMap((mount) => (mount.kind === "remount-read-only" ? [mount.target] : [])));
        const holderOf = (path: string): Mount | undefined =>
          list
            .filter((mount) => (mount.kind === "bind" || mount.kind === "tmpfs") && mount.target !== path)
            .filter(({ target }) => isInside(path, target))
            .sort((a, b) => b.target.length - a.target.length)[0];
        for (const mount of list) {
          if (mount.kind !== "bind" || mount.access !== "sealed") continue;
          // Each directory on the way is a mount of its own, or lies in one that is closed.
          for (let path = mount.target; path !== ""; path = path.slice(0, path.lastIndexOf("/"))) {
            const holder = holderOf(path);
            const isClosed =
              holder === undefined ||
              closed.has(holder.target) ||
              (holder.kind === "bind" && holder.access === "sealed");
            expect([path, isMounted(path) || isClosed]).toEqual([path, true]);
          }
        }
      }),
    );
  });
});
