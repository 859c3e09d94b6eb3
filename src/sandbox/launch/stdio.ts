/**
 * What stands on the caller's standard descriptors. A directory would lead out of the sandbox. A file can be opened anew by
 * `/proc/self/fd/N`, through the caller's mount and for writing too, with whatever rights the agent's uid has on it (F8): so
 * the agent never gets the file itself but a pipe, and a small process outside copies.
 */
import { fstatSync, type Stats } from "node:fs";
import { SandboxError } from "../errors.ts";

export interface Stdio {
  /** Descriptors that are files, and are copied from or to by a process of their own. */
  readonly pumped: readonly number[];
  /** 1 and 2 are one file: one pipe for both keeps what is written in its order. */
  readonly together: boolean;
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
  const pumped = [...stats.entries()].filter(([, stat]) => canBeReopened(stat)).map(([descriptor]) => descriptor);
  const [, output, error] = stats;
  const together = pumped.includes(1) && output?.dev === error?.dev && output?.ino === error?.ino;
  return { pumped, together };
}

function canBeReopened(stat: Stats): boolean {
  return stat.isFile() || stat.isBlockDevice();
}
