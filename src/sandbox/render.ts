/** A plan as `hardline plan` shows it: as data with everything spelled out, and as text for people. */
import { createHash } from "node:crypto";
import type { HostFacts } from "./facts.ts";
import { gateProgram } from "./launch/gate.ts";
import { keeperProgram } from "./launch/keeper.ts";
import { gateOptions, launcherOptions } from "./launch/launch.ts";
import { launcherProgram } from "./launch/launcher.ts";
import type { Mount } from "./mounts.ts";
import { describe } from "./native/program.ts";
import type { Plan } from "./plan.ts";
import { ABSENT, JUDGED, REFUSED } from "./seccomp/filter.ts";

/** The plan with what follows from it. */
export interface PlanDocument extends Plan {
  readonly seccomp: {
    readonly arch: string;
    /** Of the filter's bytes. */
    readonly sha256: string;
    /** Refused with EPERM, by reason. */
    readonly refused: Readonly<Record<string, readonly string[]>>;
    /** Answered with ENOSYS, as is everything that the table does not know. */
    readonly absent: readonly string[];
    /** Allowed or refused by an argument. */
    readonly judged: readonly string[];
  };
  readonly bubblewrap: { readonly path: string; readonly version: string; readonly arguments: readonly string[] };
  /** Every system call of Hardline's small programs, in order. */
  readonly keeper: readonly string[];
  readonly launcher: readonly string[];
  readonly gate: readonly string[];
}

/** As from a terminal. A run whose input or output is a file has one small process more for each. */
const NO_FILES = { pumped: [], together: false, empty: false } as const;

export function documentOf(plan: Plan, facts: HostFacts): PlanDocument {
  const options = launcherOptions(
    plan,
    facts,
    NO_FILES,
    "<gate>",
    plan.placeholders.length === 0 ? undefined : "<finisher>",
  );
  const gate = gateOptions(plan, facts);
  return {
    ...plan,
    seccomp: {
      arch: facts.arch,
      sha256: createHash("sha256").update(gate.filter).digest("hex"),
      refused: REFUSED,
      absent: ABSENT,
      judged: Object.keys(JUDGED),
    },
    bubblewrap: { ...facts.bubblewrap, arguments: options.args },
    keeper: describe(keeperProgram(facts.arch, options.groups).program),
    launcher: describe(launcherProgram(options).program),
    gate: describe(gateProgram(gate).program),
  };
}

const BOLD = ["\x1b[1m", "\x1b[0m"] as const;
const SEALED = ["\x1b[32m", "\x1b[0m"] as const;
const MUTABLE = ["\x1b[33m", "\x1b[0m"] as const;

export function renderPlan(plan: PlanDocument, { color }: { readonly color: boolean }): string {
  const paint = (text: string, [on, off]: readonly [string, string]): string => (color ? `${on}${text}${off}` : text);
  const heading = (text: string): string => paint(text, BOLD);
  const lines: string[] = [
    heading(`agent ${plan.agent}`),
    `  policy    ${plan.policyDigest}`,
    `  release   ${plan.releaseDigest}`,
    `  runs      ${plan.command.map(word).join(" ")}`,
    `  in        ${plan.workingDirectory}`,
    `  as        uid ${plan.identity.uid}, ${plan.identity.by === "own-uid" ? "which no one else has" : "in a user namespace"}`,
    `  network   its own loopback, and nothing else`,
    "",
    heading("file system"),
    ...plan.mounts.flatMap((mount) => mountLine(mount, paint)),
    "",
    heading("environment"),
    ...Object.entries(plan.environment).map(([name, value]) => `  ${name}=${value}`),
    "",
    heading("limits"),
    ...plan.limits.map(({ name, value }) => `  ${name.padEnd(16)} ${value}`),
    ...plan.cgroup.settings.map(({ file, value }) => `  ${file.split("/").at(-1)?.padEnd(16)} ${value}`),
    ...plan.unlimited.map((name) => `  ${name.padEnd(16)} not limited: this host grants no control group for it`),
    "",
    heading(`system calls (${plan.seccomp.arch}, filter sha256:${plan.seccomp.sha256.slice(0, 16)}…)`),
    ...Object.entries(plan.seccomp.refused).flatMap(([why, names]) => [`  EPERM: ${why}`, ...wrap(names)]),
    "  ENOSYS: flags in memory cannot be judged; and every call that is not in the table",
    ...wrap(plan.seccomp.absent),
    "  judged by an argument",
    ...wrap(plan.seccomp.judged),
    "  a call of another ABI (i386, x32) ends the process",
    "",
  ];
  return lines.join("\n");
}

function mountLine(mount: Mount, paint: (text: string, color: readonly [string, string]) => string): string[] {
  switch (mount.kind) {
    case "bind": {
      const access = mount.access === "sealed" ? paint("sealed ", SEALED) : paint("mutable", MUTABLE);
      const from = mount.source === mount.target ? "" : `  from ${mount.source}`;
      return [`  ${access}  ${mount.target}  (${mount.role})${from}`];
    }
    case "tmpfs":
      return [
        `  ${paint("fresh  ", MUTABLE)}  ${mount.target}  (${Math.round(mount.size / 1024 / 1024)} MiB, gone at the end)`,
      ];
    case "proc":
    case "dev":
      return [`  fresh    ${mount.target}  (the sandbox's own)`];
    case "symlink":
      return [`  link     ${mount.target} -> ${mount.to}`];
    case "directory":
    case "remount-read-only":
      return [];
  }
}

/** As one would type it: quoted where a shell would split it. */
function word(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function wrap(names: readonly string[]): string[] {
  const lines: string[] = [];
  let line = "   ";
  for (const name of names) {
    if (line.length + name.length > 100) {
      lines.push(line);
      line = "   ";
    }
    line += ` ${name}`;
  }
  return [...lines, line];
}
