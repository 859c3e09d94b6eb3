/** Words for a person on standard error, all of them, whatever was done to the descriptor. */
import { writeSync } from "node:fs";
import { errnoOf } from "./errors.ts";

const PATIENCE_MS = 5_000;
const PAUSE_MS = 5;

/**
 * Writes a text to a descriptor, and returns when all of it is written. An agent that shares the descriptor may have made
 * it non-blocking and filled what is behind it: then it is tried again for a while. A reader that is gone is nothing to
 * stop at.
 */
export function writeAll(descriptor: number, text: string, patienceMs = PATIENCE_MS): void {
  const bytes = Buffer.from(text);
  const until = Date.now() + patienceMs;
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(descriptor, bytes, at);
    } catch (error) {
      if (errnoOf(error) !== "EAGAIN" || Date.now() > until) return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    }
  }
}

/** One line of Hardline's own. */
export function say(line: string): void {
  writeAll(2, `hardline: ${line}\n`);
}
