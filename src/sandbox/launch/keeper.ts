/**
 * The keeper: the small process between the supervisor and bubblewrap. It makes what only the host's side can make (a
 * fresh session and keyring, a staging area that only root can mount, placeholders in a workspace, cgroup directories),
 * starts bubblewrap under the agent's identity, and outlives everyone by the few microseconds it takes to remove what it
 * made, also when the supervisor was killed. It has no signal that ends it but SIGKILL; after that one, the next start
 * cleans up from the journal.
 */
import { basename, dirname } from "node:path";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_REMOVEDIR,
  call,
  label,
  load,
  O_CLOEXEC,
  type Program,
  SIGCHLD,
  SIGKILL,
  set,
  store,
  whenEqual,
} from "../native/program.ts";
import type { Arch } from "../native/syscalls.ts";
import { REPORT_BUFFER, report, Script } from "./channel.ts";

const PR_SET_PDEATHSIG = 1;
const PR_SET_NAME = 15;
const KEYCTL_GET_KEYRING_ID = 0;
const KEYCTL_JOIN_SESSION_KEYRING = 1;
const KEY_SPEC_SESSION_KEYRING = -3;
const SIG_SETMASK = 2;
const CLONE_NEWNS = 0x2_0000;
const MS_NOSUID_NODEV = 0x6;
const MS_REC_PRIVATE = 0x4_4000;
const O_PATH = 0o10000000;
const O_DIRECTORY = 0o200000;
const O_NOFOLLOW = 0o400000;
const O_CREAT_EXCL = 0o300;
const RESOLVE_NO_SYMLINKS_OR_MAGIC = 0x6;
const OPEN_TREE_CLONE_RECURSIVE = 0x8001;
const MOVE_MOUNT_F_EMPTY_PATH = 0x4;
const F_DUPFD_CLOEXEC = 1030;
const CLOSE_RANGE_CLOEXEC = 0x4;
const CLOSE_RANGE_LAST = 0xffff_ffff;

/** The descriptor on which bubblewrap finds the gate's bytes. */
export const GATE_DESCRIPTOR = 4;
/** Where root stages sources in a mount namespace of the keeper's own: it exists everywhere and everyone may enter it. */
export const STAGE = "/tmp";

/** A name that must exist in a workspace for something to be mounted on it, and is taken away afterwards. */
export interface Placeholder {
  /** Absolute host path. Its directory exists and none of its components is a symlink. */
  readonly path: string;
  readonly kind: "file" | "directory";
}

/** Something on the host that root makes reachable for the agent's uid, as `STAGE/<index>`. */
export interface Staged {
  /** Absolute, symlink-free host path. */
  readonly path: string;
  readonly kind: "file" | "directory";
}

export interface KeeperOptions {
  readonly arch: Arch;
  /** bubblewrap's path and its arguments, without `argv[0]`. */
  readonly bubblewrap: string;
  readonly args: readonly string[];
  readonly gateFile: string;
  /** As root: who the agent is, and what is staged for it. As an ordinary user: absent. */
  readonly root?: { readonly uid: number; readonly gid: number; readonly staged: readonly Staged[] };
  readonly placeholders: readonly Placeholder[];
  /** cgroup directories to make and remove, outermost first. */
  readonly cgroups: readonly string[];
  /** Files of this run, and then its directory, to remove at the very end. */
  readonly runFiles: readonly string[];
  readonly runDirectory: string;
}

/** The program, and the names of its checked calls for error messages. */
export function keeperProgram(options: KeeperOptions): { readonly program: Program; readonly checked: readonly string[] } {
  const script = new Script();
  script.may("prctl", [PR_SET_NAME, { text: "hardline-keeper" }, 0, 0, 0], "its name in ps");
  script.must("setsid", [], "no controlling terminal, and out of reach of the caller's job control (K3)");
  joinKeyring(script);
  script.must("rt_sigprocmask", [SIG_SETMASK, { bytes: new Uint8Array(8).fill(0xff) }, 0, 8], "only SIGKILL ends it");
  for (const path of options.cgroups) script.must("mkdirat", [AT_FDCWD, { text: path }, 0o755], "a cgroup of its own");
  for (const [index, placeholder] of options.placeholders.entries()) makePlaceholder(script, placeholder, index);
  script.must("clone", [SIGCHLD, 0, 0, 0, 0], "the process that becomes bubblewrap");
  script.add(store("child"), whenEqual(0, "child"));

  script.may("wait4", [{ slot: "child" }, { address: "status" }, 0, 0], "until the sandbox has ended");
  cleanUp(script, options);
  script.add(load("status"), { op: "shift-right", bits: 8 }, { op: "and", mask: 0xff }, store("status"));
  script.add(call("exit_group", [{ slot: "status" }]));

  script.add(label("child"), set(1), store("in-child"));
  becomeBubblewrap(script, options);

  script.failure("keeper-failed").add(load("in-child"), whenEqual(1, "leave"));
  cleanUp(script, options);
  script.add(label("leave"), call("exit_group", [125]));
  return {
    checked: script.checked,
    program: { arch: options.arch, steps: script.steps, buffers: { ...REPORT_BUFFER } },
  };
}

function joinKeyring(script: Script): void {
  script.may("keyctl", [KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0, 0, 0], "the caller's session keyring");
  script.add(...report("old-keyring"));
  script.may("keyctl", [KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0], "a fresh, empty one (K1)");
  script.add(...report("new-keyring"));
}

