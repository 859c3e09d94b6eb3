import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SandboxError } from "../errors.ts";
import { hostFacts, release, rootAgent } from "../made-up.ts";
import { type Plan, planSandbox } from "../plan.ts";
import {
  attest,
  cgroupDifferences,
  environmentDifferences,
  expect as expectedOf,
  limitDifferences,
  networkDifferences,
} from "./attest.ts";

const PLAN: Plan = planSandbox({
  agent: rootAgent("/srv/bot", [], { resources: { processes: 64, openFiles: 128, fileSize: 1024 } }),
  policyDigest: "sha256:00",
  facts: hostFacts(),
  release: release(),
  cgroup: { directories: ["/sys/fs/cgroup/a:b/hardline-x1"], settings: [] },
  unlimited: [],
});

describe("the environment", () => {
  const wanted = { A: "1", EMPTY: "", LONG: "a=b\nc" };

  test("that is the plan's differs in nothing, in whatever order", () => {
    expect(environmentDifferences("LONG=a=b\nc\0A=1\0EMPTY=\0", wanted)).toEqual([]);
  });

  test.each([
    ["A=2\0EMPTY=\0LONG=a=b\nc\0", "the environment has A, or another value of it"],
    ["A=1\0EMPTY=x\0LONG=a=b\nc\0", "the environment has EMPTY, or another value of it"],
    ["A=1\0EMPTY=\0LONG=a=b\nc\0LD_PRELOAD=x.so\0", "the environment has LD_PRELOAD, or another value of it"],
    ["A=1\0EMPTY=\0LONG=a=b\nc\0A=2\0", "the environment has A, or another value of it"],
    ["A=1\0EMPTY=\0LONG=a=b\nc\0constructor=x\0", "the environment has constructor, or another value of it"],
    ["A=1\0LONG=a=b\nc\0", "EMPTY is not set"],
  ])("with one thing changed: %j", (seen, sentence) => {
    expect(environmentDifferences(seen, wanted)).toEqual([sentence]);
  });
});

describe("the limits", () => {
  // The form of the kernel's proc_pid_limits().
  const line = (name: string, soft: string, hard: string): string =>
    `${name.padEnd(26)}${soft.padEnd(21)}${hard.padEnd(21)}units     `;
  const rows: Record<string, string> = {
    "Max core file size": "1",
    "Max processes": String(PLAN.limits.find(({ name }) => name === "processes")?.value),
    "Max open files": "128",
    "Max locked memory": "8388608",
    "Max msgqueue size": "0",
    "Max file size": "1024",
    "Max pending signals": "4096",
    "Max realtime priority": "0",
  };
  const text = (changed: Record<string, [string, string]> = {}): string =>
    Object.entries(rows)
      .map(([name, value]) => line(name, ...(changed[name] ?? ([value, value] as const))))
      .join("\n");

  test("that are the plan's differ in nothing", () => {
    expect(limitDifferences(text(), PLAN)).toEqual([]);
  });

  test.each([
    ["Max open files", "128", "1048576", "the limit open-files is 128/1048576 and not 128"],
    ["Max core file size", "unlimited", "unlimited", "the limit core-file is unlimited/unlimited and not 1"],
    ["Max file size", "1023", "1024", "the limit file-size is 1023/1024 and not 1024"],
    ["Max msgqueue size", "819200", "819200", "the limit message-queues is 819200/819200 and not 0"],
    ["Max locked memory", "8388608", "8388609", "the limit locked-memory is 8388608/8388609 and not 8388608"],
  ])("with another %s", (name, soft, hard, sentence) => {
    expect(limitDifferences(text({ [name]: [soft, hard] }), PLAN)).toEqual([sentence]);
  });

  test("that are not shown differ", () => {
    expect(limitDifferences("", PLAN)).toHaveLength(PLAN.limits.length);
    expect(limitDifferences("", PLAN)[0]).toBe("the limit core-file is ?/? and not 1");
  });
});

