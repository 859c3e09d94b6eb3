/** K4: signalling, tracing or reading the supervisor, the gate, or another agent of the same user. */
import { expect } from "vitest";
import { AT_FDCWD, AttackScript, O_RDONLY, O_RDWR, text } from "../support/attack-program.ts";
import type { Started } from "../support/hardline.ts";
import { Lab } from "../support/lab.ts";
import { type Bench, describeSandbox } from "../support/matrix.ts";
import { processes, type RunProcesses, runProcesses } from "../support/truth.ts";

const SIGKILL = 9;
const SIGSTOP = 19;
const PTRACE_ATTACH = 16;
const PTRACE_SEIZE = 0x4206;

/** Everything that one process can do to another by its number. */
function actOn(script: AttackScript, who: string, pid: number): AttackScript {
  script.attempt(`${who}: kill 0`, "kill", [pid, 0]);
  script.attempt(`${who}: kill`, "kill", [pid, SIGKILL]);
  script.attempt(`${who}: kill its group`, "kill", [-pid, SIGKILL]);
  script.attempt(`${who}: tkill`, "tkill", [pid, SIGSTOP]);
  script.attempt(`${who}: pidfd_open`, "pidfd_open", [pid, 0]).keep("pidfd");
  script.attempt(`${who}: pidfd_send_signal`, "pidfd_send_signal", [{ slot: "pidfd" }, SIGKILL, 0, 0]);
  script.attempt(`${who}: pidfd_getfd`, "pidfd_getfd", [{ slot: "pidfd" }, 0, 0]);
  script.attempt(`${who}: PTRACE_ATTACH`, "ptrace", [PTRACE_ATTACH, pid, 0, 0]);
  script.attempt(`${who}: PTRACE_SEIZE`, "ptrace", [PTRACE_SEIZE, pid, 0, 0]);
  const vector = new Uint8Array(BigUint64Array.from([0x80_0000n, 8n]).buffer);
  script.attempt(`${who}: process_vm_readv`, "process_vm_readv", [pid, { bytes: vector }, 1, { bytes: vector }, 1, 0]);
  script.attempt(`${who}: process_vm_writev`, "process_vm_writev", [
    pid,
    { bytes: vector },
    1,
    { bytes: vector },
    1,
    0,
  ]);
  script.attempt(`${who}: kcmp`, "kcmp", [pid, pid, 0, 0, 0]);
  for (const [name, flags] of [
    ["mem", O_RDWR],
    ["environ", O_RDONLY],
    ["maps", O_RDONLY],
    ["auxv", O_RDONLY],
    ["stack", O_RDONLY],
  ] as const) {
    script.attempt(`${who}: /proc ${name}`, "openat", [AT_FDCWD, text(`/proc/${pid}/${name}`), flags, 0]);
  }
  return script.attempt(`${who}: /proc cmdline`, "openat", [AT_FDCWD, text(`/proc/${pid}/cmdline`), O_RDONLY, 0]);
}

const BY_FILTER = ["pidfd_getfd", "PTRACE_ATTACH", "PTRACE_SEIZE", "process_vm_readv", "process_vm_writev", "kcmp"];

/** A process of the host's has no number in here. */
function invisible(script: AttackScript, who: string): Record<string, string> {
  return Object.fromEntries(
    script.attempts
      .map(({ name }) => name)
      .filter((name) => name.startsWith(`${who}: `))
      .map((name) => {
        const call = name.slice(who.length + 2);
        if (BY_FILTER.includes(call)) return [name, "EPERM"];
        if (call === "pidfd_send_signal") return [name, "EBADF"];
        return [name, call.startsWith("/proc") ? "ENOENT" : "ESRCH"];
      }),
  );
}