/** Every component without symlinks: what was looked at is what is mounted, or ELOOP (F5, F6). */
function openStaged(script: Script, staged: readonly Staged[]): void {
  script.must("unshare", [CLONE_NEWNS], "a mount namespace of the keeper's own");
  script.must("mount", [{ text: "none" }, { text: "/" }, 0, MS_REC_PRIVATE, 0], "nothing goes back to the host");
  for (const [index, { path }] of staged.entries()) {
    script.must("openat2", [AT_FDCWD, { text: path }, { bytes: openHow(O_PATH | O_CLOEXEC) }, 24], `stages ${path}`);
    script.add(store("opened"));
    const flags = AT_EMPTY_PATH | OPEN_TREE_CLONE_RECURSIVE | O_CLOEXEC;
    script.must("open_tree", [{ slot: "opened" }, { text: "" }, flags], `stages ${path}`);
    script.add(store(`tree-${index}`));
  }
}

function stage(script: Script, staged: readonly Staged[]): void {
  const flags = [{ text: "tmpfs" }, { text: STAGE }, { text: "tmpfs" }, MS_NOSUID_NODEV, { text: "mode=0711" }];
  script.must("mount", flags, "the staging area");
  for (const [index, { kind }] of staged.entries()) {
    const target = { text: `${STAGE}/${index}` };
    if (kind === "directory") script.must("mkdirat", [AT_FDCWD, target, 0o700], "a staging point");
    else script.must("openat", [AT_FDCWD, target, O_CREAT_EXCL | O_CLOEXEC, 0o600], "a staging point");
    const move = [{ slot: `tree-${index}` }, { text: "" }, AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH];
    script.must("move_mount", move, "what was opened goes there");
  }
}

function makePlaceholder(script: Script, { path, kind }: Placeholder, index: number): void {
  const how = { bytes: openHow(O_PATH | O_DIRECTORY | O_CLOEXEC) };
  script.must("openat2", [AT_FDCWD, { text: dirname(path) }, how, 24], `the directory of the placeholder ${path}`);
  script.add(store(`directory-${index}`));
  const at = [{ slot: `directory-${index}` }, { text: basename(path) }] as const;
  if (kind === "directory") script.must("mkdirat", [...at, 0o755], `placeholder ${path}`);
  else {
    script.must("openat", [...at, O_CREAT_EXCL | O_NOFOLLOW | O_CLOEXEC | 1, 0o644], `placeholder ${path}`);
    script.add(store("opened"));
    script.may("close", [{ slot: "opened" }], "it stays empty");
  }
  script.add(set(1), store(`made-${index}`));
}

function cleanUp(script: Script, options: KeeperOptions): void {
  for (const [index, { path, kind }] of [...options.placeholders.entries()].reverse()) {
    const flags = kind === "directory" ? AT_REMOVEDIR : 0;
    const skip = `kept-${index}-${script.steps.length}`;
    // Only what this keeper made: a name that was there before stays.
    script.add(load(`made-${index}`), whenEqual(0, skip));
    script.may("unlinkat", [{ slot: `directory-${index}` }, { text: basename(path) }, flags], `takes away ${path}`);
    script.add(label(skip));
  }
  for (const path of [...options.cgroups].reverse()) {
    script.may("unlinkat", [AT_FDCWD, { text: path }, AT_REMOVEDIR], "takes away the cgroup");
  }
  for (const path of options.runFiles) script.may("unlinkat", [AT_FDCWD, { text: path }, 0], "and this run's files");
  script.may("unlinkat", [AT_FDCWD, { text: options.runDirectory }, AT_REMOVEDIR], "and their directory");
}

function becomeBubblewrap(script: Script, options: KeeperOptions): void {
  script.must("openat", [AT_FDCWD, { text: options.gateFile }, O_CLOEXEC, 0], "the gate's bytes");
  script.add(store("opened"));
  script.must("fcntl", [{ slot: "opened" }, F_DUPFD_CLOEXEC, 64], "out of the way");
  script.add(store("gate"));
  if (options.root !== undefined) {
    const { uid, gid, staged } = options.root;
    openStaged(script, staged);
    stage(script, staged);
    script.must("setgroups", [0, 0], "no supplementary group");
    script.must("setresgid", [gid, gid, gid], "the agent's own group");
    script.must("setresuid", [uid, uid, uid], "the agent's own uid");
  }
  script.must("prctl", [PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0], "ends with the keeper");
  script.must("rt_sigprocmask", [SIG_SETMASK, { bytes: new Uint8Array(8) }, 0, 8], "no signal is blocked");
  script.must("dup3", [{ slot: "gate" }, GATE_DESCRIPTOR, 0], "where bubblewrap looks for it");
  script.must(
    "close_range",
    [GATE_DESCRIPTOR + 1, CLOSE_RANGE_LAST, CLOSE_RANGE_CLOEXEC],
    "nothing that the caller left open goes on (F8)",
  );
  const argv = { strings: ["bwrap", ...options.args] };
  script.must("execve", [{ text: options.bubblewrap }, argv, { strings: [] }], "bubblewrap, with no environment");
}

/** `struct open_how`: flags, mode, resolve. */
function openHow(flags: number): Uint8Array {
  return new Uint8Array(BigUint64Array.from([BigInt(flags), 0n, BigInt(RESOLVE_NO_SYMLINKS_OR_MAGIC)]).buffer);
}
