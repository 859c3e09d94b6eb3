/** The attempts of F9 to F11 and K2 as programs: asking the kernel for another view, another ABI, another way in. */
import {
  ARCH,
  AT_EMPTY_PATH,
  AT_FDCWD,
  type AttackScript,
  O_DIRECTORY,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  S_IFBLK,
  S_IFCHR,
  S_IFIFO,
  text,
} from "./attack-program.ts";

const MS_RDONLY = 1;
const MS_REMOUNT = 32;
const MS_BIND = 4096;
const MS_MOVE = 8192;
const MNT_DETACH = 2;
const OPEN_TREE_CLONE = 1;
const MOVE_MOUNT_F_EMPTY_PATH = 4;
const FSCONFIG_CMD_CREATE = 6;
/** `linux/sched.h` */
export const NAMESPACES = {
  NEWTIME: 0x80,
  NEWNS: 0x2_0000,
  NEWCGROUP: 0x200_0000,
  NEWUTS: 0x400_0000,
  NEWIPC: 0x800_0000,
  NEWUSER: 0x1000_0000,
  NEWPID: 0x2000_0000,
  NEWNET: 0x4000_0000,
} as const;

/** F9: everything that makes, moves or removes a mount. `own` is a directory of the agent's, `sealed` a sealed one. */
export function changeMounts(script: AttackScript, sealed: string, own: string): AttackScript {
  script.attempt("mount a tmpfs", "mount", [text("none"), text(own), text("tmpfs"), 0, 0]);
  script.attempt("bind over the sealed directory", "mount", [text(own), text(sealed), 0, MS_BIND, 0]);
  script.attempt("remount it writable", "mount", [0, text(sealed), 0, MS_REMOUNT | MS_BIND, 0]);
  script.attempt("remount it read-only", "mount", [0, text(sealed), 0, MS_REMOUNT | MS_BIND | MS_RDONLY, 0]);
  script.attempt("move it away", "mount", [text(sealed), text(own), 0, MS_MOVE, 0]);
  script.attempt("open_tree", "open_tree", [AT_FDCWD, text(own), OPEN_TREE_CLONE]).keep("tree");
  script.attempt("mount_setattr", "mount_setattr", [
    { slot: "tree" },
    text(""),
    AT_EMPTY_PATH,
    { bytes: new Uint8Array(32) },
    32,
  ]);
  const onto = [AT_FDCWD, text(own), MOVE_MOUNT_F_EMPTY_PATH] as const;
  script.attempt("move_mount", "move_mount", [{ slot: "tree" }, text(""), ...onto]);
  script.attempt("fsopen", "fsopen", [text("tmpfs"), 0]).keep("fs");
  script.attempt("fsconfig", "fsconfig", [{ slot: "fs" }, FSCONFIG_CMD_CREATE, 0, 0, 0]);
  script.attempt("fsmount", "fsmount", [{ slot: "fs" }, 0, 0]);
  script.attempt("fspick", "fspick", [AT_FDCWD, text(own), 0]);
  script.attempt("umount2", "umount2", [text(own), MNT_DETACH]);
  script.attempt("umount2 of the sealed directory", "umount2", [text(sealed), MNT_DETACH]);
  script.attempt("chroot", "chroot", [text("/")]);
  script.quietly("mount", [text("none"), text(own), text("tmpfs"), 0, 0]);
  return script.attempt("pivot_root", "pivot_root", [text(own), text(own)]);
}

/** F10: a namespace of one's own, by each call that makes or enters one. */
export function makeNamespaces(script: AttackScript): AttackScript {
  for (const [name, flag] of Object.entries(NAMESPACES)) {
    script.inChild(`unshare ${name}: child`, (child) => void child.attempt(`unshare ${name}`, "unshare", [flag]));
    // NEWTIME lies in the bits of clone's exit signal, so only unshare and clone3 take it.
    if (name === "NEWTIME") continue;
    script.attempt(`clone ${name}`, "clone", [BigInt(flag) | 17n, 0, 0, 0, 0]);
    script.exitIfChild();
    // The kernel looks at the low half alone; a filter must too.
    script.attempt(`clone ${name} with high bits`, "clone", [(1n << 40n) | BigInt(flag) | 17n, 0, 0, 0, 0]);
    script.exitIfChild();
  }
  const clone3 = BigUint64Array.from([BigInt(NAMESPACES.NEWUSER), 0n, 0n, 0n, 17n, 0n, 0n, 0n]);
  script.attempt("clone3", "clone3", [{ bytes: new Uint8Array(clone3.buffer) }, 64]);
  script.exitIfChild();
  script.quietly("openat", [AT_FDCWD, text("/proc/self/ns/user"), O_RDONLY, 0]).keep("namespace");
  return script.attempt("setns", "setns", [{ slot: "namespace" }, 0]);
}

