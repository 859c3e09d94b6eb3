/** What a plan has to know of the host. Collected once for each start; everything here is the operator's, none the agent's. */
import { existsSync, lstatSync, readlinkSync, realpathSync, statSync } from "node:fs";
import { isatty } from "node:tty";
import { errnoOf } from "../core/errors.ts";
import { isInside } from "../core/paths.ts";
import { type Bubblewrap, findBubblewrap } from "./bubblewrap.ts";
import { SandboxError } from "./errors.ts";
import { type OwnFiles, ownFiles } from "./etc.ts";
import { hostArch } from "./host-arch.ts";
import type { Arch } from "./native/syscalls.ts";

/** A further path that the agent may read. */
export interface ReadFact {
  /** As written in the policy. */
  readonly path: string;
  /** The same without symlinks. */
  readonly source: string;
  readonly kind: "file" | "directory";
}

export interface HostFacts {
  readonly arch: Arch;
  /** Hardline runs as root, and the agent gets a uid of its own. */
  readonly root: boolean;
  readonly agentUid: number;
  readonly agentGid: number;
  readonly bubblewrap: Bubblewrap;
  /** `/bin`, `/lib` and their like: symlinks on a merged system, directories on others. */
  readonly systemDirectories: readonly { readonly name: string; readonly link?: string }[];
  readonly own: OwnFiles;
  /** Files of `/proc` that tell of things beyond the sandbox, as far as this kernel has them. */
  readonly covered: readonly string[];
  readonly read: readonly ReadFact[];
  /** `TERM`, where standard output is a terminal. */
  readonly terminal?: string;
}

export interface FactsOptions {
  readonly state: string;
  readonly read: readonly string[];
  /** As root: the uid that the agent has for itself. */
  readonly agentUid?: number;
}

/** No process namespace separates these: they list the keys that the uid may view, whoever's session they are in (K1). */
const TELLTALE = ["/proc/keys", "/proc/key-users"];
const SYSTEM_DIRECTORIES = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];

/** Throws `SandboxError` with `host-cannot` and the remedy where the host lacks what every sandbox needs (K7). */
export function collectFacts(options: FactsOptions): HostFacts {
  const arch = hostArch();
  const uid = process.getuid?.() ?? -1;
  if (uid !== process.geteuid?.()) {
    throw new SandboxError("host-cannot", "Hardline must not be run with a set-uid bit");
  }
  const root = uid === 0;
  if (root && options.agentUid === undefined) throw new RangeError("as root, an agent needs a uid of its own");
  const agentUid = options.agentUid ?? uid;
  const agentGid = options.agentUid ?? process.getgid?.() ?? -1;
  return {
    arch,
    root,
    agentUid,
    agentGid,
    bubblewrap: findBubblewrap(options.state),
    systemDirectories: SYSTEM_DIRECTORIES.flatMap(systemDirectory),
    own: ownFiles(options.state, agentUid, agentGid),
    covered: TELLTALE.filter((path) => existsSync(path)),
    read: options.read.flatMap((path) => readFact(path, options.state)),
    ...(isatty(1) && process.env["TERM"] !== undefined ? { terminal: process.env["TERM"] } : {}),
  };
}

function systemDirectory(name: string): { name: string; link?: string }[] {
  const stats = lstatSync(name, { throwIfNoEntry: false });
  if (stats === undefined) return [];
  return [stats.isSymbolicLink() ? { name, link: readlinkSync(name) } : { name }];
}

function readFact(path: string, state: string): ReadFact[] {
  if (isInside(state, path) || isInside(path, state)) {
    throw new SandboxError(
      "bad-path",
      `read: ${path} would show Hardline's state directory ${state} to the agent`,
      "Name what the agent needs more narrowly, or choose another --state.",
    );
  }
  try {
    const source = realpathSync(path);
    // Who made the link, and who may change it, cannot be told: the policy has to name the place itself (F5).
    if (source !== path) {
      throw new SandboxError(
        "bad-path",
        `read: ${path} is a symlink, or is reached through one (it leads to ${source})`,
        `Write ${source} in the policy.`,
      );
    }
    const stats = statSync(source);
    if (!stats.isDirectory() && !stats.isFile()) {
      throw new SandboxError(
        "bad-path",
        `read: ${path} is neither file nor directory`,
        "Only those can be shown to an agent.",
      );
    }
    return [{ path, source, kind: stats.isDirectory() ? "directory" : "file" }];
  } catch (error) {
    if (error instanceof SandboxError) throw error;
    if (errnoOf(error) === "ENOENT") return [];
    throw new SandboxError(
      "bad-path",
      `read: ${path} cannot be looked at: ${errnoOf(error) ?? error}`,
      "Take it out of the policy, or make it readable.",
      { cause: error },
    );
  }
}
