import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  applyCgroup,
  type CgroupHost,
  cgroupDirectories,
  currentHost,
  findGrants,
  type Grants,
  planCgroup,
} from "./cgroup.ts";

/** A host as its files tell it: `/proc/self/mounts`, `/proc/self/cgroup`, and what can be read and written. */
function host(made: {
  readonly mounts: readonly string[];
  readonly own: readonly string[];
  readonly root?: boolean;
  readonly shared?: Readonly<Record<string, string>>;
  readonly writable?: readonly string[];
}): CgroupHost {
  const writable = made.writable ?? [];
  return {
    mounts: `${made.mounts.join("\n")}\n`,
    own: `${made.own.join("\n")}\n`,
    root: made.root ?? false,
    read: (path) => made.shared?.[path],
    writable: (path) => made.root === true || writable.some((place) => path === place || path.startsWith(`${place}/`)),
  };
}

const V2_MOUNTS = [
  "sysfs /sys sysfs rw,nosuid,nodev,noexec,relatime 0 0",
  "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nodev,noexec,relatime,nsdelegate,memory_recursiveprot 0 0",
  "tmpfs /run tmpfs rw 0 0",
];
const V1_MOUNTS = [
  "tmpfs /sys/fs/cgroup tmpfs rw,mode=755 0 0",
  "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,nosuid,cpu,cpuacct 0 0",
  "cgroup /sys/fs/cgroup/memory cgroup rw,nosuid,memory 0 0",
  "cgroup /sys/fs/cgroup/pids cgroup rw,nosuid,pids 0 0",
  "cgroup /sys/fs/cgroup/systemd cgroup rw,nosuid,xattr,name=systemd 0 0",
];
const USER = "/user.slice/user-1000.slice/user@1000.service";

describe("a host with version 2,", () => {
  const top = { "/sys/fs/cgroup/cgroup.subtree_control": "cpuset cpu io memory hugetlb pids rdma\n" };

  test("as root: a group of its own at the top", () => {
    const grants = findGrants(
      host({ mounts: V2_MOUNTS, own: ["0::/system.slice/ssh.service"], root: true, shared: top }),
    );
    const grant = { version: 2, base: "/sys/fs/cgroup" };
    expect(grants).toEqual({ memory: grant, pids: grant, cpu: grant });
  });

  test("as a user in a delegated scope: beside the supervisor's own", () => {
    const slice = `/sys/fs/cgroup${USER}/app.slice`;
    const grants = findGrants(
      host({
        mounts: V2_MOUNTS,
        own: [`0::${USER}/app.slice/run-r1234.scope`],
        shared: { ...top, [`${slice}/cgroup.subtree_control`]: "memory pids\n" },
        writable: [`/sys/fs/cgroup${USER}`],
      }),
    );
    const grant = { version: 2, base: slice };
    expect(grants).toEqual({ memory: grant, pids: grant });
  });

  test.each<[string, string, readonly string[]]>([
    ["in a session that is not delegated", "0::/user.slice/user-1000.slice/session-2.scope", []],
    ["where the directory is the user's but its processes are not", `0::${USER}/app.slice/x.scope`, ["dir"]],
    ["at the root of a namespace of a container's", "0::/", ["/sys"]],
    ["outside of the namespace's root", "0::/../../other.scope", ["/sys"]],
    ["beside the mount point by name only", "0::/../cgroup-other/x", ["/sys"]],
    ["in no group that is told", "", ["/sys"]],
  ])("as a user %s: none", (_, own, writable) => {
    const slice = `/sys/fs/cgroup${USER}/app.slice`;
    const made = host({
      mounts: V2_MOUNTS,
      own: [own],
      shared: {
        ...top,
        [`${slice}/cgroup.subtree_control`]: "memory pids",
        "/sys/fs/cgroup-other/cgroup.subtree_control": "memory pids",
        "/sys/fs/cgroup/user.slice/user-1000.slice/cgroup.subtree_control": "memory pids",
      },
      writable,
    });
    const only = { ...made, writable: (path: string) => path === slice };
    expect(findGrants(writable[0] === "dir" ? only : made)).toEqual({});
  });

  test("whose controllers are not shared out at that place: none", () => {
    const grants = findGrants(
      host({
        mounts: V2_MOUNTS,
        own: ["0::/docker/abc"],
        root: true,
        shared: { "/sys/fs/cgroup/cgroup.subtree_control": "\n" },
      }),
    );
    expect(grants).toEqual({});
  });

  test("whose list of controllers holds one whose name begins alike: not that one", () => {
    const shared = { "/sys/fs/cgroup/cgroup.subtree_control": "cpuset pids\n" };
    const grants = findGrants(host({ mounts: V2_MOUNTS, own: ["0::/"], root: true, shared }));
    expect(grants).toEqual({ pids: { version: 2, base: "/sys/fs/cgroup" } });
  });

  test("mounted for reading only, in a container: none", () => {
    const made = host({ mounts: V2_MOUNTS, own: ["0::/"], root: true, shared: top });
    expect(findGrants({ ...made, writable: () => false })).toEqual({});
  });
});

