import { type ChildProcess, spawn } from "node:child_process";
import { EventEmitter } from "node:events";
import { constants } from "node:os";
import { Duplex } from "node:stream";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SandboxError } from "../errors.ts";
import { GO, LAUNCH, LOCK, MESSAGES, type MessageKind } from "./channel.ts";
import { errorName, Session } from "./session.ts";

/** A keeper that says what a test has it say, and notes what it hears. */
class FakeKeeper extends EventEmitter {
  readonly heard: number[] = [];
  readonly channel = new Duplex({
    read: () => undefined,
    write: (bytes: Buffer, _, done) => {
      this.heard.push(...bytes);
      done();
    },
  });
  readonly stdio = [null, null, null, this.channel];

  say(...messages: readonly (readonly [MessageKind, number])[]): void {
    for (const [kind, value] of messages) this.channel.push(bytesOf(MESSAGES[kind], value));
  }
}

function bytesOf(kind: number, value: number): Buffer {
  return Buffer.from(BigInt64Array.from([BigInt(kind), BigInt(value)]).buffer);
}

let keeper: FakeKeeper;
let session: Session;
beforeEach(() => {
  keeper = new FakeKeeper();
  session = new Session(keeper as unknown as ChildProcess);
});
afterEach(() => {
  vi.useRealTimers();
});

async function refusal(promise: Promise<unknown>): Promise<SandboxError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SandboxError);
  return error as SandboxError;
}

describe("an agent's end", () => {
  test("is any status there is", async () => {
    for (let status = 0; status < 256; status += 1) {
      const one = new FakeKeeper();
      const { ended } = new Session(one as unknown as ChildProcess);
      one.say(["ready", 0], ["ended", status << 8]);
      await new Promise(setImmediate);
      one.emit("close", 0, null);
      expect(await ended).toEqual({ kind: "exited", status });
    }
  });

  test("is any signal there is, with a core file or without", async () => {
    for (const signal of new Set(Object.values(constants.signals))) {
      for (const core of [0, 0x80]) {
        const one = new FakeKeeper();
        const { ended } = new Session(one as unknown as ChildProcess);
        one.say(["ended", signal | core]);
        await new Promise(setImmediate);
        one.emit("close", 0, null);
        expect(await ended).toEqual({ kind: "signalled", signal });
      }
    }
  });

  test("is that its program could not be executed, whatever is said of the gate's child then", async () => {
    keeper.say(["not-executed", -2], ["ended", 126 << 8]);
    await new Promise(setImmediate);
    keeper.emit("close", 0, null);
    expect(await session.ended).toEqual({ kind: "not-executed", errno: 2 });
  });

  test("is that its mounts changed, whatever is said of the agent then", async () => {
    keeper.say(["mounts-changed", 0], ["ended", 9]);
    await new Promise(setImmediate);
    keeper.emit("close", 0, null);
    expect(await session.ended).toEqual({ kind: "mounts-changed" });
  });

  test("without a word is the sandbox's loss", async () => {
    keeper.say(["ready", 0]);
    keeper.emit("close", null, "SIGKILL");
    expect(await session.ended).toEqual({ kind: "lost" });
  });
});

describe("setting up", () => {
  test("goes on when the gate waits, and the words are the supervisor's", async () => {
    session.startLauncher();
    keeper.say(["old-keyring", 7], ["new-keyring", 8], ["ready", 0]);
    await session.ready();
    expect(session.keyrings).toEqual({ before: 7, after: 8 });
    session.go();
    await new Promise(setImmediate);
    expect(keeper.heard).toEqual([LAUNCH, GO]);
  });

  test.each([
    ["keeper-failed", "mkdirat: a control group of its own: EACCES"],
    ["launcher-failed", "mount: the staging area: EACCES"],
    ["gate-failed", "seccomp: the filter: EACCES"],
  ] as const)("ends when a call fails, and names it: %s", async (kind, message) => {
    session.checked = () => ({
      keeper: ["setsid: x", "mkdirat: a control group of its own"],
      launcher: ["unshare: x", "mount: the staging area"],
      gate: ["prctl: x", "seccomp: the filter"],
    });
    keeper.say([kind, 1], [kind, -constants.errno.EACCES]);
    const error = await refusal(session.ready());
    expect(error).toMatchObject({
      code: "launch-failed",
      message,
      remedy: "`hardline doctor` tells what this host refuses.",
    });
  });

  test("names a call that it cannot know as such, and never goes on", async () => {
    keeper.say(["gate-failed", 99], ["gate-failed", -9999]);
    expect((await refusal(session.ready())).message).toBe("an unknown call: error 9999");
  });

  test("ends when the keeper ends before, and points to what bubblewrap said", async () => {
    const waiting = refusal(session.ready());
    keeper.emit("close", 1, null);
    expect((await waiting).message).toBe("the sandbox could not be set up; see bubblewrap's message above");
  });

  test("ends when somebody else speaks on the channel, and hangs up", async () => {
    keeper.channel.push(bytesOf(77, 0));
    expect((await refusal(session.ready())).message).toBe("unknown message from the sandbox's gate");
    expect(keeper.channel.destroyed).toBe(true);
  });

  test("takes no part of a message for the whole", async () => {
    const bytes = bytesOf(MESSAGES.ready, 0);
    keeper.channel.push(bytes.subarray(0, 9));
    const first = await Promise.race([
      session.ready().then(() => "ready"),
      new Promise((resolve) => setImmediate(resolve, "waiting")),
    ]);
    expect(first).toBe("waiting");
    keeper.channel.push(bytes.subarray(9));
    await session.ready();
  });

  test("ends after a minute", async () => {
    vi.useFakeTimers();
    const waiting = refusal(session.ready());
    await vi.advanceTimersByTimeAsync(59_000);
    expect(keeper.heard).toEqual([]);
    await vi.advanceTimersByTimeAsync(2000);
    expect((await waiting).message).toBe("setting up the sandbox took longer than a minute");
  });

  test("of a program that cannot be started is an error, and the end", async () => {
    const child = spawn("/etc/passwd", [], { stdio: ["ignore", "ignore", "ignore", "pipe"] });
    const real = new Session(child);
    const error = await refusal(real.ready());
    expect(error.message).toMatch(/^the keeper could not be started: .*EACCES/);
    expect(error.remedy).toBe("The state directory must let programs run.");
    expect(await real.ended).toEqual({ kind: "lost" });
  });
});

describe("locking a workspace", () => {
  test.each([
    [0, true],
    [-constants.errno.EWOULDBLOCK, false],
  ])("is answered with %i", async (answer, got) => {
    const asked = session.lock();
    keeper.say(["locked", answer]);
    expect(await asked).toBe(got);
    expect(keeper.heard).toEqual([LOCK]);
  });

  test("that fails otherwise is an error", async () => {
    const asked = refusal(session.lock());
    keeper.say(["locked", -constants.errno.ENOLCK]);
    expect((await asked).message).toBe("the workspace could not be locked: ENOLCK");
  });

  test("ends with the keeper", async () => {
    const asked = refusal(session.lock());
    keeper.emit("close", 0, null);
    expect(await asked).toMatchObject({ code: "launch-failed" });
  });
});

test("error numbers have names", () => {
  expect(errorName(28)).toBe("ENOSPC");
  expect(errorName(1)).toBe("EPERM");
  expect(errorName(4095)).toBe("error 4095");
});