/** F11: the host's view by way of `/proc`, handles, `..` and devices. */
export function reachHost(
  script: AttackScript,
  host: { readonly pid: number; readonly file: string; readonly own: string },
): AttackScript {
  const open = (name: string, path: string, flags = O_RDONLY): void => {
    script
      .attempt(name, "openat", [AT_FDCWD, text(path), flags, 0])
      .keep("opened")
      .quietly("close", [{ slot: "opened" }]);
  };
  open("its path", host.file);
  open("/proc/self/root", `/proc/self/root${host.file}`);
  open("/proc/self/root/..", `/proc/self/root/../..${host.file}`);
  open("/proc/1/root", "/proc/1/root", O_PATH | O_DIRECTORY);
  open("by /proc/1/root", `/proc/1/root${host.file}`);
  open("/proc/1/cwd", "/proc/1/cwd", O_PATH | O_DIRECTORY);
  open("/proc/1/fd", "/proc/1/fd", O_RDONLY | O_DIRECTORY);
  open("/proc/1/mem", "/proc/1/mem", O_RDWR);
  open("/proc/1/environ", "/proc/1/environ");
  open("/proc/1/exe", "/proc/1/exe");
  open("the supervisor's root", `/proc/${host.pid}/root${host.file}`);
  open("the supervisor's cwd", `/proc/${host.pid}/cwd`);
  open("up by ..", `${"../".repeat(40)}${host.file.slice(1)}`);
  open("up by /proc/self/fd", `/proc/self/fd/0/../..${host.file}`);
  open("up by /proc/self/cwd", `/proc/self/cwd/${"../".repeat(40)}${host.file.slice(1)}`);
  script.buffer("handle", 136).put("handle", 128);
  script.attempt("name_to_handle_at", "name_to_handle_at", [
    AT_FDCWD,
    text(host.own),
    { address: "handle" },
    { address: "mount" },
    0,
  ]);
  script.quietly("openat", [AT_FDCWD, text(host.own), O_RDONLY, 0]).keep("mountfd");
  script.attempt("open_by_handle_at", "open_by_handle_at", [{ slot: "mountfd" }, { address: "handle" }, O_RDONLY]);
  const device = (major: number, minor: number): number => (major << 8) | minor;
  script.attempt("mknod a block device", "mknodat", [AT_FDCWD, text(`${host.own}/sda`), S_IFBLK | 0o666, device(8, 0)]);
  script.attempt("mknod a character device", "mknodat", [
    AT_FDCWD,
    text(`${host.own}/mem`),
    S_IFCHR | 0o666,
    device(1, 1),
  ]);
  script.attempt("mknod a pipe", "mknodat", [AT_FDCWD, text(`${host.own}/pipe`), S_IFIFO | 0o666, 0]);
  for (const name of ["mem", "kmsg", "sda", "vda", "fuse", "kvm", "net/tun", "loop0", "vsock", "uinput", "ptmx/.."]) {
    open(`/dev/${name}`, `/dev/${name}`);
  }
  open("/dev/null", "/dev/null", O_RDWR);
  open("/proc/sys/kernel/core_pattern", "/proc/sys/kernel/core_pattern", O_RDWR);
  open("/proc/sysrq-trigger", "/proc/sysrq-trigger", O_RDWR);
  open("/proc/kcore", "/proc/kcore");
  open("/sys/kernel", "/sys/kernel", O_PATH);
  return script;
}

/** K2: calls by which a filter is got round, or code is run that lies in no file. */
export function goRound(script: AttackScript): AttackScript {
  if (ARCH === "x64") {
    script.inChild("int 0x80: child", (child) => void child.foreign("int 0x80 getpid", { abi: "i386", number: 20 }));
    script.inChild(
      "int 0x80 mount: child",
      (child) => void child.foreign("int 0x80 mount", { abi: "i386", number: 21 }),
    );
    script.inChild("x32: child", (child) => void child.foreign("x32 getpid", { abi: "x32", number: 39 }));
    script.inChild("x32 execve: child", (child) => void child.foreign("x32 execve", { abi: "x32", number: 520 }));
  }
  script.attempt("io_uring_setup", "io_uring_setup", [4, { bytes: new Uint8Array(120) }]);
  script.attempt("memfd_create", "memfd_create", [text("code"), 0]).keep("memory");
  // Where it can be run, it ends with 1.
  script.quietly("write", [{ slot: "memory" }, text("#!/bin/false\n"), 13]);
  const program = [{ slot: "memory" }, text(""), { strings: ["code"] }, { strings: [] }, AT_EMPTY_PATH] as const;
  script.inChild("execveat: child", (child) => void child.attempt("execveat", "execveat", [...program]));
  script.inChild("personality: child", (child) => {
    child.attempt("personality READ_IMPLIES_EXEC", "personality", [0x40_0000]);
    child.attempt("personality LINUX32", "personality", [8]);
    child.attempt("personality NO_RANDOMIZE with high bits", "personality", [(1n << 32n) | 0x4_0000n]);
    child.attempt("personality asked for", "personality", [0xffff_ffff]);
  });
  script.attempt("bpf", "bpf", [0, { bytes: new Uint8Array(128) }, 128]);
  script.attempt("userfaultfd", "userfaultfd", [1]);
  script.attempt("perf_event_open", "perf_event_open", [{ bytes: new Uint8Array(128) }, 0, -1, -1, 0]);
  return script;
}
