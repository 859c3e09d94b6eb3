/** The state directory holds what agents are started from, so nobody but the supervisor may write to it. */
import { mkdirSync, statSync } from "node:fs";
import { SandboxError } from "./errors.ts";

/** Makes it where it is absent. Throws `SandboxError` with `bad-path` where somebody else could put something in it. */
export function ownStateDirectory(state: string): void {
  let stats: ReturnType<typeof statSync>;
  try {
    mkdirSync(state, { recursive: true, mode: 0o700 });
    stats = statSync(state);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SandboxError(
      "bad-path",
      `the state directory ${state} cannot be made: ${reason}`,
      "Name another with --state.",
      {
        cause: error,
      },
    );
  }
  const uid = process.getuid?.();
  if (stats.uid !== uid) {
    throw new SandboxError(
      "bad-path",
      `the state directory ${state} belongs to uid ${stats.uid} and not to uid ${uid}`,
      "Name another with --state: whoever can write to it decides what agents run.",
    );
  }
  if ((stats.mode & 0o022) !== 0) {
    throw new SandboxError(
      "bad-path",
      `the state directory ${state} can be written by others`,
      `Run: chmod go-w ${state}`,
    );
  }
}
