import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { relaySignals, type SignalRelay } from "./signals.ts";

const relays: SignalRelay[] = [];
afterEach(() => {
  for (const relay of relays.splice(0)) relay.release();
});
function relayed(): { relay: SignalRelay; sent: string[]; killed: string[] } {
  const relay = relaySignals();
  relays.push(relay);
  const sent: string[] = [];
  const killed: string[] = [];
  relay.connect({ signal: (signal) => sent.push(signal) > 0, kill: () => void killed.push("killed") });
  return { relay, sent, killed };
}

test("an agent gets each signal once", () => {
  const { sent } = relayed();
  const signals = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGCONT"] as const;
  for (const signal of signals) process.emit(signal, signal);
  expect(sent).toEqual(signals);
});

test("one that is told to end a second time is ended, whatever it does with what it is told", () => {
  const { sent, killed } = relayed();
  process.emit("SIGTERM", "SIGTERM");
  process.emit("SIGINT", "SIGINT");
  process.emit("SIGUSR1", "SIGUSR1");
  expect(killed).toEqual([]);
  process.emit("SIGTERM", "SIGTERM");
  expect(killed).toEqual(["killed"]);
  expect(sent).toEqual(["SIGTERM", "SIGINT", "SIGUSR1", "SIGTERM"]);
});

test("one whose terminal is gone is ended a while after", () => {
  vi.useFakeTimers();
  try {
    const { killed } = relayed();
    process.emit("SIGHUP", "SIGHUP");
    vi.advanceTimersByTime(9_000);
    expect(killed).toEqual([]);
    vi.advanceTimersByTime(2_000);
    expect(killed).toEqual(["killed"]);
  } finally {
    vi.useRealTimers();
  }
});

test("a released relay leaves nothing behind", () => {
  const before = process.eventNames().map((name) => [name, process.listenerCount(name)]);
  const { relay, sent } = relayed();
  process.emit("SIGTSTP", "SIGTSTP");
  relay.release();
  expect(process.eventNames().map((name) => [name, process.listenerCount(name)])).toEqual(before);
  expect(sent).toEqual(["SIGTSTP"]);
});

test("a continue that follows on a stop at once cancels it", async () => {
  const { sent } = relayed();
  process.emit("SIGTSTP", "SIGTSTP");
  process.emit("SIGCONT", "SIGCONT");
  await new Promise((resolve) => setTimeout(resolve, 120));
  expect(sent).toEqual(["SIGTSTP", "SIGCONT"]);
});

test.each([
  ["SIGTERM", "SIGTERM"],
  ["SIGINT", "SIGINT"],
  ["SIGHUP", "SIGHUP"],
  ["SIGQUIT", "SIGQUIT"],
  ["SIGUSR2", "SIGUSR2"],
  ["SIGWINCH", null],
  ["SIGUSR1", null],
] as const)("before there is an agent, %s ends the supervisor by %s", async (signal, ended) => {
  const script = `
    const { relaySignals } = await import(${JSON.stringify(join(import.meta.dirname, "signals.ts"))});
    relaySignals();
    console.log("ready");
    setTimeout(() => process.exit(7), 300);
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "ignore"] });
  await once(child.stdout, "data");
  child.kill(signal);
  expect(await once(child, "close")).toEqual([ended === null ? 7 : null, ended]);
});
