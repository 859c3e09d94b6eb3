/**
 * Looks at the sandbox from outside, before the agent's first instruction, and compares it with the plan. At this moment
 * the gate is process 1 inside and waits: mounts, identity, filter and limits are what the agent will have, since it is
 * made from this very process. Whatever differs, and whatever cannot be read, is a refusal.
 */
import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { SandboxError } from "../errors.ts";
import { CHANNEL, MOUNT_WATCH } from "../launch/channel.ts";
import type { Stdio } from "../launch/stdio.ts";
import type { Plan } from "../plan.ts";
import { compareMounts, compareStatus, type ExpectedStatus, parseStatus } from "./compare.ts";
import { type ExpectedMount, expectedMounts } from "./expected.ts";
import { type Keyrings, keyringDifferences } from "./keyring.ts";
import { parseMountinfo, visibleMounts } from "./mountinfo.ts";

export interface Observation {
  readonly plan: Plan;
  /** The gate's pid as the supervisor sees it. */
  readonly pid: number;
  readonly keyrings: Keyrings;
  /** The gate's bytes: what runs as process 1 must be these. */
  readonly gate: Uint8Array;
  readonly expected: Expected;
  /** What the agent must have in the place of the caller's standard descriptors. */
  readonly stdio: Stdio;
}

/** What can be known before there is a sandbox: worked out while the kernel makes one. */
export interface Expected {
  readonly mounts: readonly ExpectedMount[];
  readonly status: ExpectedStatus;
}