describe("a host with version 1,", () => {
  const own = ["4:memory:/user.slice/a:b", "3:pids:/user.slice", "2:cpu,cpuacct:/", "1:name=systemd:/user.slice"];

  test("as root: a group at the top of each hierarchy", () => {
    expect(findGrants(host({ mounts: V1_MOUNTS, own, root: true }))).toEqual({
      memory: { version: 1, base: "/sys/fs/cgroup/memory" },
      pids: { version: 1, base: "/sys/fs/cgroup/pids" },
      cpu: { version: 1, base: "/sys/fs/cgroup/cpu,cpuacct" },
    });
  });

  test("as a user: below its own group, where that is its own", () => {
    const writable = ["/sys/fs/cgroup/memory/user.slice/a:b"];
    expect(findGrants(host({ mounts: V1_MOUNTS, own, writable }))).toEqual({
      memory: { version: 1, base: "/sys/fs/cgroup/memory/user.slice/a:b" },
    });
  });

  test("as a user elsewhere: none", () => {
    expect(findGrants(host({ mounts: V1_MOUNTS, own }))).toEqual({});
  });
});

test("a host with both has each controller where it is bound", () => {
  const mounts = [
    "tmpfs /sys/fs/cgroup tmpfs rw,mode=755 0 0",
    "cgroup2 /sys/fs/cgroup/unified cgroup2 rw,nsdelegate 0 0",
    "cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0",
  ];
  const shared = { "/sys/fs/cgroup/unified/cgroup.subtree_control": "pids" };
  expect(findGrants(host({ mounts, own: ["1:memory:/", "0::/"], root: true, shared }))).toEqual({
    memory: { version: 1, base: "/sys/fs/cgroup/memory" },
    pids: { version: 2, base: "/sys/fs/cgroup/unified" },
  });
});

test("a host without any grants none", () => {
  expect(findGrants(host({ mounts: ["proc /proc proc rw 0 0", ""], own: [""], root: true }))).toEqual({});
});

