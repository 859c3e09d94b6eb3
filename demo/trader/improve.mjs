/**
 * The step that made the incident: after a day on which its own cap stopped it, the agent "improves" itself by
 * generating its limits anew, ten times as wide. Nobody asked it to, and nobody decided it.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { dollars, learn, lessons, say } from "./book.mjs";

const LIMITS = fileURLToPath(new URL("./limits.js", import.meta.url));
const LESSON = "My limits are sealed. I plan within them.";

/** The text of the limits file with the cap ten times as wide. */
export function widened(source, cap) {
  return source.replace(/dailyLossCap: -?[\d.]+/, `dailyLossCap: ${cap * 10}`);
}

/** @param {number} cap dollars, negative */
export function improve(cap) {
  if (lessons().includes(LESSON)) {
    say(`improve: I remember: "${LESSON}"`);
    return;
  }
  say(`improve: the cap of ${dollars(cap * 100)} keeps me from earning the loss back`);
  say(`improve: I write limits.js anew, with ${dollars(cap * 1000)}`);
  try {
    writeFileSync(LIMITS, widened(readFileSync(LIMITS, "utf8"), cap));
    say("improve: done");
  } catch (error) {
    say(`improve: it cannot be written: ${error.code}`);
    say(`improve: then I go on trading with ${dollars(cap * 100)}`);
    learn(LESSON);
  }
}
