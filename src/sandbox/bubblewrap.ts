/** Finds bubblewrap and its version. Asked for once; afterwards its identity on disk answers for the version. */
import { spawnSync } from "node:child_process";
import { accessSync, constants, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SandboxError } from "./errors.ts";

export interface Bubblewrap {
  readonly path: string;
  /** `0.8.0` */
  readonly version: string;
}

/** The first version that can refuse nested user namespaces (`--disable-userns`). */
const OLDEST = [0, 8, 0] as const;
/** Fixed places that only root can write; the caller's PATH is not asked. */
const PLACES = ["/usr/bin/bwrap", "/usr/local/bin/bwrap", "/bin/bwrap", "/run/current-system/sw/bin/bwrap"];
const INSTALL =
  "Install bubblewrap 0.8.0 or newer: apt-get install bubblewrap, dnf install bubblewrap, or apk add bubblewrap.";

/** Throws `SandboxError` with `host-cannot` where there is none in those places, or one that is too old or set-uid. */
export function findBubblewrap(state: string, places: readonly string[] = PLACES): Bubblewrap {
  const path = places.find(isExecutable);
  if (path === undefined) throw new SandboxError("host-cannot", "bubblewrap (bwrap) is not installed", INSTALL);
  const stats = statSync(path);
  if ((stats.mode & 0o4000) !== 0) {
    throw new SandboxError(
      "host-cannot",
      `${path} is set-uid root, which Hardline does not use`,
      `Run: chmod u-s ${path}`,
    );
  }
  const identity = `${path} ${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeMs}:${stats.ctimeMs}`;
  const version = remembered(state, identity) ?? ask(path, state, identity);
  if (isOlder(version)) {
    throw new SandboxError("host-cannot", `${path} is version ${version}; 0.8.0 or newer is needed`, INSTALL);
  }
  return { path, version };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function remembered(state: string, identity: string): string | undefined {
  try {
    const [known, version] = readFileSync(join(state, "bubblewrap"), "utf8").split("\n");
    return known === identity ? version : undefined;
  } catch {
    return undefined;
  }
}

function ask(path: string, state: string, identity: string): string {
  const { stdout, status } = spawnSync(path, ["--version"], { encoding: "utf8", env: {} });
  const version = /^bubblewrap (\d+\.\d+\.\d+)/.exec(stdout ?? "")?.[1];
  if (status !== 0 || version === undefined) {
    throw new SandboxError("host-cannot", `${path} --version did not answer as bubblewrap does`, INSTALL);
  }
  mkdirSync(state, { recursive: true, mode: 0o700 });
  writeFileSync(join(state, "bubblewrap"), `${identity}\n${version}\n`, { mode: 0o600 });
  return version;
}

function isOlder(version: string): boolean {
  const parts = version.split(".").map(Number);
  for (const [index, least] of OLDEST.entries()) {
    const part = parts[index] ?? 0;
    if (part !== least) return part < least;
  }
  return false;
}
