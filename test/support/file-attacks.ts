/** The attempts of F1 to F4 as programs: the same calls on a sealed name, and on a mutable one as the control. */
import {
  AT_FDCWD,
  AT_REMOVEDIR,
  type AttackScript,
  O_APPEND,
  O_CREAT,
  O_EXCL,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  S_IFIFO,
  text,
} from "./attack-program.ts";

const PROT_WRITE = 2;
const PROT_READ = 1;
const MAP_SHARED = 1;
/** `(uid_t)-1`: an owner that is asked for and stays, so that no right to give files away is needed. */
const SAME = 0xffff_ffff;
const UTIME_NOW_TWICE = 0;
const FALLOC_FL_PUNCH_HOLE_KEEP_SIZE = 3;
const FS_IOC_GETFLAGS = 0x8008_6601;
const FS_IOC_SETFLAGS = 0x4008_6602;

/** F1: every call that changes a file's content or metadata, by name and by a descriptor opened for reading. */
export function changeFile(script: AttackScript, file: string): AttackScript {
  const open = (name: string, flags: number): AttackScript =>
    script
      .attempt(`open ${name}`, "openat", [AT_FDCWD, text(file), flags, 0])
      .keep("opened")
      .quietly("close", [{ slot: "opened" }]);
  open("O_WRONLY", O_WRONLY);
  open("O_RDWR", O_RDWR);
  open("O_APPEND", O_WRONLY | O_APPEND);
  script.attempt("chmod", "fchmodat", [AT_FDCWD, text(file), 0o666]);
  script.attempt("chown", "fchownat", [AT_FDCWD, text(file), SAME, SAME, 0]);
  script.attempt("utimensat", "utimensat", [AT_FDCWD, text(file), UTIME_NOW_TWICE, 0]);
  const value = { bytes: Buffer.from("forged") };
  script.attempt("setxattr", "setxattr", [text(file), text("user.forged"), value, 6, 0]);
  // Everything that a descriptor which may only read could be turned to.
  script.attempt("open O_RDONLY", "openat", [AT_FDCWD, text(file), O_RDONLY, 0]).keep("reading");
  const reading = { slot: "reading" } as const;
  script.attempt("write to O_RDONLY", "write", [reading, text("forged"), 6]);
  script.attempt("mmap MAP_SHARED for writing", "mmap", [0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, reading, 0]);
  script.attempt("mmap MAP_SHARED for reading", "mmap", [0, 4096, PROT_READ, MAP_SHARED, reading, 0]).keep("mapped");
  script.attempt("mprotect it for writing", "mprotect", [{ slot: "mapped" }, 4096, PROT_READ | PROT_WRITE]);
  script.attempt("ftruncate O_RDONLY", "ftruncate", [reading, 0]);
  script.attempt("fchmod", "fchmod", [reading, 0o666]);
  script.attempt("fchown", "fchown", [reading, SAME, SAME]);
  script.attempt("fsetxattr", "fsetxattr", [reading, text("user.forged"), value, 6, 0]);
  script.quietly("ioctl", [reading, FS_IOC_GETFLAGS, { address: "flags" }]);
  script.attempt("FS_IOC_SETFLAGS", "ioctl", [reading, FS_IOC_SETFLAGS, { address: "flags" }]);
  script.attempt("reopen by /proc/self/fd", "openat", [AT_FDCWD, text("/proc/self/fd/3"), O_WRONLY, 0]);
  script.attempt("fallocate", "fallocate", [reading, FALLOC_FL_PUNCH_HOLE_KEEP_SIZE, 0, 8]);
  script.attempt("truncate", "truncate", [text(file), 0]);
  return open("O_TRUNC", O_WRONLY | O_TRUNC);
}

