/** What the caller does to Hardline is done to the agent: signals, and the terminal's stop and continue. */
import { say } from "../core/say.ts";
import type { RunningAgent } from "../sandbox/launch/launch.ts";
import { hasTerminal, isInBackground } from "../sandbox/launch/stdio.ts";

/**
 * Signals that the agent gets when the supervisor gets them. Job control's are among them: the agent has a session of its
 * own, which the caller's terminal does not reach.
 */
const PASSED_ON = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGCONT"] as const;
/** Those of them that end a start which has not come to an agent yet. */
const ENDING: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR2"];
/** What an agent has to put its terminal in order before it is stopped. */
const GRACE_MS = 50;
/** What it has to come to its end after its terminal is gone. */
const HANG_UP_MS = 10_000;

export interface SignalRelay {
  /** From here on the agent gets them. */
  connect(agent: Pick<RunningAgent, "signal" | "kill">): void;
  /** They mean to this process what they meant before. */
  release(): void;
}

/**
 * To be had before the agent is let go: it may be heard of, and be sent a signal, before the supervisor's next line. Until
 * `connect`, a signal that would have ended the supervisor still does.
 */
export function relaySignals(): SignalRelay {
  let agent: Pick<RunningAgent, "signal" | "kill"> | undefined;
  let stop: NodeJS.Timeout | undefined;
  let last: NodeJS.Timeout | undefined;
  let isToldToEnd = false;
  const listeners: (readonly [NodeJS.Signals, () => void])[] = PASSED_ON.map((signal) => [signal, () => pass(signal)]);
  listeners.push(["SIGTSTP", suspend]);
  const release = (): void => {
    clearTimeout(stop);
    clearTimeout(last);
    for (const [signal, listener] of listeners) process.off(signal, listener);
  };
  for (const [signal, listener] of listeners) process.on(signal, listener);

  function pass(signal: NodeJS.Signals): void {
    // A continue that comes before the stop has come too late to wake from it.
    if (signal === "SIGCONT") {
      clearTimeout(stop);
      if (agent !== undefined && hasTerminal() && isInBackground()) {
        stayStopped();
        return;
      }
    }
    if (agent !== undefined) {
      agent.signal(signal);
      end(signal);
    } else if (ENDING.includes(signal)) {
      release();
      process.kill(process.pid, signal);
    }
  }

  // An agent may ignore what it is told. It may not decide by that whether it outlives its terminal, or whoever stops it.
  function end(signal: NodeJS.Signals): void {
    if (signal === "SIGHUP") last ??= setTimeout(() => agent?.kill(), HANG_UP_MS);
    if (signal !== "SIGTERM") return;
    if (isToldToEnd) agent?.kill();
    isToldToEnd = true;
  }

  // In the background the agent would read what is typed to the shell, which the kernel keeps others from.
  function stayStopped(): void {
    say("the agent has the terminal, so it goes on in the foreground only: type fg");
    process.kill(process.pid, "SIGSTOP");
  }

  // The agent hears of it and can put the terminal in order. The kernel would not stop it for that: it thinks that a group
  // without a shell above it could never be woken. SIGCONT wakes both.
  function suspend(): void {
    agent?.signal("SIGTSTP");
    clearTimeout(stop);
    stop = setTimeout(() => {
      agent?.signal("SIGSTOP");
      process.kill(process.pid, "SIGSTOP");
    }, GRACE_MS);
  }

  return {
    connect: (running) => {
      agent = running;
    },
    release,
  };
}
