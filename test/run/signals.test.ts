/** What the caller does to Hardline reaches the agent. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Desk, EVERYBODY, said } from "./desk.ts";

/** Says which signals it gets, until it has got a TERM. The wait is interrupted by each of them. */
const LISTENER = [
  'for name in HUP INT QUIT USR1 USR2 WINCH CONT; do trap "echo got $name." $name; done',
  "trap 'echo got TERM.; exit 0' TERM",
  "echo ready",
  "while :; do sleep 0.02; done",
].join("\n");

const stateOf = (pid: number): string => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.[0] ?? "?";

describe.each(EVERYBODY)("as %s", (who) => {
  let desk: Desk;
  beforeAll(() => {
    desk = new Desk(who);
  });
  afterAll(() => desk.remove());

  test("every signal that a caller may send is passed on, and Hardline lives on", async () => {
    const started = desk.start(["sh", "-c", LISTENER]);
    await said(started, "ready");
    for (const name of ["HUP", "INT", "QUIT", "USR1", "USR2", "WINCH", "CONT", "TERM"]) {
      const answered = said(started, `got ${name}.`);
      process.kill(started.pid, `SIG${name}`);
      expect(await answered).toBeDefined();
    }
    expect(await started.ended).toMatchObject({ status: 0, signal: null });
  });

  test.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
    ["SIGHUP", 129],
    ["SIGQUIT", 131],
    ["SIGUSR1", 138],
  ] as const)("an agent that does not listen ends by %s, with status %i", async (signal, status) => {
    const started = desk.start(["sh", "-c", "echo ready; exec sleep 60"]);
    await said(started, "ready");
    process.kill(started.pid, signal);
    expect(await started.ended).toMatchObject({ status, signal: null });
  });

  test("the agent's whole process group gets it", async () => {
    const started = desk.start([
      "sh",
      "-c",
      "sh -c 'trap \"echo inner; exit\" TERM; echo ready; while :; do sleep 0.02; done' & trap : TERM; wait; wait",
    ]);
    await said(started, "ready");
    process.kill(started.pid, "SIGTERM");
    const { stdout } = await started.ended;
    expect(stdout.toString()).toContain("inner");
  });

  test("a stop stops the agent and Hardline, and a continue wakes both", async () => {
    const started = desk.start([
      "sh",
      "-c",
      "echo ready; i=0; while [ $i -lt 1000 ]; do i=$((i+1)); echo $i; sleep 0.01; done",
    ]);
    let lines = 0;
    started.child.stdout?.on("data", (bytes: Buffer) => {
      lines += bytes.toString().split("\n").length - 1;
    });
    await said(started, "ready");
    process.kill(started.pid, "SIGTSTP");
    await expect.poll(() => stateOf(started.pid), { timeout: 3000 }).toBe("T");
    await sleep(100);
    const before = lines;
    await sleep(300);
    expect(lines).toBe(before);
    process.kill(started.pid, "SIGCONT");
    await expect.poll(() => lines, { timeout: 3000 }).toBeGreaterThan(before);
    expect(stateOf(started.pid)).not.toBe("T");
    process.kill(started.pid, "SIGTERM");
    expect(await started.ended).toMatchObject({ status: 143 });
  });

  test("a continue right after a stop leaves neither stopped", async () => {
    const started = desk.start(["sh", "-c", "echo ready; exec sleep 60"]);
    await said(started, "ready");
    process.kill(started.pid, "SIGTSTP");
    await sleep(10);
    process.kill(started.pid, "SIGCONT");
    await sleep(200);
    expect(stateOf(started.pid)).not.toBe("T");
    process.kill(started.pid, "SIGTERM");
    expect(await started.ended).toMatchObject({ status: 143 });
  });

  test("a Hardline that is killed takes the agent with it", async () => {
    const started = desk.start(["sh", "-c", "echo ready; exec sleep 61.61"]);
    await said(started, "ready");
    process.kill(started.pid, "SIGKILL");
    // The pipe's other end is the agent's: it closes when the agent is gone.
    expect(await started.ended).toMatchObject({ signal: "SIGKILL" });
  });
});