/** The gate can be seen, and signals of the agent's do not reach process 1 of its namespace: the call is answered, and nothing happens. */
const GATE: Readonly<Record<string, string>> = {
  "the gate: kill 0": "ok",
  "the gate: kill": "ok",
  "the gate: kill its group": "ESRCH",
  "the gate: tkill": "ok",
  "the gate: pidfd_open": "ok",
  "the gate: pidfd_send_signal": "ok",
  ...Object.fromEntries(BY_FILTER.map((call) => [`the gate: ${call}`, "EPERM"])),
  "the gate: /proc mem": "EACCES",
  "the gate: /proc environ": "EACCES",
  "the gate: /proc maps": "EACCES",
  "the gate: /proc auxv": "EACCES",
  "the gate: /proc stack": "EACCES",
  "the gate: /proc cmdline": "ok",
};

interface Neighbour {
  readonly lab: Lab;
  readonly run: Started;
  readonly pids: RunProcesses;
}

/** Another agent of the same user, running at the same time in a place of its own. */
async function neighbour({ shape, who }: Bench): Promise<Neighbour> {
  const lab = new Lab({ shape, who });
  const run = lab.start(["/bin/sleep", "60"]);
  return { lab, run, pids: await runProcesses(run.pid) };
}

async function end({ lab, run }: Neighbour): Promise<void> {
  process.kill(run.pid, "SIGTERM");
  await run.ended;
  lab.remove();
}

describeSandbox("K4: other processes", ["root", "list"], (bench) => {
  bench.test("of the host, of another agent: have no number; the gate: hears nothing", async () => {
    const other = await neighbour(bench);
    try {
      const { supervisor, keeper, bubblewrap, gate, agent } = other.pids;
      const script = new AttackScript();
      const foreign = {
        "the test": process.pid,
        supervisor,
        keeper,
        bubblewrap,
        "another gate": gate,
        "another agent": agent,
      };
      for (const [who, pid] of Object.entries(foreign)) actOn(script, who, pid);
      actOn(script, "the gate", 1);
      script.attempt("everybody", "kill", [-1, SIGKILL]);
      const { answers } = await bench.lab.attack(script);
      expect(answers).toEqual({
        ...Object.assign({}, ...Object.keys(foreign).map((who) => invisible(script, who))),
        ...GATE,
        // Nobody else is there.
        everybody: "ESRCH",
      });
      const alive = processes()
        .filter(({ alive }) => alive)
        .map(({ pid }) => pid);
      expect(alive).toEqual(expect.arrayContaining(Object.values(foreign)));
    } finally {
      await end(other);
    }
  });

  bench.test("the list of processes holds the sandbox's own alone", async () => {
    const other = await neighbour(bench);
    try {
      const { stdout } = await bench.lab.run(["/bin/sh", "-c", "cd /proc; echo [0-9]*"]);
      // The gate and this shell.
      expect(stdout.toString().trim().split(" ").map(Number)).toEqual([1, 2]);
    } finally {
      await end(other);
    }
  });

  bench.test("the control: outside, the same calls reach a process of the same user", async () => {
    const { lab } = bench;
    const victim = lab.start(["/bin/sleep", "60"], {});
    const { supervisor } = await runProcesses(victim.pid);
    const script = new AttackScript();
    script.attempt("kill 0", "kill", [supervisor, 0]);
    script.attempt("/proc cmdline", "openat", [AT_FDCWD, text(`/proc/${supervisor}/cmdline`), O_RDONLY, 0]);
    script.attempt("/proc mem", "openat", [AT_FDCWD, text(`/proc/${supervisor}/mem`), O_RDONLY, 0]);
    script.attempt("PTRACE_SEIZE", "ptrace", [PTRACE_SEIZE, supervisor, 0, 0]);
    script.attempt("kill", "kill", [supervisor, SIGKILL]);
    const { answers } = await lab.control(script);
    expect(answers).toMatchObject({ "kill 0": "ok", "/proc cmdline": "ok", kill: "ok" });
    // Some hosts let nobody trace what is not a child, and answer EPERM.
    if (bench.who === "root") expect(answers).toMatchObject({ "/proc mem": "ok", PTRACE_SEIZE: "ok" });
    expect(await victim.ended).toMatchObject({ signal: "SIGKILL" });
  });
});
