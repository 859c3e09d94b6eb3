/** Where files are when nobody says otherwise. */
import { join, resolve } from "node:path";
import { UsageError } from "./errors.ts";
import type { Io } from "./io.ts";

/** The file that `--policy` means when it is not given. */
export const DEFAULT_POLICY = "hardline.yaml";

/**
 * The directory that `--state` means when it is not given: `/var/lib/hardline` for root, whatever the environment says
 * (under sudo, HOME and XDG_STATE_HOME are still the caller's, who must not choose where root's ledger lies);
 * `$XDG_STATE_HOME/hardline` or `~/.local/state/hardline` for everybody else. `undefined` where there is no home directory.
 */
export function defaultStateDirectory(environment: Io["environment"], uid: number): string | undefined {
  if (uid === 0) return "/var/lib/hardline";
  // The XDG specification: a relative path is invalid and to be ignored.
  const { XDG_STATE_HOME: state, HOME: home } = environment;
  if (state?.startsWith("/")) return join(state, "hardline");
  if (home?.startsWith("/")) return join(home, ".local/state/hardline");
  return undefined;
}

/** The absolute state directory: as given, else the default. Throws `UsageError` where there is neither. */
export function stateDirectory(io: Io, given: string | undefined): string {
  const directory = given ?? defaultStateDirectory(io.environment, io.uid);
  if (directory === undefined) {
    throw new UsageError(
      "state-unknown",
      "neither XDG_STATE_HOME nor HOME says where state is kept",
      "Give --state DIR.",
    );
  }
  return resolve(io.workingDirectory, directory);
}
