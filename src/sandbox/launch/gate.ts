/**
 * The gate: the first program inside the sandbox, and its process 1. It puts the last restrictions on itself, says that it
 * is ready, waits until the supervisor has looked at it from outside, and only then makes the process that becomes the
 * agent. It stays as the init of the sandbox: it reaps, reports the agent's end, and takes the whole sandbox with it when
 * the agent ends or when the supervisor is gone. The agent cannot signal it (it is process 1), trace it or read its memory
 * (not dumpable, and seccomp).
 */

import {
  AT_FDCWD,
  CLOSE_RANGE_LAST,
  call,
  jump,
  label,
  load,
  O_CLOEXEC,
  PR_SET_PDEATHSIG,
  type Program,
  SIG_SETMASK,
  SIGCHLD,
  SIGKILL,
  set,
  store,
  whenEqual,
  whenNegative,
  whenNotEqual,
} from "../native/program.ts";
import type { Arch } from "../native/syscalls.ts";
import { CHANNEL, GO, MOUNT_WATCH, REPORT_BUFFER, report, Script } from "./channel.ts";

const PR_SET_DUMPABLE = 4;
const F_SETFD = 2;
const FD_CLOEXEC = 1;
const SECCOMP_SET_MODE_FILTER = 1;
const SIG_BLOCK = 0;
const SIGNALFD_FLAGS = 0o2004000; // SFD_CLOEXEC | SFD_NONBLOCK
const WNOHANG = 1;
const ENOENT = -2;
const EACCES = -13;
const ENOTDIR = -20;
const POLLIN = 1;
const POLLPRI = 2;

/** One resource limit, soft and hard alike. `resource` is the kernel's number (`RLIMIT_*`). */
export interface ResourceLimit {
  readonly name: string;
  readonly resource: number;
  readonly value: number;
}

export interface GateOptions {
  readonly arch: Arch;
  readonly limits: readonly ResourceLimit[];
  /** The seccomp program as the kernel takes it. */
  readonly filter: Uint8Array;
  /** Absolute paths to try as the agent's program, in order, as `execvp` would along PATH. */
  readonly candidates: readonly string[];
}

/** The program, and the names of its checked calls for error messages. argv after the first is the agent's, unchanged. */
export function gateProgram(options: GateOptions): { readonly program: Program; readonly checked: readonly string[] } {
  const script = new Script();
  restrict(script, options);
  waitForGo(script);
  // Before there is anybody else in here. What the child executes makes the child dumpable again.
  script.must("prctl", [PR_SET_DUMPABLE, 0, 0, 0, 0], "the agent cannot open the memory of process 1 (K4)");
  script.must("clone", [SIGCHLD, 0, 0, 0, 0], "the process that becomes the agent");
  script.add(store("agent"), whenEqual(0, "agent"));
  reapUntilTheEnd(script);
  becomeAgent(script, options.candidates);
  script.failure("gate-failed").add(call("exit_group", [125]));
  return {
    checked: script.checked,
    program: {
      arch: options.arch,
      steps: script.steps,
      buffers: {
        ...REPORT_BUFFER,
        filter: ["filter.length", "filter.address"],
        poll: ["poll.channel", "poll.signals", "poll.mounts"],
        "signal-info": 128,
      },
    },
  };
}

function restrict(script: Script, options: GateOptions): void {
  script.must("prctl", [PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0], "ends with bubblewrap, which ends with the keeper");
  script.must("close_range", [CHANNEL + 1, CLOSE_RANGE_LAST, 0], "no inherited descriptor reaches the agent (F8)");
  script.must("fcntl", [CHANNEL, F_SETFD, FD_CLOEXEC], "nor does the channel");
  for (const { name, resource, value } of options.limits) {
    script.must("prlimit64", [0, resource, { bytes: limitBytes(value) }, 0], `${name} ${value}`);
  }
  // A mount that goes away or comes, by whoever's hand on the host, is the end: what was attested no longer stands.
  script.must("openat", [AT_FDCWD, { text: "/proc/self/mountinfo" }, O_CLOEXEC, 0], "takes descriptor 4, the lowest");
  script.must("umask", [0o022], "the caller's mask is not inherited");
  script.add(set(options.filter.length / 8), store("filter.length"));
  script.add(set({ bytes: options.filter }), store("filter.address"));
  script.must("seccomp", [SECCOMP_SET_MODE_FILTER, 0, { address: "filter" }], "from here on the agent's filter holds");
  script.must("rt_sigprocmask", [SIG_BLOCK, { bytes: signalSet(SIGCHLD) }, 0, 8], "to wait for the agent's end");
}

