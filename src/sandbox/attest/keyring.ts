/**
 * The session keyring, which no namespace separates (K1). The keeper tells the serial numbers of the one it was started
 * with and of the one it joined, before anything of the agent's runs; where the kernel lets the supervisor see the new one
 * in `/proc/keys`, it must be an empty keyring there.
 */
import { readFileSync } from "node:fs";

export interface Keyrings {
  /** Serial numbers, or minus an error number; `undefined` where the keeper has not told. */
  readonly before: number | undefined;
  readonly after: number | undefined;
}

const NO_KEYRINGS = -38; // ENOSYS: a kernel without them has nothing to reach.

/** `visible` reads what the kernel shows of keys, in the form of `/proc/keys`. */
export function keyringDifferences(
  { before, after }: Keyrings,
  visible: () => string = () => readFileSync("/proc/keys", "utf8"),
): string[] {
  if (after === NO_KEYRINGS) return [];
  if (after === undefined || after <= 0) {
    return [`no fresh session keyring could be joined (${after ?? "not told"}; a container may forbid keyctl)`];
  }
  if (before === after) return ["the session keyring is the caller's own"];
  const serial = after.toString(16).padStart(8, "0");
  const row = visible()
    .split("\n")
    .find((line) => line.startsWith(serial));
  if (row === undefined) return [];
  return row.includes(" keyring ") && row.trimEnd().endsWith(": empty") ? [] : ["the session keyring is not empty"];
}
