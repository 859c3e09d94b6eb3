/**
 * The launcher: the keeper's child once the plan is known. It makes what only the host's side can make (placeholders in a
 * workspace; as root a staging area that the agent's uid can reach), takes the agent's identity, and becomes bubblewrap.
 * The finisher is its counterpart at the end of a run with placeholders.
 */
import { basename, dirname } from "node:path";
import { join, parentsWithin } from "../../core/paths.ts";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_REMOVEDIR,
  CLOSE_RANGE_LAST,
  call,
  label,
  load,
  O_CLOEXEC,
  O_WRONLY,
  PR_SET_PDEATHSIG,
  type Program,
  SIG_SETMASK,
  SIGKILL,
  set,
  store,
  whenEqual,
  whenNegative,
  whenNotEqual,
} from "../native/program.ts";
import type { Arch } from "../native/syscalls.ts";
import { REPORT_BUFFER, Script } from "./channel.ts";
import { cleanUp, type NativeProgram, takeArguments } from "./keeper.ts";
import { PUMP_BUFFER, startPumps } from "./pump.ts";
import type { Stdio } from "./stdio.ts";

const EACCES = -13;
const CLONE_NEWNS = 0x2_0000;
const MS_NOSUID_NODEV = 0x6;
const MS_REC_PRIVATE = 0x4_4000;
const O_PATH = 0o10000000;
/** These two differ: on arm64, the number that x86-64 has for one means another. */
const O_DIRECTORY = { x64: 0o200000, arm64: 0o40000 } as const;
const O_NOFOLLOW = { x64: 0o400000, arm64: 0o100000 } as const;
const O_CREAT_EXCL = 0o300;
const O_NONBLOCK = 0o4000;
const SEEK_END = 2;
const RESOLVE_NO_SYMLINKS_OR_MAGIC = 0x6;
const OPEN_TREE_CLONE_RECURSIVE = 0x8001;
const MOVE_MOUNT_F_EMPTY_PATH = 0x4;
const F_DUPFD_CLOEXEC = 1030;
const CLOSE_RANGE_CLOEXEC = 0x4;

/** The descriptor on which bubblewrap finds the gate's bytes. */
export const GATE_DESCRIPTOR = 4;
/** Where root stages sources in a mount namespace of the launcher's own: it exists everywhere and everyone may enter it. */
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

export interface LauncherOptions {
  readonly arch: Arch;
  readonly groups: number;
  /** bubblewrap's path and its arguments, without `argv[0]`. */
  readonly bubblewrap: string;
  readonly args: readonly string[];
  readonly gateFile: string;
  /** As root: who the agent is, and what is staged for it. As an ordinary user: absent. */
  readonly root?: { readonly uid: number; readonly gid: number; readonly staged: readonly Staged[] };
  readonly stdio: Stdio;
  readonly placeholders: readonly Placeholder[];
  /** The program that takes the placeholders away; needed where there are any. */
  readonly finisherFile?: string;
}

