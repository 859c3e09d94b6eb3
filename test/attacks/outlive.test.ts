/** K8: staying behind after the run, by every way in which a process leaves its parents. */
import { afterEach, expect } from "vitest";
import { AttackScript } from "../support/attack-program.ts";
import { type Ended, type Started, start } from "../support/hardline.ts";
import type { Lab } from "../support/lab.ts";
import { type Bench, describeSandbox } from "../support/matrix.ts";
import {
  cgroupsOf,
  mounts,
  processesNaming,
  type RunProcesses,
  runProcesses,
  snapshot,
  until,
  withoutTimes,
} from "../support/truth.ts";

const SIG_SETMASK = 2;
const SIG_IGN_ALL = { bytes: new Uint8Array(8).fill(0xff) };
const SCHED_IDLE = 5;
/** How long a process may be seen after its run: the kernel ends them, nobody has to be asked. */
const BOUND = 2000;

/** Two forks and a session of its own: the process has init as its parent, no terminal, and hears no signal. */
function daemonise(script: AttackScript): AttackScript {
  return script.detached((child) => {
    child.quietly("setsid", []).detached((daemon) => {
      daemon.quietly("setsid", []).quietly("rt_sigprocmask", [SIG_SETMASK, SIG_IGN_ALL, 0, 8]);
      // Nothing on the standard descriptors that would keep somebody waiting.
      for (const descriptor of [0, 1, 2]) daemon.quietly("close", [descriptor]);
      daemon.forever();
    });
  });
}

/** An agent that leaves daemons behind and hears no signal itself. */
function stubborn(): AttackScript {
  const script = daemonise(daemonise(new AttackScript()));
  return script.quietly("rt_sigprocmask", [SIG_SETMASK, SIG_IGN_ALL, 0, 8]).forever();
}

async function gone(lab: Lab): Promise<void> {
  await until(
    "every process of the run has ended",
    () => processesNaming(lab.directory).length === 0 || undefined,
    BOUND,
  );
}

/** Starts an agent with daemons, ends the run in some way, and sees what is left. */
async function endedBy(bench: Bench, script: AttackScript, how: (pids: RunProcesses) => void): Promise<void> {
  const { lab } = bench;
  const program = lab.program(script);
  const before = { project: withoutTimes(snapshot(lab.project)), mounts: mounts() };
  const run = lab.start([program]);
  const pids = await runProcesses(run.pid);
  await until("the daemons run", () => processesNaming(program).length >= 3 + 3 || undefined);
  const ids = lab.runIds();
  expect(ids).toHaveLength(1);
  how(pids);
  await endedWithin(run);
  await gone(lab);
  await until(
    "the project is as it was",
    () => isSame(withoutTimes(snapshot(lab.project)), before.project) || undefined,
    BOUND,
  );
  expect(mounts()).toEqual(before.mounts);
  expect(cgroupsOf(ids)).toEqual([]);
  expect((await lab.run(["/bin/true"])).status).toBe(0);
}

async function endedWithin(run: Started): Promise<Ended> {
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error(`the run has not ended within ${BOUND} ms`)), BOUND).unref();
  });
  return await Promise.race([run.ended, late]);
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

describeSandbox("K8: outliving the run", ["root", "list"], (bench) => {
  // Where a test failed, the next one must not find its run.
  afterEach(() => {
    if (bench.isPossible) bench.lab.endAll();
  });

  bench.test("a daemon is gone when the agent has ended", async () => {
    const { lab } = bench;
    const script = daemonise(new AttackScript()).attempt("the agent's end", "getpid", []);
    expect((await lab.attack(script)).answers).toEqual({ "the agent's end": "ok" });
    await gone(lab);
  });

  bench.test("the control: without Hardline it stays", async () => {
    const { lab } = bench;
    const program = lab.program(daemonise(new AttackScript()));
    await start([program], { as: lab.as }).ended;
    const stayed = processesNaming(program);
    for (const { pid } of stayed) process.kill(pid, "SIGKILL");
    expect(stayed).toHaveLength(1);
    await gone(lab);
  });

  bench.test("all are gone after kill -9 of the supervisor", async () => {
    await endedBy(bench, stubborn(), ({ supervisor }) => process.kill(supervisor, "SIGKILL"));
  });

  bench.test("all are gone after SIGTERM, if the agent heeds it", async () => {
    const heeding = daemonise(daemonise(new AttackScript())).forever();
    await endedBy(bench, heeding, ({ supervisor }) => process.kill(supervisor, "SIGTERM"));
  });

  bench.test.each(["bubblewrap", "gate", "agent"] as const)("all are gone after kill -9 of the %s", async (victim) => {
    await endedBy(bench, stubborn(), (pids) => process.kill(pids[victim], "SIGKILL"));
  });

  bench.test("a gate that the agent starves ends the run all the same", async () => {
    // The gate has the agent's uid, so its priority is the agent's to take away; spinning, the agent wants every cycle.
    const script = new AttackScript();
    script.buffer("priority", 8);
    script.attempt("SCHED_IDLE for the gate", "sched_setscheduler", [1, SCHED_IDLE, { address: "priority" }]);
    script.attempt("nice 19 for the gate", "setpriority", [0, 1, 19]);
    script.attempt("one processor for the gate", "sched_setaffinity", [
      1,
      8,
      { bytes: Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0) },
    ]);
    script.attempt("stop the gate", "kill", [1, 19]);
    for (let spinner = 0; spinner < 4; spinner += 1)
      script.detached((child) => void child.forever((again) => again.quietly("getpid", [])));
    script.quietly("rt_sigprocmask", [SIG_SETMASK, SIG_IGN_ALL, 0, 8]).forever((again) => again.quietly("getpid", []));
    await endedBy(bench, script, ({ supervisor }) => process.kill(supervisor, "SIGKILL"));
  });
});

describeSandbox("K8: kill -9 of the keeper", ["root", "list"], (bench) => {
  bench.test("all are gone, and what the keeper cannot clean up any more the next start does", async () => {
    const { lab } = bench;
    const before = withoutTimes(snapshot(lab.project));
    const run = lab.start([lab.program(stubborn())]);
    const { keeper } = await runProcesses(run.pid);
    const ids = lab.runIds();
    process.kill(keeper, "SIGKILL");
    expect((await endedWithin(run)).status).toBe(125);
    await gone(lab);
    expect((await lab.run(["/bin/true"])).status).toBe(0);
    expect(withoutTimes(snapshot(lab.project))).toEqual(before);
    expect(cgroupsOf(ids)).toEqual([]);
  });
});
