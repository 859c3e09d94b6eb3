/**
 * What stands on the caller's standard descriptors. A directory would lead out of the sandbox. A file can be opened anew by
 * `/proc/self/fd/N`, through the caller's mount and for writing too, with whatever rights the agent's uid has on it (F8): so
 * the agent never gets the file itself but a pipe, and a small process outside copies.
 */
import { fstatSync, readFileSync, type Stats } from "node:fs";
import { isatty } from "node:tty";
import { SandboxError } from "../errors.ts";

export interface Stdio {
  /** Descriptors that are files, and are copied from or to by a process of their own. */
  readonly pumped: readonly number[];
  /** 1 and 2 are one file: one pipe for both keeps what is written in its order. */
  readonly together: boolean;
  /** Standard input is a terminal that somebody else is typing at: the agent gets an empty one. */
  readonly empty: boolean;
}

/**
 * Whether this process is in the background of its terminal. The kernel stops a background process that reads from its
 * terminal; the agent has a session of its own, so it would not be stopped, and would read what is typed to others (K3).
 */
export function isInBackground(): boolean {
  const stat = readFileSync("/proc/self/stat", "utf8");
  const [, , group, , terminal, foreground] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return terminal !== "0" && group !== foreground;
}

/** Whether an agent with these descriptors could read from a terminal. */
export function hasTerminal(): boolean {
  return [0, 1, 2].some((descriptor) => isatty(descriptor));
}

/** Looks at the supervisor's own. Throws `SandboxError` where one of them is a directory. */
export function inspectStdio(): Stdio {
  const stats = [0, 1, 2].map((descriptor) => fstatSync(descriptor));
  for (const [descriptor, stat] of stats.entries()) {
    if (!stat.isDirectory()) continue;
    throw new SandboxError(
      "launch-failed",
      `standard descriptor ${descriptor} is a directory, by which the agent could leave its sandbox`,
      "Redirect it from or to a file, a pipe or a terminal.",
    );
  }
  // A terminal's descriptors can be read from whichever they are, so in the background the agent has none of them.
  const isTaken = (descriptor: number): boolean => isatty(descriptor) && isInBackground();
  const pumped = [...stats.entries()]
    .filter(([descriptor, stat]) => canBeReopened(stat) || (descriptor > 0 && isTaken(descriptor)))
    .map(([descriptor]) => descriptor);
  const [, output, error] = stats;
  const together = pumped.includes(1) && output?.dev === error?.dev && output?.ino === error?.ino;
  return { pumped, together, empty: isTaken(0) };
}

function canBeReopened(stat: Stats): boolean {
  return stat.isFile() || stat.isBlockDevice();
}
