/** The filter, evaluated for every system call number of both machines by an interpreter of classic BPF of the test's own. */
import { describe, expect, test } from "vitest";
import { type Arch, syscallNumber, syscallsOf } from "../native/syscalls.ts";
import { serialize } from "./bpf.ts";
import { ABSENT, buildFilter, JUDGED, REFUSED } from "./filter.ts";

interface Call {
  readonly arch: number;
  readonly number: number;
  readonly args?: readonly bigint[];
}

/** Evaluates `struct sock_filter[]` on `struct seccomp_data`. Source: `linux/filter.h`; written without the assembler's constants. */
function evaluate(program: Uint8Array, { arch, number, args = [] }: Call): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(number >>> 0, 0);
  data.writeUInt32LE(arch >>> 0, 4);
  for (const [index, value] of args.entries()) data.writeBigUInt64LE(BigInt.asUintN(64, value), 16 + 8 * index);
  const code = Buffer.from(program);
  let accumulator = 0;
  for (let at = 0; at * 8 < code.length; at += 1) {
    const operation = code.readUInt16LE(at * 8);
    const [jt, jf, k] = [code.readUInt8(at * 8 + 2), code.readUInt8(at * 8 + 3), code.readUInt32LE(at * 8 + 4)];
    switch (operation) {
      case 0x20: // ld [k]
        accumulator = data.readUInt32LE(k);
        break;
      case 0x54: // and #k
        accumulator = (accumulator & k) >>> 0;
        break;
      case 0x05: // ja
        at += k;
        break;
      case 0x15: // jeq
        at += accumulator === k ? jt : jf;
        break;
      case 0x35: // jge
        at += accumulator >= k ? jt : jf;
        break;
      case 0x45: // jset
        at += (accumulator & k) !== 0 ? jt : jf;
        break;
      case 0x06: // ret #k
        return k;
      default:
        throw new Error(`instruction ${operation.toString(16)} is not one that the kernel caches`);
    }
  }
  throw new Error("the program ends without an answer");
}

const ALLOW = "allow";
const KILL = "kill the process";
const EPERM = "errno 1";
const ENOSYS = "errno 38";
const EAFNOSUPPORT = "errno 97";

function meaning(answer: number): string {
  if (answer === 0x7fff_0000) return ALLOW;
  if (answer === 0x8000_0000) return KILL;
  if (answer >>> 16 === 5) return `errno ${answer & 0xffff}`;
  throw new Error(`unexpected answer ${answer.toString(16)}`);
}

/** `AUDIT_ARCH_*` of `linux/audit.h`. */
const AUDIT: Readonly<Record<Arch, number>> = { x64: 0xc000_003e, arm64: 0xc000_00b7 };
const FOREIGN = {
  i386: 0x4000_0003,
  arm: 0x4000_0028,
  "arm big-endian": 0x28,
  mips: 8,
  riscv64: 0xc000_00f3,
  nothing: 0,
  everything: 0xffff_ffff,
};
/** Numbers around and beyond the table, the ends of every width, and what is not an x32 number but looks like one. */
const BEYOND = [1023, 1024, 4096, 0xffff, 0x1_0000, 0x3fff_ffff, 0x7fff_ffff & ~0x4000_0000, 0x8000_0000];

