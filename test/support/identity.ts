/** Who starts Hardline in a test: root, and an ordinary user. */
import { constants } from "node:os";

export type Who = "root" | "user";

export interface Identity {
  readonly who: Who;
  readonly uid: number;
  readonly gid: number;
}

export const IS_ROOT = process.getuid?.() === 0;
/** A user that is nobody else's, so that nothing of the host's belongs to it. */
const ORDINARY = 54_322;

/** The identity, whether or not this process can take it on: see `canBe`. */
export function identityOf(who: Who): Identity {
  if (who === "root") return { who, uid: 0, gid: 0 };
  return IS_ROOT
    ? { who, uid: ORDINARY, gid: ORDINARY }
    : { who, uid: process.getuid?.() ?? -1, gid: process.getgid?.() ?? -1 };
}

/** An ordinary user cannot become root: that half is then skipped, by name. */
export function canBe(who: Who): boolean {
  return who === "user" || IS_ROOT;
}

/** Options for `spawn`: nothing where the identity is this process's own. */
export function spawnAs({ who, uid, gid }: Identity): { uid?: number; gid?: number } {
  return IS_ROOT && who === "user" ? { uid, gid } : {};
}

export const SIGNALS = constants.signals;
