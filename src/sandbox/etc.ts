/**
 * The sandbox's `/etc`: a few files of Hardline's own, so that the host's users, names and settings are not the agent's to
 * read, and copies of the public files that programs cannot do without. It is made once, and anew when the host's change.
 */
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { keep, recall, slotName } from "../core/cache.ts";

/** Files of the host's `/etc` that are the same for everyone and hold nothing of this host's people. */
const HOST_FILES = ["ld.so.cache", "services", "protocols", "mime.types", "ssl/openssl.cnf"];
/** Directories of which files and symlinks are taken: certificates, and the links by which Debian names programs. */
const HOST_DIRECTORIES = ["alternatives", "ssl/certs", "pki/tls/certs", "pki/ca-trust/extracted/pem"];

export interface OwnFiles {
  /** Absolute path of the directory that is mounted at `/etc`. */
  readonly etc: string;
  /** Absolute path of an empty file, to cover what a sandbox shall not see. */
  readonly empty: string;
}

/** Where the sandbox's own files are; makes them where they are not there yet. */
export function ownFiles(state: string, uid: number, gid: number): OwnFiles {
  const stamps = [...HOST_FILES, ...HOST_DIRECTORIES].map((name) => {
    const stats = statSync(join("/etc", name), { throwIfNoEntry: false });
    return [stats?.ino, stats?.size, stats?.ctimeMs];
  });
  const key = JSON.stringify([uid, gid, stamps]);
  const slot = `etc-${slotName(key)}`;
  const known = recall(state, slot, key);
  if (typeof known === "string" && existsSync(known)) return within(known);
  mkdirSync(join(state, "etc"), { recursive: true, mode: 0o700 });
  const made = mkdtempSync(join(state, "etc", "made-"));
  const files = within(made);
  // A caller's strict mask would close it to the agent, who as root's has another uid.
  const mask = process.umask(0o022);
  try {
    mkdirSync(files.etc);
    fill(files.etc, uid, gid);
    writeFileSync(files.empty, "", { mode: 0o644 });
  } finally {
    process.umask(mask);
  }
  keep(state, slot, key, made);
  return files;
}

function within(made: string): OwnFiles {
  return { etc: join(made, "etc"), empty: join(made, "empty") };
}

function fill(skeleton: string, uid: number, gid: number): void {
  for (const [name, content] of Object.entries(contents(uid, gid))) {
    writeFileSync(join(skeleton, name), content, { mode: 0o644 });
  }
  for (const name of HOST_FILES) take(name, skeleton);
  for (const name of HOST_DIRECTORIES) {
    if (!existsSync(join("/etc", name))) continue;
    for (const entry of readdirSync(join("/etc", name))) take(join(name, entry), skeleton);
  }
  symlinkSync("../usr/lib/os-release", join(skeleton, "os-release"));
  symlinkSync("/usr/share/zoneinfo/UTC", join(skeleton, "localtime"));
  symlinkSync("/proc/self/mounts", join(skeleton, "mtab"));
}

/** Only what everyone on the host may read; a private key beside the certificates stays where it is. */
function take(name: string, skeleton: string): void {
  const source = join("/etc", name);
  const stats = lstatSync(source, { throwIfNoEntry: false });
  if (stats === undefined) return;
  mkdirSync(dirname(join(skeleton, name)), { recursive: true, mode: 0o755 });
  if (stats.isSymbolicLink()) symlinkSync(readlinkSync(source), join(skeleton, name));
  else if (stats.isFile() && (stats.mode & 0o004) !== 0) copyFileSync(source, join(skeleton, name));
}

function contents(uid: number, gid: number): Record<string, string> {
  return {
    passwd: `root:x:0:0:root:/:/bin/sh\nagent:x:${uid}:${gid}:agent:/tmp/home:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n`,
    group: `root:x:0:\nagent:x:${gid}:\nnogroup:x:65534:\n`,
    hosts: "127.0.0.1 localhost\n::1 localhost\n",
    hostname: "hardline\n",
    // Names are looked up in these files only: there is no resolver in here.
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\nservices: files\nprotocols: files\n",
    "resolv.conf": "# This sandbox has no network of its own.\n",
    "host.conf": "multi on\n",
    shells: "/bin/sh\n",
  };
}