/** F1, the control: what the file itself must allow where it is mutable, by a descriptor opened for writing. */
export function changeOpenFile(script: AttackScript, file: string): AttackScript {
  const opened = { slot: "writing" } as const;
  script.attempt("open for writing", "openat", [AT_FDCWD, text(file), O_RDWR | O_CREAT, 0o644]).keep("writing");
  script.attempt("write", "write", [opened, text("forged"), 6]);
  script.attempt("fallocate while writing", "fallocate", [opened, 0, 0, 4096]);
  script.attempt("ftruncate", "ftruncate", [opened, 4096]);
  script.attempt("mmap for writing", "mmap", [0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, opened, 0]);
  return script;
}

/** F2: everything that puts something else under a name or takes the name away. `own` is a directory of the agent's. */
export function replaceFile(script: AttackScript, file: string, directory: string, own: string): AttackScript {
  const at = (path: string) => [AT_FDCWD, text(path)] as const;
  script.attempt("link it elsewhere", "linkat", [...at(file), ...at(`${own}/linked.txt`), 0]);
  script.attempt("rename it away", "renameat2", [...at(file), ...at(`${own}/away.txt`), 0]);
  script.attempt("rename it beside", "renameat2", [...at(file), ...at(`${file}.old`), RENAME_NOREPLACE]);
  script.attempt("rename another over it", "renameat2", [...at(`${own}/own.txt`), ...at(file), 0]);
  script.attempt("exchange it with another", "renameat2", [...at(`${own}/other.txt`), ...at(file), RENAME_EXCHANGE]);
  script.attempt("link another over it", "linkat", [...at(`${own}/other.txt`), ...at(file), 0]);
  script.attempt("symlink over it", "symlinkat", [text(`${own}/other.txt`), ...at(file)]);
  script.attempt("make a pipe over it", "mknodat", [...at(file), S_IFIFO | 0o644, 0]);
  script.attempt("unlink", "unlinkat", [...at(file), 0]);
  script.attempt("rmdir its directory", "unlinkat", [...at(directory), AT_REMOVEDIR]);
  return script;
}

/** F3: a directory renamed away, exchanged or replaced, and the path made anew. */
export function renameDirectory(script: AttackScript, name: string, directory: string): AttackScript {
  const at = (path: string) => [AT_FDCWD, text(path)] as const;
  script.attempt(`${name}: rename`, "renameat2", [...at(directory), ...at(`${directory}.old`), 0]);
  script.attempt(`${name}: make it anew`, "mkdirat", [...at(directory), 0o755]);
  return script.attempt(`${name}: rmdir`, "unlinkat", [...at(directory), AT_REMOVEDIR]);
}

/** F4: a name that is not there, made in every way. `own` is a directory of the agent's. */
export function createName(script: AttackScript, name: string, path: string, own: string): AttackScript {
  const at = (where: string) => [AT_FDCWD, text(where)] as const;
  script.attempt(`${name}: open O_CREAT`, "openat", [...at(path), O_WRONLY | O_CREAT, 0o644]).keep("made");
  script.quietly("close", [{ slot: "made" }]);
  script
    .attempt(`${name}: open O_CREAT|O_EXCL`, "openat", [...at(path), O_WRONLY | O_CREAT | O_EXCL, 0o644])
    .keep("made");
  script.quietly("close", [{ slot: "made" }]);
  script.attempt(`${name}: mkdir`, "mkdirat", [...at(path), 0o755]);
  script.attempt(`${name}: symlink`, "symlinkat", [text(`${own}/own.txt`), ...at(path)]);
  script.attempt(`${name}: link`, "linkat", [...at(`${own}/own.txt`), ...at(path), 0]);
  script.attempt(`${name}: rename to it`, "renameat2", [...at(`${own}/other.txt`), ...at(path), 0]);
  script.attempt(`${name}: rename from it`, "renameat2", [...at(path), ...at(`${path}.gone`), 0]);
  script.attempt(`${name}: unlink`, "unlinkat", [...at(path), 0]);
  return script.attempt(`${name}: rmdir`, "unlinkat", [...at(path), AT_REMOVEDIR]);
}
