/** The state directory holds what agents are started from, so nobody but the supervisor may write to it. */
import { mkdirSync, realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";
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
  refuseOpenAncestors(realpathSync(state), uid);
  if ((stats.mode & 0o022) !== 0) {
    throw new SandboxError(
      "bad-path",
      `the state directory ${state} can be written by others`,
      `Run: chmod go-w ${state}`,
    );
  }
}

/** Whoever may write to a directory above could put another in the state directory's place, unless a sticky bit forbids it. */
function refuseOpenAncestors(state: string, uid: number | undefined): void {
  for (let place = dirname(state); ; place = dirname(place)) {
    const { mode, uid: owner } = statSync(place);
    const isOthers = owner !== 0 && owner !== uid;
    const isOpen = (mode & 0o022) !== 0 && (mode & 0o1000) === 0;
    if (isOthers || isOpen) {
      throw new SandboxError(
        "bad-path",
        `the state directory ${state} lies in ${place}, which ${isOthers ? `is uid ${owner}'s` : "others can write to"}`,
        "Name another with --state: whoever can write there could put another in its place.",
      );
    }
    if (place === "/") return;
  }
}
