/**
 * Kill -9 of the supervisor at random moments, a hundred times: no process of the agent's is left, nothing is left on the
 * host, and the next start works. The moments are drawn from a seed that is printed, and that HARDLINE_SEED sets.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AttackScript } from "../support/attack-program.ts";
import { canBe, type Who } from "../support/identity.ts";
import { Lab, type Shape } from "../support/lab.ts";
import { cgroupsOf, mounts, processesNaming, runProcesses, snapshot, until, withoutTimes } from "../support/truth.ts";

const TIMES = 100;
/** Milliseconds; longer where starting itself takes longer, so that there are moments of both kinds. */
const LEAST_SPREAD = 120;
const BOUND = 2000;
const seed = Number(process.env["HARDLINE_SEED"] ?? Date.now() % 2 ** 32);

/** Mulberry32: small, and the same everywhere. */
function randomFrom(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Leaves a daemon that hears no signal, and stays. */
function agent(): AttackScript {
  const script = new AttackScript();
  script.detached((child) => {
    child.quietly("setsid", []).quietly("rt_sigprocmask", [2, { bytes: new Uint8Array(8).fill(0xff) }, 0, 8]);
    child.forever();
  });
  return script.forever();
}

const COMBINATIONS: readonly (readonly [Shape, Who])[] = [
  ["root", "root"],
  ["list", "root"],
  ["root", "user"],
  ["list", "user"],
];

describe.each(COMBINATIONS)("kill -9 at random moments, shape %s, as %s", (shape, who) => {
  const possible = canBe(who) ? test : test.skipIf(true);
  let lab: Lab;
  let program: string;
  let spread = LEAST_SPREAD;
  let before: { readonly project: string; readonly mounts: readonly string[] };

  beforeAll(async () => {
    if (!canBe(who)) return;
    lab = new Lab({ shape, who });
    program = lab.program(agent());
    expect((await lab.run(["/bin/true"])).status).toBe(0);
    const started = Date.now();
    const run = lab.start([program]);
    await runProcesses(run.pid);
    spread = Math.max(LEAST_SPREAD, 2 * (Date.now() - started));
    run.child.kill("SIGKILL");
    await run.ended;
    await until("the first is gone", () => processesNaming(lab.directory).length === 0 || undefined, BOUND);
    before = { project: project(lab), mounts: mounts() };
  });
  afterAll(() => lab?.remove());

  possible(
    `${TIMES / COMBINATIONS.length} times, seed ${seed}`,
    async () => {
      const random = randomFrom(seed + COMBINATIONS.findIndex((each) => each[0] === shape && each[1] === who));
      const unlike = { agents: 0, early: 0 };
      for (let time = 0; time < TIMES / COMBINATIONS.length; time += 1) {
        const delay = random() * spread;
        const run = lab.start([program]);
        await new Promise((resolve) => setTimeout(resolve, delay));
        if (processesNaming(program).some(({ command }) => command[0] === program)) unlike.agents += 1;
        else unlike.early += 1;
        const ids = lab.runIds();
        run.child.kill("SIGKILL");
        expect(await run.ended).toMatchObject({ signal: "SIGKILL" });
        const what = `time ${time}, killed after ${delay.toFixed(1)} ms`;
        await until(
          `${what}: no process is left`,
          () => processesNaming(lab.directory).length === 0 || undefined,
          BOUND,
        );
        expect(project(lab), what).toBe(before.project);
        expect(mounts(), what).toEqual(before.mounts);
        expect(cgroupsOf(ids), what).toEqual([]);
      }
      // Moments of both kinds: while everything is being set up, and while the agent runs.
      expect(unlike.early).toBeGreaterThan(0);
      expect(unlike.agents).toBeGreaterThan(0);

      const next = await lab.run(["/bin/sh", "-c", "cat limits.txt && ! echo forged > limits.txt"]);
      expect(next.status, next.stderr).toBe(0);
      expect(project(lab)).toBe(before.project);
      expect(lab.runIds()).toEqual([]);
    },
    120_000,
  );
});

function project(lab: Lab): string {
  return JSON.stringify(withoutTimes(snapshot(lab.project)));
}