test("this host can be asked", () => {
  const grants = findGrants(currentHost(process.getuid?.() === 0));
  for (const { version, base } of Object.values(grants)) {
    expect([1, 2]).toContain(version);
    expect(base).toMatch(/^\//);
  }
});

describe("the control group of a run", () => {
  const all: Grants = {
    memory: { version: 2, base: "/cg" },
    pids: { version: 2, base: "/cg" },
    cpu: { version: 2, base: "/cg" },
  };
  const old: Grants = {
    memory: { version: 1, base: "/cg/memory" },
    pids: { version: 1, base: "/cg/pids" },
    cpu: { version: 1, base: "/cg/cpu" },
  };

  test("of version 2 is one directory for all", () => {
    expect(planCgroup({ memory: 1024, cpus: 0.5 }, 64, "r1", all)).toEqual({
      cgroup: {
        directories: ["/cg/hardline-r1"],
        settings: [
          { file: "/cg/hardline-r1/memory.max", value: "1024" },
          { file: "/cg/hardline-r1/memory.swap.max", value: "0" },
          { file: "/cg/hardline-r1/memory.oom.group", value: "1" },
          // The agent's 64, bubblewrap, the gate and three pumps.
          { file: "/cg/hardline-r1/pids.max", value: "69" },
          { file: "/cg/hardline-r1/cpu.max", value: "50000 100000" },
        ],
      },
      unlimited: [],
    });
  });

  test("of version 1 is one directory for each, memory before memory with swap", () => {
    expect(planCgroup({ memory: 1024, cpus: 2 }, 1, "r1", old).cgroup).toEqual({
      directories: ["/cg/memory/hardline-r1", "/cg/pids/hardline-r1", "/cg/cpu/hardline-r1"],
      settings: [
        { file: "/cg/memory/hardline-r1/memory.limit_in_bytes", value: "1024" },
        { file: "/cg/memory/hardline-r1/memory.memsw.limit_in_bytes", value: "1024" },
        { file: "/cg/pids/hardline-r1/pids.max", value: "6" },
        { file: "/cg/cpu/hardline-r1/cpu.cfs_period_us", value: "100000" },
        { file: "/cg/cpu/hardline-r1/cpu.cfs_quota_us", value: "200000" },
      ],
    });
  });

  test("has half of the memory where the policy names none", () => {
    const { settings } = planCgroup({}, 1, "r1", all).cgroup;
    expect(settings[0]).toEqual({ file: "/cg/hardline-r1/memory.max", value: String(Math.floor(totalmem() / 2)) });
  });

  test("never has a cpu quota that the kernel would refuse as too small", () => {
    const { settings } = planCgroup({ cpus: 0.000_1 }, 1, "r1", all).cgroup;
    expect(settings.at(-1)).toEqual({ file: "/cg/hardline-r1/cpu.max", value: "1000 100000" });
  });

  test.each([
    [{ memory: 1024 }, "resources.memory cannot be kept: this host grants no memory control group"],
    [{ cpus: 1 }, "resources.cpus cannot be kept: this host grants no cpu control group"],
  ])("is refused where the policy asks for what cannot be had (K7): %j", (resources, message) => {
    expect(() => planCgroup(resources, 1, "r1", {})).toThrow(
      expect.objectContaining({
        code: "host-cannot",
        message,
        remedy: expect.stringContaining("systemd-run --user --scope -p Delegate=yes"),
      }),
    );
  });

  test("is said to be missing where nobody asked, and processes are limited without one too", () => {
    expect(planCgroup({ processes: 5 }, 5, "r1", {})).toEqual({
      cgroup: { directories: [], settings: [] },
      unlimited: ["memory"],
    });
  });

  test("is known before there is a plan", () => {
    expect(cgroupDirectories(all, "r1")).toEqual(planCgroup({}, 1, "r1", all).cgroup.directories);
    expect(cgroupDirectories(old, "r1")).toEqual(planCgroup({ cpus: 1 }, 1, "r1", old).cgroup.directories);
    expect(cgroupDirectories({}, "r1")).toEqual([]);
  });
});

describe("setting the limits", () => {
  test("writes each in order", () => {
    const place = mkdtempSync(join(tmpdir(), "hardline-cgroup-"));
    try {
      const settings = ["pids.max", "memory.max"].map((name) => ({ file: join(place, name), value: `1 ${name}` }));
      for (const { file } of settings) writeFileSync(file, "");
      applyCgroup({ directories: [place], settings });
      for (const { file, value } of settings) expect(readFileSync(file, "utf8")).toBe(value);
    } finally {
      rmSync(place, { recursive: true });
    }
  });

  test("does without what some kernels lack, and what without swap bounds nothing", () => {
    const names = ["memory.swap.max", "memory.oom.group", "memory.memsw.limit_in_bytes"];
    applyCgroup({ directories: [], settings: names.map((name) => ({ file: `/none/${name}`, value: "0" })) });
  });

  test.each(["memory.max", "pids.max", "cpu.max", "memory.limit_in_bytes"])("is refused where %s fails", (name) => {
    expect(() => applyCgroup({ directories: [], settings: [{ file: `/none/${name}`, value: "7" }] })).toThrow(
      expect.objectContaining({
        code: "host-cannot",
        message: expect.stringContaining(`the limit 7 could not be set in /none/${name}: Error: ENOENT`),
      }),
    );
  });
});
