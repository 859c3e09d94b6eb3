/**
 * The sandbox's `/etc`: a few files of Hardline's own, so that the host's users, names and settings are not the agent's to
 * read, and the host's read-only directories that programs cannot do without. The files are kept in the state directory
 * under the digest of their content.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface EtcFacts {
  /** Absolute path of the directory that is mounted at `/etc`. */
  readonly skeleton: string;
  /** Directories of the host's `/etc` that are mounted over it. */
  readonly directories: readonly string[];
}

/** Certificates, and the links by which Debian names its programs. */
const HOST_DIRECTORIES = ["/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/etc/alternatives"];
/** Files that are the same for everyone and hold nothing of this host's people. */
const HOST_FILES = ["ld.so.cache", "services", "protocols", "mime.types"];

/** Makes the skeleton where it is not there yet. */
export function etcOf(state: string, uid: number, gid: number): EtcFacts {
  const directories = HOST_DIRECTORIES.filter((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true);
  const stats = HOST_FILES.map((name) => statSync(join("/etc", name), { throwIfNoEntry: false }));
  const key = createHash("sha256")
    .update(JSON.stringify([uid, gid, directories, stats.map((stat) => [stat?.ino, stat?.size, stat?.ctimeMs])]))
    .digest("hex")
    .slice(0, 32);
  const skeleton = join(state, "etc", key);
  if (!existsSync(skeleton)) make(skeleton, uid, gid, directories);
  return { skeleton, directories };
}

function make(skeleton: string, uid: number, gid: number, directories: readonly string[]): void {
  const temporary = `${skeleton}.${process.pid}`;
  mkdirSync(temporary, { recursive: true, mode: 0o755 });
  for (const [name, content] of Object.entries(ownFiles(uid, gid))) {
    writeFileSync(join(temporary, name), content, { mode: 0o644 });
  }
  for (const name of HOST_FILES) {
    const path = join("/etc", name);
    if (existsSync(path)) writeFileSync(join(temporary, name), readFileSync(path), { mode: 0o644 });
  }
  for (const path of directories) mkdirSync(join(temporary, path.slice("/etc/".length)));
  symlinkSync("../usr/lib/os-release", join(temporary, "os-release"));
  symlinkSync("/usr/share/zoneinfo/UTC", join(temporary, "localtime"));
  symlinkSync("/proc/self/mounts", join(temporary, "mtab"));
  renameSync(temporary, skeleton);
}

function ownFiles(uid: number, gid: number): Record<string, string> {
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
