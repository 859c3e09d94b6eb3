/**
 * The keeper: the small process between the supervisor and the sandbox. It is started first, and makes what does not
 * depend on a plan while the supervisor still works one out: a fresh session and keyring, and the run's control groups with
 * its child in them. The child waits for the supervisor's word and then becomes the launcher. The keeper outlives everyone
 * by the few microseconds it takes to remove what was made, also when the supervisor was killed. No signal but SIGKILL
 * ends it; after that one, the next start cleans up from the journal.
 */
import {
  AT_FDCWD,
  AT_REMOVEDIR,
  argument,
  call,
  jump,
  label,
  load,
  O_CLOEXEC,
  O_WRONLY,
  type Program,
  SIG_SETMASK,
  SIGCHLD,
  set,
  store,
  whenEqual,
  whenNegative,
} from "../native/program.ts";
import type { Arch } from "../native/syscalls.ts";
import { CHANNEL, LAUNCH, LOCK, REPORT_BUFFER, report, Script } from "./channel.ts";

const PR_SET_NAME = 15;
const PR_SET_CHILD_SUBREAPER = 36;
const KEYCTL_GET_KEYRING_ID = 0;
const KEYCTL_JOIN_SESSION_KEYRING = 1;
const KEY_SPEC_SESSION_KEYRING = -3;
const CLONE_FILES = 0x400;
const LOCK_EX_NB = 6;

/** The keeper's arguments after its name, and so those of the launcher and the finisher; then the control groups. */
export const ARGUMENTS = { directory: 1, journal: 2, launcher: 3, finisher: 4, workspace: 5, groups: 6 } as const;

export interface NativeProgram {
  readonly program: Program;
  /** The names of its checked calls, for error messages. */
  readonly checked: readonly string[];
}

/** The keeper for a run with so many control groups: each one an argument, and after them each one's file for joining. */
export function keeperProgram(arch: Arch, groups: number): NativeProgram {
  const script = new Script();
  takeArguments(script, groups);
  script.may("prctl", [PR_SET_NAME, { text: "hardline-keeper" }, 0, 0, 0], "its name in ps");
  script.must("setsid", [], "no controlling terminal, and out of reach of the caller's job control (K3)");
  script.may("keyctl", [KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0, 0, 0], "the caller's session keyring");
  script.add(...report("old-keyring"));
  script.may("keyctl", [KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0], "a fresh, empty one (K1)");
  script.add(...report("new-keyring"));
  script.must("rt_sigprocmask", [SIG_SETMASK, { bytes: new Uint8Array(8).fill(0xff) }, 0, 8], "only SIGKILL ends it");
  script.must("prctl", [PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0], "nothing of the sandbox outlives it unseen");
  for (let group = 0; group < groups; group += 1) {
    script.must("mkdirat", [AT_FDCWD, { slot: `group-${group}` }, 0o755], "a control group of its own");
  }
  // With shared descriptors until it executes something: a lock that the child takes is the keeper's to hold.
  script.must("clone", [SIGCHLD | CLONE_FILES, 0, 0, 0, 0], "the process that becomes the launcher");
  script.add(whenEqual(0, "child"));
  // If bubblewrap is killed, the gate is given to the keeper: its end is told only when every process in there has ended.
  script.add(label("reap"));
  script.may("wait4", [-1, 0, 0, 0], "until the sandbox has ended");
  script.add({ op: "branch", when: "not-negative", to: "reap" });
  script.may(
    "execve",
    [{ slot: "finisher" }, { slot: "argv" }, { slot: "environ" }],
    "only where there are placeholders",
  );
  script.add(label("clean"));
  cleanUp(script, groups);
  script.add(call("exit_group", [0]));

  script.add(label("child"), set(1), store("in-child"));
  for (let group = 0; group < groups; group += 1) {
    script.must("openat", [AT_FDCWD, { slot: `members-${group}` }, O_WRONLY | O_CLOEXEC, 0], "joins the control group");
    script.add(store("opened"));
    script.must("write", [{ slot: "opened" }, { text: "0" }, 1], "joins the control group");
    script.may("close", [{ slot: "opened" }], "it has joined");
  }
  script.add(label("wait"));
  script.must("read", [CHANNEL, { address: "word" }, 1], "waits for the supervisor's word");
  script.add(load("word"), whenEqual(LAUNCH, "launch"), whenEqual(LOCK, "lock"), call("exit_group", [125]));
  script.add(label("lock"), set(0), store("word"));
  script.may("openat", [AT_FDCWD, { slot: "workspace" }, 0, 0], "the workspace");
  script.add(whenNegative("answer"), store("opened"));
  script.may("flock", [{ slot: "opened" }, LOCK_EX_NB], "one run at a time, whoever's and with whatever state");
  script.add(label("answer"), ...report("locked"), jump("wait"), label("launch"));
  script.must("execve", [{ slot: "launcher" }, { slot: "argv" }, { slot: "environ" }], "the launcher");

  script.failure("keeper-failed").add(load("in-child"), whenEqual(0, "clean"), call("exit_group", [125]));
  return { checked: script.checked, program: { arch, steps: script.steps, buffers: { ...REPORT_BUFFER } } };
}

/** A program that was started with the keeper's arguments finds them in slots of these names. */
export function takeArguments(script: Script, groups: number): void {
  const slots = ["directory", "journal", "launcher", "finisher", "workspace"] as const;
  for (const name of slots) script.add(argument(ARGUMENTS[name]), store(name));
  for (let group = 0; group < groups; group += 1) {
    script.add(argument(ARGUMENTS.groups + group), store(`group-${group}`));
    script.add(argument(ARGUMENTS.groups + groups + group), store(`members-${group}`));
  }
}

/** Takes away what every run has. What is gone already, or never was, is nothing to stop at. */
export function cleanUp(script: Script, groups: number): void {
  for (let group = 0; group < groups; group += 1) {
    script.may("unlinkat", [AT_FDCWD, { slot: `group-${group}` }, AT_REMOVEDIR], "takes away the control group");
  }
  for (const slot of ["workspace", "finisher", "launcher", "journal"]) {
    script.may("unlinkat", [AT_FDCWD, { slot }, 0], "and this run's files");
  }
  script.may("unlinkat", [AT_FDCWD, { slot: "directory" }, AT_REMOVEDIR], "and their directory");
}