export function launcherProgram(options: LauncherOptions): NativeProgram {
  const { placeholders, root, finisherFile } = options;
  const script = new Script();
  takeArguments(script, options.groups);
  for (const [index, placeholder] of placeholders.entries()) makePlaceholder(script, options.arch, placeholder, index);
  if (finisherFile !== undefined) {
    script.must("symlinkat", [{ text: finisherFile }, AT_FDCWD, { slot: "finisher" }], "what takes them away");
  }
  script.must("openat", [AT_FDCWD, { text: options.gateFile }, O_CLOEXEC, 0], "the gate's bytes");
  script.add(store("opened"));
  script.must("fcntl", [{ slot: "opened" }, F_DUPFD_CLOEXEC, 64], "out of the way");
  script.add(store("gate"));
  startPumps(script, options.stdio, root);
  if (root !== undefined) {
    stage(script, root.staged);
    script.must("setgroups", [0, 0], "no supplementary group");
    script.must("setresgid", [root.gid, root.gid, root.gid], "the agent's own group");
    script.must("setresuid", [root.uid, root.uid, root.uid], "the agent's own uid");
  }
  script.must("prctl", [PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0], "ends with the keeper");
  script.must("rt_sigprocmask", [SIG_SETMASK, { bytes: new Uint8Array(8) }, 0, 8], "no signal is blocked");
  script.must("dup3", [{ slot: "gate" }, GATE_DESCRIPTOR, 0], "where bubblewrap looks for it");
  const rest = [GATE_DESCRIPTOR + 1, CLOSE_RANGE_LAST, CLOSE_RANGE_CLOEXEC];
  script.must("close_range", rest, "nothing that the caller left open goes on (F8)");
  const argv = { strings: ["bwrap", ...options.args] };
  script.must("execve", [{ text: options.bubblewrap }, argv, { strings: [] }], "bubblewrap, with no environment");

  script.failure("launcher-failed");
  removePlaceholders(script, options.arch, placeholders);
  if (finisherFile !== undefined) script.may("unlinkat", [AT_FDCWD, { slot: "finisher" }, 0], "nothing to finish");
  script.add(call("exit_group", [125]));
  return finished(options.arch, script, options.stdio.pumped.length === 0 ? {} : PUMP_BUFFER);
}

/** Started in the keeper's place when the sandbox has ended. Placeholders were made by this run's launcher, all of them. */
export function finisherProgram(
  arch: Arch,
  groups: number,
  placeholders: readonly Placeholder[],
  workspace: string,
): NativeProgram {
  const script = new Script();
  takeArguments(script, groups);
  for (const [index, placeholder] of [...placeholders.entries()].reverse()) {
    const { path } = placeholder;
    const [found, removed, skip] = [`found-${index}`, `removed-${index}`, `absent-${index}`];
    lookUpDirectory(script, arch, placeholder);
    script.add(whenNotEqual(EACCES, found));
    openUp(script, workspace, path);
    lookUpDirectory(script, arch, placeholder);
    script.add(label(found), whenNegative(skip), store(`directory-${index}`));
    removePlaceholder(script, arch, placeholder, index);
    script.add(whenNotEqual(EACCES, removed));
    openUp(script, workspace, path);
    removePlaceholder(script, arch, placeholder, index);
    script.add(label(removed), label(skip));
  }
  cleanUp(script, groups);
  script.add(call("exit_group", [0]));
  return finished(arch, script, {});
}

/**
 * An agent with the caller's own uid may have closed its directories, so that nothing could be taken away from them. None
 * of them can be a symlink: each is the workspace or was a mount point until just now.
 */
function openUp(script: Script, workspace: string, path: string): void {
  const within = parentsWithin(path.slice(workspace.length + 1)).map((parent) => join(workspace, parent));
  for (const directory of [workspace, ...within]) {
    script.may("fchmodat", [AT_FDCWD, { text: directory }, 0o755], "the agent closed it");
  }
}

function finished(arch: Arch, script: Script, buffers: Program["buffers"]): NativeProgram {
  return { checked: script.checked, program: { arch, steps: script.steps, buffers: { ...REPORT_BUFFER, ...buffers } } };
}

/** The directory that a placeholder stands in, by a path without symlinks; R is its descriptor. */
function lookUpDirectory(script: Script, arch: Arch, { path }: Placeholder): void {
  const how = { bytes: openHow(O_PATH | O_DIRECTORY[arch] | O_CLOEXEC) };
  script.may("openat2", [AT_FDCWD, { text: dirname(path) }, how, 24], `the directory of ${path}`);
}

