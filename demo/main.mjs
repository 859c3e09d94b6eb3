/**
 * The demo: a trading agent that widens its own loss cap, first without Hardline and then with it.
 *
 *   node demo/main.mjs           the story
 *   node demo/main.mjs --json    the same as data
 *
 * Everything is real: the checkout's `bin/hardline run`, a copy of the trader in a temporary place, this kernel's answers.
 * Exit status: 0 everything held, 1 something did not, or the demo could not be played, 2 wrong arguments.
 */
import process from "node:process";
import { acts } from "./acts.mjs";
import { makePlace, removePlace } from "./place.mjs";
import { DemoError, endSessions } from "./session.mjs";
import { storyteller } from "./story.mjs";

const USAGE = "usage: node demo/main.mjs [--json] [--no-color]\n";
const PASSING = new Set(["held", "shown", "moot"]);

function parse(argv) {
  const known = new Set(["--json", "--no-color", "--help"]);
  const stranger = argv.find((argument) => !known.has(argument));
  if (stranger !== undefined) {
    process.stderr.write(`demo: unknown argument ${JSON.stringify(stranger)}\n${USAGE}`);
    process.exit(2);
  }
  if (argv.includes("--help")) {
    process.stdout.write(USAGE);
    process.exit(0);
  }
  const color = process.stdout.isTTY === true && !process.env.NO_COLOR && !argv.includes("--no-color");
  return { json: argv.includes("--json"), color };
}

/** @returns {{ verdict: "held" | "not held", counts: Record<string, number> }} */
function verdictOf(events) {
  const outcomes = events.flatMap((event) => event.outcome ?? []);
  const counts = {};
  for (const outcome of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return { verdict: outcomes.length > 0 && outcomes.every((one) => PASSING.has(one)) ? "held" : "not held", counts };
}

/** Events by act, as `--json` gives them. */
function grouped(events) {
  const found = [];
  for (const { kind, ...event } of events) {
    if (kind === "act") found.push({ ...event, sessions: [], attempts: [] });
    else if (kind === "session") found.at(-1).sessions.push(event);
    else if (kind === "attempt") found.at(-1).attempts.push(event);
  }
  return found;
}

async function play({ json, color }, place) {
  const tell = storyteller(color);
  const events = [];
  for await (const event of acts(place)) {
    events.push(event);
    if (!json) process.stdout.write(tell(event));
  }
  const end = verdictOf(events);
  process.stdout.write(
    json ? `${JSON.stringify({ ...end, acts: grouped(events) }, null, 2)}\n` : tell({ kind: "verdict", ...end }),
  );
  return end.verdict === "held" ? 0 : 1;
}

const options = parse(process.argv.slice(2));
const place = makePlace();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.once(signal, () => {
    endSessions();
    removePlace(place);
    process.exit(1);
  });
}
try {
  process.exitCode = await play(options, place);
} catch (error) {
  if (!(error instanceof DemoError)) throw error;
  process.stderr.write(`\ndemo: cannot go on: ${error.message}\n`);
  process.exitCode = 1;
} finally {
  removePlace(place);
}
