/** Compares what the kernel shows of a sandbox with its plan. Pure; every difference is one sentence. */
import type { ExpectedMount } from "./expected.ts";
import type { MountEntry } from "./mountinfo.ts";

/** Differences between the expected mount table and the one seen; none means that they agree. */
export function compareMounts(expected: readonly ExpectedMount[], seen: readonly MountEntry[]): string[] {
  const differences: string[] = [];
  const byTarget = new Map<string, ExpectedMount>();
  for (const mount of expected) {
    // Two at one place would hide each other; a plan never asks for it.
    if (byTarget.has(mount.target)) differences.push(`${mount.target} is planned twice`);
    byTarget.set(mount.target, mount);
  }
  const found = new Set<string>();
  for (const entry of seen) {
    const mount = byTarget.get(entry.target);
    if (mount === undefined) differences.push(`${entry.target} is mounted and not planned`);
    else if (found.has(entry.target)) differences.push(`${entry.target} is mounted twice`);
    else differences.push(...compareMount(mount, entry));
    found.add(entry.target);
  }
  for (const mount of expected) {
    if (!(mount.optional || found.has(mount.target))) differences.push(`${mount.target} is planned and not mounted`);
  }
  return differences;
}

function compareMount(mount: ExpectedMount, entry: MountEntry): string[] {
  const differences: string[] = [];
  const has = (option: string): boolean => entry.options.includes(option);
  if (!has(mount.access))
    differences.push(`${mount.target} is not ${mount.access === "ro" ? "read-only" : "writable"}`);
  if (!has("nosuid")) differences.push(`${mount.target} honours set-uid files`);
  if (!(mount.devices || has("nodev"))) differences.push(`${mount.target} honours device nodes`);
  if (mount.type !== undefined && mount.type !== entry.type) {
    differences.push(`${mount.target} is ${entry.type} and not ${mount.type}`);
  }
  const { from } = mount;
  if (from !== undefined && (from.device !== entry.device || from.root !== entry.root)) {
    differences.push(`${mount.target} shows ${entry.root} of ${entry.device} and not ${from.root} of ${from.device}`);
  }
  return differences;
}

const NO_CAPABILITIES = "0000000000000000";

export interface ExpectedStatus {
  readonly uid: number;
  readonly gid: number;
  /** Filters that were in force before the gate's own. */
  readonly inheritedFilters: number;
  /** How many process namespaces deep the supervisor is. */
  readonly depth: number;
}

/** Compares the fields of `/proc/<pid>/status`. A field that is missing differs. */
export function compareStatus(status: ReadonlyMap<string, string>, expected: ExpectedStatus): string[] {
  const wanted: [string, string][] = [
    ["Uid", Array(4).fill(expected.uid).join("\t")],
    ["Gid", Array(4).fill(expected.gid).join("\t")],
    ...["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].map((name): [string, string] => [name, NO_CAPABILITIES]),
    ["NoNewPrivs", "1"],
    ["Seccomp", "2"],
    ["Seccomp_filters", String(expected.inheritedFilters + 1)],
  ];
  const differences = wanted.flatMap(([name, value]) => {
    const seen = status.get(name);
    return seen === value ? [] : [`${name} is ${seen ?? "not shown"} and not ${value}`.replaceAll("\t", " ")];
  });
  const pids = status.get("NSpid")?.split("\t") ?? [];
  if (pids.length !== expected.depth + 1 || pids.at(-1) !== "1") {
    differences.push(`the gate is not process 1 of a namespace of its own (NSpid ${pids.join(" ")})`);
  }
  return differences;
}

/** The fields of a `status` file of `/proc`, by name. */
export function parseStatus(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return fields;
}