describe("network devices", () => {
  const table = (...names: string[]): string =>
    ["Inter-|   Receive", " face |bytes", ...names.map((name) => `${name.padStart(6)}: 0 0`), ""].join("\n");

  test("of the sandbox's own are fine, and dead tunnels that a kernel makes everywhere", () => {
    expect(networkDifferences(table("lo"))).toEqual([]);
    expect(networkDifferences(table("lo", "sit0", "tunl0", "ip6tnl0"))).toEqual([]);
  });

  test.each(["eth0", "wg0", "lo0", "sit1", "tun0"])("that lead elsewhere are named: %s", (name) => {
    expect(networkDifferences(table("lo", name))).toEqual([`the network device ${name} is in the sandbox`]);
  });
});

describe("control groups", () => {
  test.each([
    ["version 2, with a colon in its path", "0::/a:b/hardline-x1\n"],
    ["version 1", "4:memory:/hardline-x1\n3:pids:/\n0::/\n"],
    ["seen from a namespace of the host's", "0::/hardline-x1\n"],
  ])("that are the plan's: %s", (_, seen) => {
    expect(cgroupDifferences(seen, PLAN)).toEqual([]);
  });

  test.each(["0::/\n", "0::/hardline-x2\n", "0::\n", ""])("that are not: %j", (seen) => {
    expect(cgroupDifferences(seen, PLAN)).toEqual([
      "the sandbox is not in its control group /sys/fs/cgroup/a:b/hardline-x1",
    ]);
  });
});

describe("a process that is no sandbox at all", () => {
  let child: ChildProcess;
  beforeAll(async () => {
    child = spawn("/bin/sleep", ["60"], { stdio: "ignore", env: { LD_PRELOAD: "" } });
    await once(child, "spawn");
  });
  afterAll(() => {
    child.kill("SIGKILL");
  });

  function said(pid: number): string {
    try {
      attest({
        plan: PLAN,
        pid,
        keyrings: { before: 7, after: 7 },
        gate: Buffer.from("gate"),
        expected: expectedOf({ ...PLAN, mounts: [] }, false),
        stdio: { pumped: [], together: false, empty: false },
      });
    } catch (error) {
      expect(error).toBeInstanceOf(SandboxError);
      expect(error).toMatchObject({ code: "attestation-failed" });
      return (error as SandboxError).message;
    }
    throw new Error("it was attested");
  }

  test("is refused, with every difference named", () => {
    const message = said(child.pid ?? -1);
    for (const name of ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup"]) {
      expect(message).toContain(`  - the ${name} namespace is the supervisor's own\n`);
    }
    for (const sentence of [
      "/usr is mounted and not planned|NoNewPrivs is 0 and not 1",
      "Uid is ",
      "Seccomp_filters is ",
      "the gate is not process 1 of a namespace of its own",
      "the environment has LD_PRELOAD, or another value of it",
      "PATH is not set",
      "the limit open-files is ",
      "the working directory is ",
      "process 1 of the sandbox is not Hardline's gate",
      "the sandbox is not in its control group /sys/fs/cgroup/a:b/hardline-x1",
      "the session keyring is the caller's own",
      "descriptors could not be read",
      "sources could not be read",
    ]) {
      expect(message).toMatch(new RegExp(sentence));
    }
  });

  test("that is gone is refused too: what cannot be read is not as planned", () => {
    const message = said(2 ** 22 + 1);
    for (const what of ["mounts", "status", "descriptors", "environment", "limits", "program", "session"]) {
      expect(message).toContain(`  - ${what} could not be read (`);
    }
  });
});

test("what is expected of the status rests on the supervisor's own", () => {
  const status = readFileSync("/proc/self/status", "utf8");
  const filters = Number(/^Seccomp_filters:\t(\d+)/m.exec(status)?.[1] ?? 0);
  expect(expectedOf({ ...PLAN, mounts: [] }, false).status).toMatchObject({
    uid: 1000,
    gid: 1000,
    inheritedFilters: filters,
  });
});