function makePlaceholder(script: Script, arch: Arch, { path, kind }: Placeholder, index: number): void {
  const how = { bytes: openHow(O_PATH | O_DIRECTORY[arch] | O_CLOEXEC) };
  script.must("openat2", [AT_FDCWD, { text: dirname(path) }, how, 24], `the directory of the placeholder ${path}`);
  script.add(store(`directory-${index}`));
  const at = [{ slot: `directory-${index}` }, { text: basename(path) }] as const;
  if (kind === "directory") script.must("mkdirat", [...at, 0o755], `placeholder ${path}`);
  else {
    script.must(
      "openat",
      [...at, O_CREAT_EXCL | O_NOFOLLOW[arch] | O_CLOEXEC | O_WRONLY, 0o644],
      `placeholder ${path}`,
    );
    script.add(store("opened"));
    script.may("close", [{ slot: "opened" }], "it stays empty");
  }
  script.add(set(1), store(`made-${index}`));
}

/** Only what was made is taken away: a name that was there before stays. */
function removePlaceholders(script: Script, arch: Arch, placeholders: readonly Placeholder[]): void {
  for (const [index, placeholder] of [...placeholders.entries()].reverse()) {
    const skip = `kept-${index}`;
    script.add(load(`made-${index}`), whenEqual(0, skip));
    removePlaceholder(script, arch, placeholder, index);
    script.add(label(skip));
  }
}

/** A file that is no longer empty is somebody's: an editor or git may have put it there while the agent ran. */
function removePlaceholder(script: Script, arch: Arch, { path, kind }: Placeholder, index: number): void {
  const at = [{ slot: `directory-${index}` }, { text: basename(path) }] as const;
  if (kind === "directory") {
    script.may("unlinkat", [...at, AT_REMOVEDIR], `takes away ${path}`);
    return;
  }
  const keep = `somebody-s-${index}-${script.steps.length}`;
  script.may("openat", [...at, O_NOFOLLOW[arch] | O_CLOEXEC | O_NONBLOCK, 0], `looks whether ${path} is empty`);
  script.add({ op: "branch", when: "negative", to: keep }, store("opened"));
  script.may("lseek", [{ slot: "opened" }, 0, SEEK_END], "its size");
  script.add({ op: "branch", when: "not-equal", value: 0, to: keep });
  script.may("close", [{ slot: "opened" }], "it is");
  script.may("unlinkat", [...at, 0], `takes away ${path}`);
  script.add(label(keep));
}

/** Every component without symlinks: what was looked at is what is mounted, or ELOOP (F5, F6). */
function stage(script: Script, staged: readonly Staged[]): void {
  script.must("unshare", [CLONE_NEWNS], "a mount namespace of the launcher's own");
  script.must("mount", [{ text: "none" }, { text: "/" }, 0, MS_REC_PRIVATE, 0], "nothing goes back to the host");
  for (const [index, { path }] of staged.entries()) {
    script.must("openat2", [AT_FDCWD, { text: path }, { bytes: openHow(O_PATH | O_CLOEXEC) }, 24], `stages ${path}`);
    script.add(store("opened"));
    const flags = AT_EMPTY_PATH | OPEN_TREE_CLONE_RECURSIVE | O_CLOEXEC;
    script.must("open_tree", [{ slot: "opened" }, { text: "" }, flags], `stages ${path}`);
    script.add(store(`tree-${index}`));
  }
  // What lies in the host's /tmp has been opened by now; the staging area may cover it.
  const area = [{ text: "tmpfs" }, { text: STAGE }, { text: "tmpfs" }, MS_NOSUID_NODEV, { text: "mode=0711" }];
  script.must("mount", area, "the staging area");
  for (const [index, { kind }] of staged.entries()) {
    const target = { text: `${STAGE}/${index}` };
    if (kind === "directory") script.must("mkdirat", [AT_FDCWD, target, 0o700], "a staging point");
    else script.must("openat", [AT_FDCWD, target, O_CREAT_EXCL | O_CLOEXEC, 0o600], "a staging point");
    const move = [{ slot: `tree-${index}` }, { text: "" }, AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH];
    script.must("move_mount", move, "what was opened goes there");
  }
}

/** `struct open_how`: flags, mode, resolve. */
function openHow(flags: number): Uint8Array {
  return new Uint8Array(BigUint64Array.from([BigInt(flags), 0n, BigInt(RESOLVE_NO_SYMLINKS_OR_MAGIC)]).buffer);
}