function waitForGo(script: Script): void {
  script.add(set(0), ...report("ready"));
  script.must("read", [CHANNEL, { address: "go" }, 1], "waits for the supervisor's word");
  // A supervisor that died, or that refused, sends no word: the end.
  script.add(load("go"), whenEqual(GO, "go"), call("exit_group", [125]), label("go"));
}

function reapUntilTheEnd(script: Script): void {
  for (const descriptor of [0, 1, 2]) script.may("close", [descriptor], "the agent's own from here on");
  script.must("signalfd4", [-1, { bytes: signalSet(SIGCHLD) }, 8, SIGNALFD_FLAGS], "takes descriptor 0, the lowest");
  script.add(label("wait"));
  script.add(set(CHANNEL), store("poll.channel"), set(POLLIN * 2 ** 32), store("poll.signals"));
  script.add(set(MOUNT_WATCH + POLLPRI * 2 ** 32), store("poll.mounts"));
  script.may("ppoll", [{ address: "poll" }, 3, 0, 0, 8], "until a child ends, the supervisor is gone, or a mount is");
  // The channel is polled for nothing but its end: any event on it means that the supervisor has closed it.
  script.add(load("poll.channel"), { op: "shift-right", bits: 48 }, whenNotEqual(0, "leave"));
  script.add(load("poll.mounts"), { op: "shift-right", bits: 48 }, whenNotEqual(0, "mounts-changed"));
  script.may("read", [0, { address: "signal-info" }, 128], "empties the signal descriptor");
  script.add(label("reap"), set(0), store("status"));
  script.may("wait4", [-1, { address: "status" }, WNOHANG, 0], "whoever ended, also orphans");
  script.add(whenEqual(0, "wait"), { op: "branch-slot", equal: "agent", to: "ended" }, whenNegative("leave"));
  script.add(jump("reap"));
  script.add(label("ended"), load("status"), ...report("ended"), jump("leave"));
  script.add(label("mounts-changed"), set(0), ...report("mounts-changed"));
  script.add(label("leave"), call("exit_group", [0], "and the kernel ends every process in here with it (K8)"));
}

function becomeAgent(script: Script, candidates: readonly string[]): void {
  script.add(label("agent"), load("argv"), { op: "add", value: 8 }, store("command"));
  script.must("setsid", [], "a process group of its own, for signals");
  script.must("rt_sigprocmask", [SIG_SETMASK, { bytes: new Uint8Array(8) }, 0, 8], "no signal is blocked");
  for (const [index, path] of candidates.entries()) {
    script.may("execve", [{ text: path }, { slot: "command" }, { slot: "environ" }], "the agent");
    script.add(whenEqual(ENOENT, `next-${index}`), whenEqual(ENOTDIR, `next-${index}`));
    // As execvp does: one that may not be executed is what is told only where no other can be.
    script.add(whenEqual(EACCES, `denied-${index}`), jump("not-executed"));
    script.add(label(`denied-${index}`), store("denied"), label(`next-${index}`));
  }
  script.add(load("denied"), whenEqual(EACCES, "not-executed"));
  script.add(set(ENOENT), label("not-executed"), ...report("not-executed"), call("exit_group", [126]));
}

function limitBytes(value: number): Uint8Array {
  return new Uint8Array(BigUint64Array.from([BigInt(value), BigInt(value)]).buffer);
}

function signalSet(signal: number): Uint8Array {
  return new Uint8Array(BigUint64Array.from([1n << BigInt(signal - 1)]).buffer);
}
