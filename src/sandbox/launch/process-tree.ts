/** Finds processes by their parents, in the supervisor's own process namespace. */
import { readdirSync, readFileSync } from "node:fs";
import { SandboxError } from "../errors.ts";

/** The only child of a process. Throws `SandboxError` where it has none or several. */
export function childOf(pid: number): number {
  const children = childrenOf(pid);
  const [child] = children;
  if (child === undefined || children.length !== 1) {
    throw new SandboxError("launch-failed", `process ${pid} has ${children.length} children where one was expected`);
  }
  return child;
}

/** The child of a process that is the first of a process namespace of its own. Throws `SandboxError` where none is. */
export function initChildOf(pid: number): number {
  const depth = namespaceDepth(pid);
  const found = childrenOf(pid).find((child) => namespaceDepth(child) > depth);
  if (found !== undefined) return found;
  throw new SandboxError("launch-failed", `process ${pid} has no child in a process namespace of its own`);
}

function namespaceDepth(pid: number): number {
  try {
    const line = /^NSpid:\s+(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return line?.split(/\s+/).length ?? 0;
  } catch {
    return 0; // It is gone.
  }
}

/**
 * The child that a process has had the longest. `undefined`: it has none. The gate's is the agent, since the gate makes no
 * other; what the agent leaves behind is given to the gate too, and is younger.
 */
export function firstChildOf(pid: number): number | undefined {
  const [first] = childrenOf(pid)
    .map((child) => ({ child, started: Number(startTimeOf(child) ?? Number.POSITIVE_INFINITY) }))
    .sort((a, b) => a.started - b.started || a.child - b.child);
  return first?.child;
}

/** Every process below one, in no order. */
export function descendantsOf(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);
}

function childrenOf(pid: number): number[] {
  try {
    return numbers(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8"));
  } catch {
    return scan(pid); // A kernel without that file, or a process that is gone: then nobody has it as a parent.
  }
}

function scan(parent: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => parentOf(name) === parent)
    .map(Number);
}

function parentOf(pid: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return undefined;
  }
}

/** When a process started, in clock ticks since boot: with its pid, this names it for good. `undefined`: it is gone. */
export function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // A zombie has ended; nobody has collected it yet.
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function numbers(text: string): number[] {
  return text
    .trim()
    .split(/\s+/)
    .filter((part) => part !== "")
    .map(Number);
}
