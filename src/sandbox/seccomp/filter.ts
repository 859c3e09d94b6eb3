/**
 * Which system calls a sandboxed program may make. Three kinds: refused by name, judged by an argument, and the rest of
 * the table, which is allowed. What is not in the table at all does not exist (ENOSYS). A foreign ABI (i386, x32) ends the
 * process, before anything else is looked at: its numbers mean other calls (K2).
 */
import { type Arch, syscallsOf } from "../native/syscalls.ts";
import {
  ALLOW,
  ARCH_OFFSET,
  argumentOffset,
  BpfAssembler,
  errnoAnswer,
  type Instruction,
  JEQ,
  JGE,
  JSET,
  KILL_PROCESS,
  NUMBER_OFFSET,
} from "./bpf.ts";

const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;

/** Refused with EPERM whatever the arguments, with the reason that `plan` prints. */
export const REFUSED: Readonly<Record<string, readonly string[]>> = {
  "mounts cannot be made, moved or taken away (F9, F10)": [
    "mount",
    "umount2",
    "pivot_root",
    "chroot",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "open_tree",
    "open_tree_attr",
    "move_mount",
    "mount_setattr",
    "setns",
  ],
  "a file handle would reach past the mounts (F11)": ["open_by_handle_at"],
  "keyrings are not separated by any namespace (K1)": ["keyctl", "add_key", "request_key"],
  "other processes are not to be read or steered (K4)": [
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "process_madvise",
    "pidfd_getfd",
    "kcmp",
    "perf_event_open",
  ],
  "system calls that escape this filter, or code from memory (K2)": [
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "memfd_create",
    "memfd_secret",
    "execveat",
    "bpf",
    "userfaultfd",
    "uselib",
    "modify_ldt",
  ],
  "the host's kernel is not the agent's business": [
    "init_module",
    "finit_module",
    "delete_module",
    "create_module",
    "kexec_load",
    "kexec_file_load",
    "reboot",
    "swapon",
    "swapoff",
    "acct",
    "quotactl",
    "quotactl_fd",
    "settimeofday",
    "clock_settime",
    "sethostname",
    "setdomainname",
    "syslog",
    "vhangup",
    "iopl",
    "ioperm",
    "lookup_dcookie",
    "nfsservctl",
    "_sysctl",
    "sysfs",
    "ustat",
    "fanotify_init",
    "io_setup",
  ],
};

/** A call that does not exist, for programs that then take an older way that can be judged: flags in memory cannot be. */
export const ABSENT: readonly string[] = ["clone3"];

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const CLONE_NAMESPACES = 0x7e02_0000;
const CLONE_NEWTIME = 0x80;
const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
/** TIOCSTI puts typed characters into a terminal; TIOCLINUX and TIOCCONS do so by way of a console (K3). */
const TERMINAL_INJECTION = [0x5412, 0x541c, 0x541d];

/** The gate's process id, as everyone in the sandbox sees it. */
const GATE = 1;
const F_SETLEASE = 1024;
const F_NOTIFY = 1026;

/** Calls that are judged by the low 32 bits of one argument, which is all that the kernel looks at in each of them. */
type ArgumentRule =
  | { readonly argument: number; readonly refuseBits: number; readonly errno: number }
  | { readonly argument: number; readonly refuseValues: readonly number[]; readonly errno: number }
  | { readonly argument: number; readonly allowValues: readonly number[]; readonly errno: number };

export const JUDGED: Readonly<Record<string, ArgumentRule>> = {
  clone: { argument: 0, refuseBits: CLONE_NAMESPACES, errno: EPERM },
  unshare: { argument: 0, refuseBits: CLONE_NAMESPACES | CLONE_NEWTIME, errno: EPERM },
  socket: { argument: 0, allowValues: [AF_UNIX, AF_INET, AF_INET6], errno: EAFNOSUPPORT },
  socketpair: { argument: 0, allowValues: [AF_UNIX], errno: EAFNOSUPPORT },
  ioctl: { argument: 1, refuseValues: TERMINAL_INJECTION, errno: EPERM },
  // A lease or a notification on a file that others share makes them wait for whoever has it (the release's, the host's).
  fcntl: { argument: 1, refuseValues: [F_SETLEASE, F_NOTIFY], errno: EPERM },
  // The gate is process 1 and watches: a gate that is starved would notice late that a mount is gone.
  sched_setscheduler: { argument: 0, refuseValues: [GATE], errno: EPERM },
  sched_setparam: { argument: 0, refuseValues: [GATE], errno: EPERM },
  sched_setattr: { argument: 0, refuseValues: [GATE], errno: EPERM },
  sched_setaffinity: { argument: 0, refuseValues: [GATE], errno: EPERM },
  setpriority: { argument: 1, refuseValues: [GATE], errno: EPERM },
  // PER_LINUX, and the value that only asks.
  personality: { argument: 0, allowValues: [0, 0xffff_ffff], errno: EPERM },
};

