/** The truth, read from the host's side: files, mounts, processes. What the agent says of itself proves nothing. */
import { createHash } from "node:crypto";
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** Everything about one path that an attack could change. Times are in nanoseconds. */
export interface Seen {
  readonly kind: string;
  readonly content: string;
  readonly mode: string;
  readonly owner: string;
  readonly modified: bigint;
  readonly changed: bigint;
  readonly links: number;
}

/** Everything below a directory, itself included, by relative path. `except` names subtrees that may change. */
export function snapshot(directory: string, except: readonly string[] = []): Readonly<Record<string, Seen>> {
  const seen: Record<string, Seen> = {};
  const visit = (path: string): void => {
    if (except.includes(path)) return;
    seen[path === "" ? "." : path] = look(join(directory, path));
    if (!lstatSync(join(directory, path)).isDirectory()) return;
    for (const name of readdirSync(join(directory, path))) visit(path === "" ? name : `${path}/${name}`);
  };
  visit("");
  return seen;
}

function look(path: string): Seen {
  const stats = lstatSync(path, { bigint: true });
  const kind = stats.isFile()
    ? "file"
    : stats.isDirectory()
      ? "directory"
      : stats.isSymbolicLink()
        ? "symlink"
        : "other";
  return {
    kind,
    content: contentOf(path, kind),
    mode: stats.mode.toString(8),
    owner: `${stats.uid}:${stats.gid}`,
    modified: stats.mtimeNs,
    changed: stats.ctimeNs,
    links: Number(stats.nlink),
  };
}

function contentOf(path: string, kind: string): string {
  if (kind === "file") return createHash("sha256").update(readFileSync(path)).digest("hex");
  if (kind === "directory") return readdirSync(path).sort().join("\n");
  return kind === "symlink" ? readlinkSync(path) : "";
}

/** A directory's times change with its listing; where mount points come and go in it, only the rest can be the same. */
export function withoutTimes(seen: Readonly<Record<string, Seen>>): Record<string, Omit<Seen, "modified" | "changed">> {
  return Object.fromEntries(
    Object.entries(seen).map(([path, { modified: _modified, changed: _changed, ...rest }]) => [path, rest]),
  );
}

export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  readonly command: readonly string[];
  /** A zombie has ended. */
  readonly alive: boolean;
}

/** The host's process table. */
export function processes(): ProcessEntry[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "utf8");
        const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        const command = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0").slice(0, -1);
        const title = stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")"));
        return [
          { pid: Number(name), parent: Number(parent), name: title, command, alive: state !== "Z" && state !== "X" },
        ];
      } catch {
        return []; // It ended while it was looked at.
      }
    });
}

export function childrenOf(pid: number): ProcessEntry[] {
  return processes().filter(({ parent, alive }) => parent === pid && alive);
}

/** The processes of a run, as the host sees them, from the supervisor down. */
export interface RunProcesses {
  readonly supervisor: number;
  readonly keeper: number;
  readonly bubblewrap: number;
  readonly gate: number;
  readonly agent: number;
}

/** Waits until the agent itself runs, and says who is who. */
export async function runProcesses(supervisor: number): Promise<RunProcesses> {
  return await until("the agent runs", () => {
    const only = (parent: number): number | undefined => {
      const [child, ...others] = childrenOf(parent);
      return others.length === 0 ? child?.pid : undefined;
    };
    const keeper = only(supervisor);
    const bubblewrap = keeper && only(keeper);
    const gate = bubblewrap && only(bubblewrap);
    const agent = gate && childrenOf(gate)[0]?.pid;
    if (!(keeper && bubblewrap && gate && agent)) return undefined;
    // Until its own program has replaced the gate's, it is not the agent yet.
    const program = readlinkSync(`/proc/${agent}/exe`);
    return program.endsWith("/.hardline") ? undefined : { supervisor, keeper, bubblewrap, gate, agent };
  });
}

/** Processes that carry this text in their command line, or whose root or directory lies there: what a run left behind. */
export function processesNaming(text: string): ProcessEntry[] {
  return processes().filter(({ command, alive }) => alive && command.some((part) => part.includes(text)));
}

/** Polls until there is an answer. Throws after `timeout` milliseconds. */
export async function until<T>(what: string, ask: () => T | undefined, timeout = 10_000): Promise<T> {
  const end = Date.now() + timeout;
  for (;;) {
    let answer: T | undefined;
    try {
      answer = ask();
    } catch (error) {
      if (Date.now() > end) throw error;
    }
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > end) throw new Error(`not within ${timeout} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export function mounts(): string[] {
  return readFileSync("/proc/self/mountinfo", "utf8").trim().split("\n");
}

/** What is left of the control groups of these runs. Others may be running on this machine. */
export function cgroupsOf(runIds: readonly string[]): string[] {
  const bases = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([, , type]) => type === "cgroup" || type === "cgroup2")
    .map(([, directory]) => directory ?? "");
  return bases.flatMap((base) => runIds.map((id) => join(base, `hardline-${id}`))).filter((path) => existsSync(path));
}
