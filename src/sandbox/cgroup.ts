/**
 * Control groups for memory, processes and cpu, where the host grants them: version 2, version 1 and both at once. As root
 * each run gets a directory of its own at the top; as an ordinary user beside or below the supervisor's own group, where
 * that was delegated. Source: the kernel's `admin-guide/cgroup-v2.rst` and `cgroup-v1/`.
 */
import { accessSync, constants, readFileSync, writeFileSync } from "node:fs";
import { totalmem } from "node:os";
import { dirname, join } from "node:path";
import { isInside } from "../core/paths.ts";
import type { Resources } from "../policy/types.ts";
import { SandboxError } from "./errors.ts";
import type { CgroupPlan } from "./plan.ts";

export type Controller = "memory" | "pids" | "cpu";

/** A directory below which a run's group can be made, for one controller. */
export interface Grant {
  readonly version: 1 | 2;
  /** Absolute directory in which the run's directory is made. */
  readonly base: string;
}

export type Grants = Readonly<Partial<Record<Controller, Grant>>>;

/** What stands in files, for tests; the defaults read the host's. */
export interface CgroupHost {
  readonly mounts: string;
  readonly own: string;
  readonly root: boolean;
  /** Content of a file, or `undefined` where it cannot be read. */
  readonly read: (path: string) => string | undefined;
  readonly writable: (path: string) => boolean;
}

export function currentHost(root: boolean): CgroupHost {
  return {
    mounts: readFileSync("/proc/self/mounts", "utf8"),
    own: readFileSync("/proc/self/cgroup", "utf8"),
    root,
    read: (path) => {
      try {
        return readFileSync(path, "utf8");
      } catch {
        return undefined;
      }
    },
    writable: (path) => {
      try {
        accessSync(path, constants.W_OK);
        return true;
      } catch {
        return false;
      }
    },
  };
}

/** Which controllers this host grants, and where. A controller is bound to one version only. */
export function findGrants(host: CgroupHost): Grants {
  const grants: Partial<Record<Controller, Grant>> = {};
  for (const line of host.mounts.split("\n")) {
    const [, mountPoint, type, options] = line.split(" ");
    if (mountPoint === undefined || (type !== "cgroup" && type !== "cgroup2")) continue;
    for (const controller of ["memory", "pids", "cpu"] as const) {
      if (grants[controller] !== undefined) continue;
      const grant =
        type === "cgroup"
          ? version1(host, mountPoint, options ?? "", controller)
          : version2(host, mountPoint, controller);
      if (grant !== undefined) grants[controller] = grant;
    }
  }
  return grants;
}

function version1(host: CgroupHost, mountPoint: string, options: string, controller: string): Grant | undefined {
  if (!options.split(",").includes(controller)) return undefined;
  const own = host.own.split("\n").find((line) => line.split(":")[1]?.split(",").includes(controller));
  const base = host.root ? mountPoint : join(mountPoint, own?.split(":").slice(2).join(":") ?? "/");
  return host.writable(base) ? { version: 1, base } : undefined;
}

function version2(host: CgroupHost, mountPoint: string, controller: string): Grant | undefined {
  const own = host.own.split("\n").find((line) => line.startsWith("0::"));
  // A group with processes in it cannot share out controllers, so a user's run goes beside the supervisor's group.
  const base = host.root ? mountPoint : dirname(join(mountPoint, own?.slice("0::".length) ?? "/"));
  if (!isInside(base, mountPoint)) return undefined;
  const shared = host.read(join(base, "cgroup.subtree_control"))?.trim().split(" ") ?? [];
  if (!shared.includes(controller)) return undefined;
  return host.writable(base) && host.writable(join(base, "cgroup.procs")) ? { version: 2, base } : undefined;
}

const REMEDY =
  "As an ordinary user, start it in a delegated scope (systemd-run --user --scope -p Delegate=yes hardline run …); " +
  "or run Hardline as root; or take the limit out of resources:.";

/**
 * The control group of one run. What the policy asks for and the host does not grant is a refusal; what nobody asked for
 * is left unlimited, and said (K7).
 */
