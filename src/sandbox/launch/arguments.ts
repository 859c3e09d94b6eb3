/** Turns a plan into bubblewrap's command line. */
import type { Mount } from "../mounts.ts";
import { needsStaging } from "../mounts.ts";
import type { Plan } from "../plan.ts";
import { GATE_DESCRIPTOR, STAGE, type Staged } from "./launcher.ts";

/** Where the gate lies inside; its directory is closed with the root. */
export const GATE_PATH = "/.hardline";

/** The sources that root has to stage, in the order of their staging points. Releases are staged as one. */
export function stagedSources(plan: Plan): Staged[] {
  const staged: Staged[] = [];
  for (const mount of plan.mounts) {
    if (!needsStaging(mount)) continue;
    const entry = inRelease(plan, mount.source)
      ? ({ path: plan.releaseTree, kind: "directory" } as const)
      : { path: mount.source, kind: mount.of };
    if (!staged.some(({ path }) => path === entry.path)) staged.push(entry);
  }
  return staged;
}

function inRelease(plan: Plan, source: string): boolean {
  return source === plan.releaseTree || source.startsWith(`${plan.releaseTree}/`);
}

/** bubblewrap's arguments, without `argv[0]`. `staged` is empty for an ordinary user. */
export function bubblewrapArguments(plan: Plan, staged: readonly Staged[]): string[] {
  const points = new Map(staged.map(({ path }, index) => [path, `${STAGE}/${index}`]));
  const sourceOf = (source: string): string => {
    const tree = inRelease(plan, source) ? points.get(plan.releaseTree) : undefined;
    return tree === undefined ? (points.get(source) ?? source) : `${tree}${source.slice(plan.releaseTree.length)}`;
  };
  const args = [
    ...["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-net", "--unshare-cgroup"],
    ...[
      "--disable-userns",
      "--die-with-parent",
      "--as-pid-1",
      "--cap-drop",
      "ALL",
      "--hostname",
      "hardline",
      "--clearenv",
    ],
  ];
  for (const [name, value] of Object.entries(plan.environment)) {
    if (name !== "PWD") args.push("--setenv", name, value);
  }
  for (const mount of plan.mounts) {
    // The root is closed last: the gate's own file has to go in before.
    if (mount.kind === "remount-read-only" && mount.target === "/") {
      args.push("--perms", "0555", "--file", String(GATE_DESCRIPTOR), GATE_PATH);
    }
    args.push(...argumentsOf(mount, sourceOf));
  }
  return [...args, "--chdir", plan.workingDirectory, "--", GATE_PATH, ...plan.command];
}

function argumentsOf(mount: Mount, sourceOf: (source: string) => string): string[] {
  switch (mount.kind) {
    case "bind":
      return [mount.access === "sealed" ? "--ro-bind" : "--bind", sourceOf(mount.source), mount.target];
    case "tmpfs":
      return ["--perms", mount.mode, "--size", String(mount.size), "--tmpfs", mount.target];
    case "proc":
      return ["--proc", mount.target];
    case "dev":
      return ["--dev", mount.target];
    case "symlink":
      return ["--symlink", mount.to, mount.target];
    case "directory":
      return ["--perms", mount.mode, "--dir", mount.target];
    case "remount-read-only":
      return ["--remount-ro", mount.target];
  }
}
