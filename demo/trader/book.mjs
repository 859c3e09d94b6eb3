/** What the agent keeps between two runs: its book in `state/`, what it learned in `memory/`, its log in `logs/`. */
import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const BOOK = here("./state/book.json");
const LESSONS = here("./memory/lessons.md");
const LOG = here("./logs/trader.log");

/** Amounts in cents. `position` is what was paid for the one unit held, or null. */
const NEW_BOOK = { day: 0, cash: 100_000, position: null, realised: 0, journal: [] };

function readOr(path, otherwise) {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return otherwise;
    throw error;
  }
}

export function openBook() {
  for (const directory of ["./state", "./memory", "./logs", "./market"]) {
    mkdirSync(here(directory), { recursive: true });
  }
  return JSON.parse(readOr(BOOK, JSON.stringify(NEW_BOOK)));
}

/** Written beside and renamed, so that a crash leaves the old book or the new one. */
export function closeBook(book) {
  writeFileSync(`${BOOK}.new`, `${JSON.stringify(book, null, 1)}\n`);
  renameSync(`${BOOK}.new`, BOOK);
}

/** @returns {string[]} one lesson each, oldest first */
export function lessons() {
  return readOr(LESSONS, "")
    .split("\n")
    .filter((line) => line.startsWith("- "))
    .map((line) => line.slice(2));
}

export function learn(lesson) {
  appendFileSync(LESSONS, `- ${lesson}\n`);
}

/** To the log and to whoever is watching. */
export function say(line) {
  appendFileSync(LOG, `${line}\n`);
  process.stdout.write(`${line}\n`);
}

/** Cents as dollars with a sign where negative: `-4.17`. */
export function dollars(cents) {
  return (cents / 100).toFixed(2);
}