export function planCgroup(
  resources: Resources,
  processes: number,
  run: string,
  grants: Grants,
): { readonly cgroup: CgroupPlan; readonly unlimited: readonly string[] } {
  const wanted = new Map<Controller, readonly (readonly [string, string])[]>();
  const unlimited: string[] = [];
  const want = (
    controller: Controller,
    asked: string | undefined,
    settings: (version: 1 | 2) => [string, string][],
  ): void => {
    const grant = grants[controller];
    if (grant !== undefined) {
      wanted.set(controller, settings(grant.version));
      return;
    }
    if (asked !== undefined) {
      throw new SandboxError(
        "host-cannot",
        `resources.${asked} cannot be kept: this host grants no ${controller} control group`,
        REMEDY,
      );
    }
    unlimited.push(controller);
  };
  const memory = String(resources.memory ?? Math.floor(totalmem() / 2));
  want("memory", resources.memory === undefined ? undefined : "memory", (version) =>
    version === 2
      ? [
          ["memory.max", memory],
          ["memory.swap.max", "0"],
          ["memory.oom.group", "1"],
        ]
      : [
          ["memory.limit_in_bytes", memory],
          ["memory.memsw.limit_in_bytes", memory],
        ],
  );
  // The limit on processes holds by RLIMIT_NPROC without a control group too, so it is never refused. Five more:
  // bubblewrap, the gate, and up to three pumps.
  want("pids", undefined, () => [["pids.max", String(processes + 5)]]);
  const { cpus } = resources;
  if (cpus !== undefined) {
    const quota = String(Math.max(1000, Math.round(cpus * 100_000)));
    want("cpu", "cpus", (version) =>
      version === 2
        ? [["cpu.max", `${quota} 100000`]]
        : [
            ["cpu.cfs_period_us", "100000"],
            ["cpu.cfs_quota_us", quota],
          ],
    );
  }
  return { cgroup: toPlan(wanted, grants, run), unlimited: unlimited.filter((name) => name === "memory") };
}

function toPlan(
  wanted: ReadonlyMap<Controller, readonly (readonly [string, string])[]>,
  grants: Grants,
  run: string,
): CgroupPlan {
  const settings: { file: string; value: string }[] = [];
  for (const [controller, files] of wanted) {
    const grant = grants[controller];
    if (grant === undefined) continue;
    for (const [name, value] of files) settings.push({ file: join(groupOf(grant, run), name), value });
  }
  return { directories: cgroupDirectories(grants, run), settings };
}

function groupOf(grant: Grant, run: string): string {
  return join(grant.base, `hardline-${run}`);
}

/** The directories that a run's keeper makes and joins, whatever the plan will set in them. */
export function cgroupDirectories(grants: Grants, run: string): string[] {
  const granted = [grants.memory, grants.pids, grants.cpu].filter((grant) => grant !== undefined);
  return [...new Set(granted.map((grant) => groupOf(grant, run)))];
}

/**
 * The files by which a process joins those directories, in their order, by writing 0. In version 1 a thread alone is moved
 * at once; moving a process makes the kernel wait for a grace period (10 to 20 ms), and the keeper's child has one thread.
 */
export function cgroupMembers(grants: Grants, run: string): string[] {
  const versionOf = new Map<string, 1 | 2>();
  for (const grant of Object.values(grants)) versionOf.set(groupOf(grant, run), grant.version);
  return cgroupDirectories(grants, run).map((group) =>
    join(group, versionOf.get(group) === 1 ? "tasks" : "cgroup.procs"),
  );
}

/** Settings that some kernels lack (swap accounting): without swap they bound nothing. */
const OPTIONAL = ["memory.swap.max", "memory.oom.group", "memory.memsw.limit_in_bytes"];

/** Writes the limits of a group that the sandbox's processes are in. Throws `SandboxError` where the kernel refuses. */
export function applyCgroup(plan: CgroupPlan): void {
  for (const { file, value } of plan.settings) {
    try {
      writeFileSync(file, value);
    } catch (error) {
      if (OPTIONAL.some((name) => file.endsWith(`/${name}`))) continue;
      throw new SandboxError("host-cannot", `the limit ${value} could not be set in ${file}: ${error}`, REMEDY, {
        cause: error,
      });
    }
  }
}
