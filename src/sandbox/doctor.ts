/**
 * `doctor`: can this host hold the wall up? Each mechanism is really tried, the whole sandbox last, and what fails is
 * named with its remedy.
 */
import { spawnSync } from "node:child_process";
import {
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import { HardlineError } from "../core/errors.ts";
import type { Agent } from "../policy/types.ts";
import { findBubblewrap } from "./bubblewrap.ts";
import { currentHost, findGrants, planCgroup } from "./cgroup.ts";
import { collectFacts } from "./facts.ts";
import { launch, startKeeper } from "./launch/launch.ts";
import { inspectStdio } from "./launch/stdio.ts";
import { prepareMutable } from "./mutable.ts";
import { isArch } from "./native/syscalls.ts";
import { planSandbox, processLimit } from "./plan.ts";
import { sealRelease, survey } from "./store/release.ts";
import { explainNamespaceFailure } from "./userns.ts";

export interface Probe {
  readonly id: string;
  readonly title: string;
  readonly status: "ok" | "warning" | "failed";
  readonly detail: string;
  /** What to do; empty where the status is `ok`. */
  readonly remedy: string;
}

export interface ProbeOptions {
  /** Absolute path. */
  readonly stateDir: string;
}

/** `openat2`, `close_range` with CLOEXEC, `open_tree` and `move_mount` are all there from here on. */
const OLDEST_KERNEL = [5, 11] as const;
/** A uid for the probe's agent as root, outside of the range that real agents get. */
const PROBE_UID = 1_879_048_191;

export async function probeHost(options: ProbeOptions): Promise<Probe[]> {
  const state = join(options.stateDir, "doctor");
  const probes = [machine(), kernel(), seccomp()];
  const stateProbe = stateDirectory(state);
  probes.push(stateProbe);
  if (stateProbe.status === "failed") return probes;
  try {
    const bubblewrap = tried("bubblewrap", "bubblewrap", () => {
      const { path, version } = findBubblewrap(state);
      return `${path} ${version}`;
    });
    probes.push(bubblewrap);
    if (bubblewrap.status === "ok") probes.push(namespaces(findBubblewrap(state).path));
    probes.push(...controlGroups(), reflink(state));
    if (probes.every(({ status }) => status !== "failed")) probes.push(await wholeSandbox(state));
  } finally {
    rmSync(state, { recursive: true, force: true });
  }
  return probes;
}

function ok(id: string, title: string, detail: string): Probe {
  return { id, title, status: "ok", detail, remedy: "" };
}

function tried(id: string, title: string, act: () => string): Probe {
  try {
    return ok(id, title, act());
  } catch (error) {
    return failed(id, title, error);
  }
}

function failed(id: string, title: string, error: unknown): Probe {
  const detail = error instanceof Error ? error.message : String(error);
  const remedy = error instanceof HardlineError && error.remedy !== "" ? error.remedy : "See the message.";
  return { id, title, status: "failed", detail, remedy };
}

function machine(): Probe {
  if (isArch(process.arch)) return ok("machine", "machine", process.arch);
  return {
    id: "machine",
    title: "machine",
    status: "failed",
    detail: `there is no system call filter for ${process.arch}`,
    remedy: "Use x86-64 or arm64.",
  };
}

function kernel(): Probe {
  const [major = 0, minor = 0] = release().split(".").map(Number);
  const [leastMajor, leastMinor] = OLDEST_KERNEL;
  const enough = major > leastMajor || (major === leastMajor && minor >= leastMinor);
  if (enough) return ok("kernel", "Linux kernel", release());
  return {
    id: "kernel",
    title: "Linux kernel",
    status: "failed",
    detail: `${release()} lacks close_range or openat2 as Hardline needs them`,
    remedy: `Use Linux ${leastMajor}.${leastMinor} or newer.`,
  };
}

function seccomp(): Probe {
  return tried("seccomp", "system call filter", () => {
    const actions = readFileSync("/proc/sys/kernel/seccomp/actions_avail", "utf8").trim().split(" ");
    for (const needed of ["kill_process", "errno", "allow"]) {
      if (!actions.includes(needed)) throw new Error(`the kernel's seccomp has no ${needed}`);
    }
    return "seccomp can kill and refuse";
  });
}

function stateDirectory(state: string): Probe {
  return tried("state-directory", "state directory", () => {
    mkdirSync(state, { recursive: true, mode: 0o700 });
    const program = join(state, "probe");
    copyFileSync("/bin/true", program);
    const { error, status } = spawnSync(program, { env: {} });
    if (error !== undefined || status !== 0) {
      throw new Error(
        `${state} is on a file system that does not let programs run (noexec); choose another with --state`,
      );
    }
    return state;
  });
}

/** Really makes every namespace, as the one who will make them: an ordinary user, also when this is root. */
function namespaces(bubblewrap: string): Probe {
  const id = "namespaces";
  const title = "namespaces";
  const identity = process.getuid?.() === 0 ? { uid: PROBE_UID, gid: PROBE_UID } : {};
  const flags = ["user", "pid", "ipc", "uts", "net", "cgroup"].map((name) => `--unshare-${name}`);
  const args = [...flags, "--disable-userns", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "/bin/true"];
  const { status, stderr, error } = spawnSync(bubblewrap, args, {
    encoding: "utf8",
    env: {},
    cwd: "/",
    ...identity,
  });
  if (status === 0) return ok(id, title, "user, mount, pid, ipc, uts, net and cgroup can be made, and nesting refused");
  const said = (stderr ?? "").trim() || String(error ?? "bubblewrap failed");
  return { id, title, status: "failed", detail: said, remedy: explainNamespaceFailure(said) };
}

function controlGroups(): Probe[] {
  const grants = findGrants(currentHost(process.getuid?.() === 0));
  return (["memory", "pids", "cpu"] as const).map((controller): Probe => {
    const grant = grants[controller];
    const id = `cgroup-${controller}`;
    const title = `control group: ${controller}`;
    if (grant !== undefined) return ok(id, title, `version ${grant.version}, below ${grant.base}`);
    return {
      id,
      title,
      status: "warning",
      detail:
        controller === "pids"
          ? "not granted; the number of processes is still limited, by RLIMIT_NPROC"
          : `not granted; a policy that sets resources.${controller === "cpu" ? "cpus" : "memory"} is refused here`,
      remedy:
        "As an ordinary user: systemd-run --user --scope -p Delegate=yes hardline run …; or run Hardline as root.",
    };
  });
}

function reflink(state: string): Probe {
  const source = join(state, "reflink");
  writeFileSync(source, "x".repeat(65_536));
  try {
    copyFileSync(source, join(state, "reflink.copy"), constants.COPYFILE_FICLONE_FORCE);
    return ok("reflink", "release store", "sealed content is cloned, not copied");
  } catch {
    return ok("reflink", "release store", "sealed content is copied once (this file system cannot clone files)");
  }
}

/** The real thing, from sealing to the exit status, with an agent that does nothing. */
async function wholeSandbox(state: string): Promise<Probe> {
  const id = "sandbox";
  const title = "the whole sandbox, attested";
  const place = mkdtempSync(join(existsSync("/var/tmp") ? "/var/tmp" : tmpdir(), "hardline-doctor-"));
  try {
    const root = process.getuid?.() === 0;
    const agent = probeAgent(place);
    prepareMutable(agent, root ? { uid: PROBE_UID, gid: PROBE_UID } : undefined);
    const owner = root ? { owner: { uid: PROBE_UID, gid: PROBE_UID } } : {};
    const released = await sealRelease(survey(agent, state), { state, progress: () => undefined, ...owner });
    const facts = collectFacts({ state, read: [], ...(root ? { agentUid: PROBE_UID } : {}) });
    const keeper = startKeeper(state);
    const groups = planCgroup(agent.resources, processLimit(agent.resources), keeper.run.id, keeper.grants);
    const plan = planSandbox({ agent, policyDigest: "none", facts, release: released, ...groups });
    const started = performance.now();
    const running = await launch(keeper, {
      plan,
      facts,
      terminal: process.stdout.isTTY === true,
      stdio: inspectStdio(),
    });
    const end = await running.ended;
    if (end.kind !== "exited" || end.status !== 0) throw new Error(`the probe's agent ended as ${JSON.stringify(end)}`);
    const elapsed = Math.round(performance.now() - started);
    return ok(id, title, `${running.attestation.mounts} mounts and all restrictions as planned, ${elapsed} ms`);
  } catch (error) {
    return failed(id, title, error);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

function probeAgent(root: string): Agent {
  return {
    name: "doctor",
    run: ["/bin/true"],
    shape: { kind: "root", root, mutable: ["state"] },
    read: [],
    env: {},
    resources: {},
    allow: [],
    accept: [],
    tools: [],
  };
}