describe.each(["x64", "arm64"] as const)("the filter for %s", (arch) => {
  const program = serialize(buildFilter(arch));
  const ask = (number: number, ...args: readonly bigint[]): string =>
    meaning(evaluate(program, { arch: AUDIT[arch], number, args }));
  const byName = (name: string, ...args: readonly (number | bigint)[]): string =>
    ask(syscallNumber(arch, name), ...args.map(BigInt));
  const table = syscallsOf(arch);
  const names = new Map([...table].map(([name, number]) => [number, name]));
  const refused = Object.values(REFUSED).flat();

  test("is one that the kernel takes", () => {
    expect(program.length % 8).toBe(0);
    expect(program.length / 8).toBeLessThanOrEqual(4096);
    expect(names.size).toBe(table.size);
  });

  test("answers every number of the table as its name says, and every other that it does not exist", () => {
    for (let number = 0; number <= 1100; number += 1) {
      const name = names.get(number);
      const answer = ask(number);
      if (name === undefined || ABSENT.includes(name)) expect(answer, `${number} ${name}`).toBe(ENOSYS);
      else if (refused.includes(name)) expect(answer, name).toBe(EPERM);
      else if (!(name in JUDGED)) expect(answer, name).toBe(ALLOW);
    }
    for (const number of BEYOND) expect(ask(number), String(number)).toBe(ENOSYS);
  });

  test("gives refused calls no argument by which they pass", () => {
    for (const name of refused) {
      if (!table.has(name)) continue;
      for (const value of [0n, 1n, 2n ** 32n, 2n ** 64n - 1n])
        expect(byName(name, ...Array(6).fill(value)), name).toBe(EPERM);
    }
  });

  // Literally, so that a name that is dropped from the filter's own list is missed here.
  test("refuses by name", () => {
    const must =
      "mount umount2 pivot_root chroot fsopen fsconfig fsmount fspick open_tree move_mount mount_setattr setns " +
      "open_by_handle_at keyctl add_key request_key ptrace process_vm_readv process_vm_writev pidfd_getfd kcmp " +
      "perf_event_open io_uring_setup io_uring_enter io_uring_register memfd_create memfd_secret execveat bpf userfaultfd " +
      "init_module finit_module delete_module kexec_load reboot swapon swapoff acct quotactl settimeofday clock_settime " +
      "sethostname setdomainname syslog vhangup fanotify_init";
    for (const name of must.split(" ")) expect(byName(name), name).toBe(EPERM);
    for (const name of arch === "x64" ? ["iopl", "ioperm", "modify_ldt", "uselib"] : [])
      expect(byName(name), name).toBe(EPERM);
    expect(byName("clone3")).toBe(ENOSYS);
  });

  test("allows what programs live on", () => {
    const must =
      "read write openat close fstat lseek mmap mprotect munmap brk rt_sigaction rt_sigprocmask futex execve exit_group " +
      "wait4 kill getpid fcntl flock fsync fdatasync ftruncate getcwd chdir renameat2 mkdirat unlinkat linkat symlinkat " +
      "readlinkat fchmodat fchownat utimensat statx getrandom epoll_create1 epoll_ctl epoll_pwait eventfd2 signalfd4 timerfd_create " +
      "pipe2 dup3 connect bind listen accept4 sendto recvfrom sendmsg recvmsg setsockopt getsockopt prctl prlimit64 sched_yield " +
      "clock_gettime nanosleep seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self rseq set_robust_list close_range";
    for (const name of must.split(" ")) expect(byName(name), name).toBe(ALLOW);
  });

  test("judges new processes by the namespaces they would have, in the bits that the kernel looks at", () => {
    const THREAD = 0x3d_0f00;
    const FORK = 0x120_0011;
    expect([byName("clone", THREAD), byName("clone", FORK), byName("clone", 17)]).toEqual([ALLOW, ALLOW, ALLOW]);
    const namespaces = [0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000];
    for (const flag of namespaces) {
      for (const name of ["clone", "unshare"]) {
        expect(byName(name, flag), `${name} ${flag.toString(16)}`).toBe(EPERM);
        expect(byName(name, flag | THREAD), name).toBe(EPERM);
        expect(byName(name, (1n << 32n) | BigInt(flag)), name).toBe(EPERM);
      }
    }
    expect(byName("unshare", 0x80)).toBe(EPERM); // CLONE_NEWTIME
    expect(byName("unshare", 0x400)).toBe(ALLOW); // CLONE_FILES
  });

  test("judges sockets by their family", () => {
    for (let family = 0; family < 64; family += 1) {
      expect(byName("socket", family), `socket ${family}`).toBe([1, 2, 10].includes(family) ? ALLOW : EAFNOSUPPORT);
      expect(byName("socketpair", family), `socketpair ${family}`).toBe(family === 1 ? ALLOW : EAFNOSUPPORT);
    }
    // The kernel looks at 32 bits: what stands above them must not make another family of it.
    expect(byName("socket", (1n << 32n) | 16n)).toBe(EAFNOSUPPORT);
    expect(byName("socket", 0xffff_ffff)).toBe(EAFNOSUPPORT);
  });

  test("judges ioctl by its request, whatever stands above its 32 bits", () => {
    for (const request of [0x5412, 0x541c, 0x541d]) {
      expect(byName("ioctl", 0, request)).toBe(EPERM);
      expect(byName("ioctl", 0, (1n << 32n) | BigInt(request))).toBe(EPERM);
      expect(byName("ioctl", request, 0)).toBe(ALLOW);
    }
    for (const request of [0x5401, 0x5413, 0x541b, 0x5421, 0x8008_6601])
      expect(byName("ioctl", 0, request)).toBe(ALLOW);
  });

  test("judges personality: plain Linux, or only asking", () => {
    expect([byName("personality", 0), byName("personality", 0xffff_ffff)]).toEqual([ALLOW, ALLOW]);
    for (const value of [8, 0x4_0000, 0x40_0000, 0x2_0000, (1n << 32n) | 8n])
      expect(byName("personality", value)).toBe(EPERM);
  });

  test("ends a process that calls by a foreign ABI, whatever the call", () => {
    for (const [name, foreign] of Object.entries({
      ...FOREIGN,
      ...(arch === "x64" ? { arm64: AUDIT.arm64 } : { x64: AUDIT.x64 }),
    })) {
      for (const number of [0, 1, 20, 39, 172, 435, 0xffff_ffff]) {
        expect(meaning(evaluate(program, { arch: foreign, number })), `${name} ${number}`).toBe(KILL);
      }
    }
  });
});

test("on x86-64, every number with x32's bit ends the process", () => {
  const program = serialize(buildFilter("x64"));
  for (const number of [0, 1, 39, 59, 435, 512, 520, 547, 1023]) {
    for (const high of [0x4000_0000, 0xc000_0000, 0x7fff_0000]) {
      const call = { arch: AUDIT.x64, number: (number | high) >>> 0 };
      expect(meaning(evaluate(program, call)), call.number.toString(16)).toBe(KILL);
    }
  }
});

test("a machine's table has no number twice, and the two agree from 424 on", () => {
  const [x64, arm64] = [syscallsOf("x64"), syscallsOf("arm64")];
  for (const [name, number] of x64) if (number >= 424) expect(arm64.get(name) ?? number, name).toBe(number);
  for (const table of [x64, arm64]) expect(new Set(table.values()).size).toBe(table.size);
});
