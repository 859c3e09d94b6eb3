import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { SandboxError } from "../errors.ts";
import { childOf, firstChildOf, startTimeOf } from "./process-tree.ts";

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
});

/** A process with so many children, which say when they are there. */
async function parentOf(children: number): Promise<number> {
  const line = "sleep 60 & ".repeat(children);
  const child = spawn("/bin/sh", ["-c", `${line} echo there; exec sleep 60`], { stdio: ["ignore", "pipe", "ignore"] });
  started.push(child);
  await once(child.stdout, "data");
  const { pid } = child;
  if (pid === undefined) throw new Error("not started");
  return pid;
}

function killChildren(pid: number): void {
  for (const child of readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")) {
    if (child !== "") process.kill(Number(child), "SIGKILL");
  }
}

describe("children", () => {
  test("the only one is found", async () => {
    const pid = await parentOf(1);
    const child = childOf(pid);
    expect(readFileSync(`/proc/${child}/stat`, "utf8")).toContain(` ${pid} `);
    expect(firstChildOf(pid)).toBe(child);
    killChildren(pid);
  });

  test.each([0, 2])("%i of them are not the one that is expected", async (count) => {
    const pid = await parentOf(count);
    expect(() => childOf(pid)).toThrow(
      new SandboxError("launch-failed", `process ${pid} has ${count} children where one was expected`),
    );
    killChildren(pid);
  });

  test("the first of several is the one that was made first", async () => {
    const pid = await parentOf(3);
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").map(Number);
    expect(firstChildOf(pid)).toBe(Math.min(...children));
    killChildren(pid);
  });

  test("a process that is gone has none", () => {
    expect(firstChildOf(2 ** 22 + 1)).toBeUndefined();
    expect(() => childOf(2 ** 22 + 1)).toThrow(/has 0 children/);
  });
});

describe("the time at which a process started", () => {
  test("is the same as long as it lives, whatever it calls itself", async () => {
    const child = spawn(
      process.execPath,
      ["-e", "process.title = 'a) b (c'; console.log(1); setTimeout(() => 0, 60000)"],
      {
        stdio: ["ignore", "pipe", "ignore"],
      },
    );
    started.push(child);
    const early = startTimeOf(child.pid ?? -1);
    await once(child.stdout, "data");
    expect(early).toMatch(/^\d+$/);
    expect(startTimeOf(child.pid ?? -1)).toBe(early);
    expect(startTimeOf(process.pid)).not.toBe(early);
  });

  test("is none for one that is gone, or only waits to be collected", async () => {
    expect(startTimeOf(2 ** 22 + 1)).toBeUndefined();
    // The shell becomes a program that never waits for its children.
    const child = spawn("/bin/sh", ["-c", "/bin/sleep 0.1 & echo $!; exec sleep 60"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    started.push(child);
    const [said] = await once(child.stdout, "data");
    const zombie = Number(String(said));
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(readFileSync(`/proc/${zombie}/stat`, "utf8")).toContain(" Z ");
    expect(startTimeOf(zombie)).toBeUndefined();
  });
});