/** `AUDIT_ARCH_*` of `linux/audit.h`. */
const AUDIT_ARCH: Readonly<Record<Arch, number>> = { x64: 0xc000_003e, arm64: 0xc000_00b7 };
/** The bit by which x86-64 tells an x32 call. */
const X32_BIT = 0x4000_0000;

interface Verdict {
  readonly label: string;
}

/** The filter of a machine. Pure; the same bytes every time. */
export function buildFilter(arch: Arch): Instruction[] {
  const asm = new BpfAssembler();
  const native = asm.fresh();
  asm.load(ARCH_OFFSET);
  asm.test(JEQ, AUDIT_ARCH[arch], native);
  asm.answer(KILL_PROCESS);
  asm.label(native);
  asm.load(NUMBER_OFFSET);
  if (arch === "x64") asm.test(JSET, X32_BIT, "kill");

  dispatch(asm, rangesOf(arch));

  for (const [name, rule] of Object.entries(JUDGED)) judge(asm, name, rule);
  const answers: [string, number][] = [
    ["kill", KILL_PROCESS],
    ["allow", ALLOW],
    ["refuse", errnoAnswer(EPERM)],
    ["absent", errnoAnswer(ENOSYS)],
  ];
  for (const [name, answer] of answers) {
    asm.label(name);
    asm.answer(answer);
  }
  return asm.assemble();
}

/** A run of call numbers with one verdict. */
interface Range extends Verdict {
  readonly from: number;
}

function rangesOf(arch: Arch): Range[] {
  const refused = new Set(Object.values(REFUSED).flat());
  const verdicts = new Map<number, string>();
  for (const [name, number] of syscallsOf(arch)) {
    verdicts.set(number, verdictOf(name, refused));
  }
  const last = Math.max(...verdicts.keys());
  const ranges: Range[] = [];
  for (let number = 0; number <= last + 1; number += 1) {
    const label = verdicts.get(number) ?? "absent";
    if (ranges.at(-1)?.label !== label) ranges.push({ from: number, label });
  }
  return ranges;
}

function verdictOf(name: string, refused: ReadonlySet<string>): string {
  if (refused.has(name)) return "refuse";
  if (ABSENT.includes(name)) return "absent";
  return name in JUDGED ? `judge-${name}` : "allow";
}

/** Binary search over the ranges; the accumulator holds the call's number. */
function dispatch(asm: BpfAssembler, ranges: readonly Range[]): void {
  const [only] = ranges;
  if (ranges.length === 1 && only !== undefined) {
    asm.test(JGE, 0, only.label);
    return;
  }
  const middle = ranges.length >> 1;
  const upper = asm.fresh();
  asm.test(JGE, ranges[middle]?.from ?? 0, upper);
  dispatch(asm, ranges.slice(0, middle));
  asm.label(upper);
  dispatch(asm, ranges.slice(middle));
}

function judge(asm: BpfAssembler, name: string, rule: ArgumentRule): void {
  const refuse = asm.fresh();
  asm.label(`judge-${name}`);
  asm.load(argumentOffset(rule.argument));
  if ("refuseBits" in rule) asm.test(JSET, rule.refuseBits, refuse);
  else if ("refuseValues" in rule) for (const value of rule.refuseValues) asm.test(JEQ, value, refuse);
  else for (const value of rule.allowValues) asm.test(JEQ, value, "allow");
  asm.answer("allowValues" in rule ? errnoAnswer(rule.errno) : ALLOW);
  asm.label(refuse);
  asm.answer(errnoAnswer(rule.errno));
}