/** What a plan must lead to on this host. `terminal`: standard output is one. */
export function expect(plan: Plan, terminal: boolean): Expected {
  const host = visibleMounts(parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8")));
  const own = parseStatus(readFileSync("/proc/self/status", "utf8"));
  return {
    mounts: expectedMounts(plan.mounts, host, terminal),
    status: {
      uid: plan.identity.uid,
      gid: plan.identity.gid,
      inheritedFilters: Number(own.get("Seccomp_filters") ?? 0),
      depth: own.get("NSpid")?.split("\t").length ?? 1,
    },
  };
}

/** What was seen, for the record. */
export interface Attestation {
  readonly mounts: number;
  readonly namespaces: Readonly<Record<string, string>>;
}

const NAMESPACES = ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup"];

/** Throws `SandboxError` with `attestation-failed` that names every difference. */
export function attest(observation: Observation): Attestation {
  const { plan, pid } = observation;
  const differences: string[] = [];
  const look = <T>(what: string, read: () => T, judge: (seen: T) => readonly string[]): void => {
    try {
      differences.push(...judge(read()));
    } catch (error) {
      differences.push(`${what} could not be read (${error instanceof Error ? error.message : error})`);
    }
  };
  const proc = (name: string): string => readFileSync(`/proc/${pid}/${name}`, "utf8");

  let mounts = 0;
  look(
    "mounts",
    () => parseMountinfo(proc("mountinfo")),
    (seen) => {
      mounts = seen.length;
      return compareMounts(observation.expected.mounts, seen);
    },
  );
  look(
    "sources",
    () => plan.mounts,
    (planned) => planned.flatMap((mount) => sameFile(mount, pid)),
  );
  look(
    "status",
    () => parseStatus(proc("status")),
    (seen) => compareStatus(seen, observation.expected.status),
  );
  const namespaces: Record<string, string> = {};
  for (const name of NAMESPACES) {
    look(
      `${name} namespace`,
      () => readlinkSync(`/proc/${pid}/ns/${name}`),
      (seen) => {
        namespaces[name] = seen;
        return seen === readlinkSync(`/proc/self/ns/${name}`) ? [`the ${name} namespace is the supervisor's own`] : [];
      },
    );
  }
  look(
    "descriptors",
    () => readdirSync(`/proc/${pid}/fd`),
    (seen) => descriptorDifferences(seen, observation),
  );
  look(
    "environment",
    () => proc("environ"),
    (seen) => environmentDifferences(seen, plan.environment),
  );
  look(
    "limits",
    () => proc("limits"),
    (seen) => limitDifferences(seen, plan),
  );
  look(
    "working directory",
    () => readlinkSync(`/proc/${pid}/cwd`),
    (seen) =>
      seen === plan.workingDirectory ? [] : [`the working directory is ${seen} and not ${plan.workingDirectory}`],
  );
  look(
    "program",
    () => readFileSync(`/proc/${pid}/exe`),
    (seen) => (seen.equals(observation.gate) ? [] : ["process 1 of the sandbox is not Hardline's gate"]),
  );
  look("network devices", () => proc("net/dev"), networkDifferences);
  look("session", () => proc("stat"), sessionDifferences);
  look(
    "control groups",
    () => proc("cgroup"),
    (seen) => cgroupDifferences(seen, plan),
  );
  look("keyrings", () => observation.keyrings, keyringDifferences);

  if (differences.length > 0) {
    throw new SandboxError(
      "attestation-failed",
      `the sandbox is not what was planned:\n${differences.map((difference) => `  - ${difference}`).join("\n")}`,
      "The agent was not started. Run `hardline doctor`; something on this host changes what Hardline asks the kernel for.",
    );
  }
  return { mounts, namespaces };
}

/** The mount shows the very file that was looked at: a name that changed hands on the way differs here (F5, F6). */
function sameFile(mount: Plan["mounts"][number], pid: number): string[] {
  if (mount.kind !== "bind" || mount.role === "system" || mount.role === "etc") return [];
  const inside = lstatSync(`/proc/${pid}/root${mount.target}`);
  const outside = lstatSync(mount.source);
  const same = inside.ino === outside.ino && inside.dev === outside.dev;
  return same ? [] : [`${mount.target} does not show ${mount.source}`];
}

/** Nothing but standard input, output and error, which are the caller's, and the channel, which ends with the gate (F8). */
function descriptorDifferences(seen: readonly string[], { pid, stdio }: Observation): string[] {
  const wanted = ["0", "1", "2", String(CHANNEL), String(MOUNT_WATCH)];
  const differences = seen.filter((name) => !wanted.includes(name)).map((name) => `descriptor ${name} is open`);
  for (const name of ["0", "1", "2"]) {
    if (!seen.includes(name)) differences.push(`descriptor ${name} is closed`);
    else if (stdio.pumped.includes(Number(name))) {
      // A file of the caller's: the agent must have a pipe in its place, or it could open the file anew (F8).
      if (!readlinkSync(`/proc/${pid}/fd/${name}`).startsWith("pipe:"))
        differences.push(`descriptor ${name} is a file`);
    } else if (readlinkSync(`/proc/${pid}/fd/${name}`) !== inPlaceOf(name, stdio)) {
      differences.push(`descriptor ${name} is not the caller's`);
    } else if (statSync(`/proc/${pid}/fd/${name}`).isDirectory()) {
      differences.push(`descriptor ${name} is a directory, by which the agent could leave its root`);
    }
  }
  for (const own of [CHANNEL, MOUNT_WATCH]) {
    const flags = /^flags:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/fdinfo/${own}`, "utf8"))?.[1] ?? "0";
    if ((Number.parseInt(flags, 8) & 0o2000000) === 0)
      differences.push(`the gate's descriptor ${own} would reach the agent`);
  }
  return differences;
}

function inPlaceOf(name: string, stdio: Stdio): string {
  return name === "0" && stdio.empty ? "/dev/null" : readlinkSync(`/proc/self/fd/${name}`);
}

export function environmentDifferences(seen: string, wanted: Readonly<Record<string, string>>): string[] {
  const names = new Set<string>();
  const differences: string[] = [];
  for (const entry of seen.split("\0").filter((part) => part !== "")) {
    const name = entry.slice(0, entry.indexOf("="));
    names.add(name);
    if (wanted[name] !== entry.slice(name.length + 1))
      differences.push(`the environment has ${name}, or another value of it`);
  }
  return [
    ...differences,
    ...Object.keys(wanted)
      .filter((name) => !names.has(name))
      .map((name) => `${name} is not set`),
  ];
}

/** The rows of `/proc/<pid>/limits`, by Hardline's names. */
const LIMIT_ROWS: Readonly<Record<string, string>> = {
  "core-file": "Max core file size",
  processes: "Max processes",
  "open-files": "Max open files",
  "locked-memory": "Max locked memory",
  "message-queues": "Max msgqueue size",
  "file-size": "Max file size",
  "pending-signals": "Max pending signals",
  "realtime-priority": "Max realtime priority",
};

export function limitDifferences(seen: string, plan: Plan): string[] {
  return plan.limits.flatMap(({ name, value }) => {
    const row = seen.split("\n").find((line) => line.startsWith(LIMIT_ROWS[name] ?? name));
    const [soft, hard] = row?.slice(26).trim().split(/\s+/) ?? [];
    const same = soft === String(value) && hard === String(value);
    return same ? [] : [`the limit ${name} is ${soft ?? "?"}/${hard ?? "?"} and not ${value}`];
  });
}

export function networkDifferences(seen: string): string[] {
  const devices = seen
    .split("\n")
    .slice(2)
    .map((line) => line.split(":")[0]?.trim() ?? "")
    .filter((name) => name !== "" && name !== "lo");
  // A module that makes a dead tunnel device in every namespace (sit0, tunl0 …) gives no route: it is down.
  return devices
    .filter((name) => !/^(?:sit|tunl|gre|gretap|erspan|ip6tnl|ip6gre|ip_vti|ip6_vti)0$/.test(name))
    .map((name) => `the network device ${name} is in the sandbox`);
}

/** Fields 6 and 7 of `/proc/<pid>/stat`: session and controlling terminal. */
function sessionDifferences(seen: string): string[] {
  const fields = seen.slice(seen.lastIndexOf(")") + 2).split(" ");
  const own = readFileSync("/proc/self/stat", "utf8");
  const session = own.slice(own.lastIndexOf(")") + 2).split(" ")[3];
  const differences = fields[3] === session ? ["the session is the supervisor's"] : [];
  if (fields[4] !== "0") differences.push("the sandbox has a controlling terminal");
  return differences;
}

export function cgroupDifferences(seen: string, plan: Plan): string[] {
  // `0::/path`: a path may hold colons itself.
  const paths = seen.split("\n").map((line) => line.split(":").slice(2).join(":"));
  return plan.cgroup.directories
    .filter((directory) => !paths.some((path) => path.length > 1 && directory.endsWith(path)))
    .map((directory) => `the sandbox is not in its control group ${directory}`);
}
