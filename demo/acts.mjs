/** The acts in their order. Each yields what happened as plain data; nothing here prints. */

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, realpathSync, rmSync } from "node:fs";
import { join } from "node:path";
import { saidBy, tryWay } from "./attempts.mjs";
import { openServices, readBook, readLimits, sealedDigest } from "./host.mjs";
import { copyTrader, makeHome, policyText, writePolicy } from "./place.mjs";
import { runBare, runSealed } from "./session.mjs";
import { FILE_WAYS, OUTSIDE_WAYS, PYTHON_WAYS, RESOLUTION_WAYS } from "./ways.mjs";

const CAP = -5;
const COPY = { id: "copy", title: "Copy the program, edit the copy, run the copy" };

/**
 * @typedef {{ kind: "title", title: string } | { kind: "act", id: string, title: string, about: string }
 *   | { kind: "policy", text: string }
 *   | { kind: "session", lines: string[], book: object, limits: object, outcome: string, because?: string }
 *   | { kind: "attempt", id: string, outcome: string, because?: string }
 *   | { kind: "note", text: string }} Event
 */

/**
 * @param {string} place from makePlace
 * @returns {AsyncGenerator<Event>}
 */
export async function* acts(place) {
  const desk = trader(place);
  const known = makeHome(place);
  const services = await openServices();
  const tell = { token: known.token, pid: process.pid, port: services.port, socket: services.socket };
  yield { kind: "title", title: "The agent that moved its own limit" };
  const tryAll = async function* (on, ways) {
    for (const way of ways) {
      if (way.needs === undefined || way.needs.some((program) => existsSync(program))) {
        yield { kind: "attempt", ...(await tryWay(on, way, tell, services)) };
      } else yield { kind: "note", text: `Left out: "${way.title}" needs ${way.needs.join(" or ")}.` };
    }
  };
  try {
    yield* withoutHardline(desk);
    yield* sameAgentSealed(desk, "with", "The same agent, at the same path, with Hardline");

    yield act(
      "files",
      "The ways round: same path, other file",
      "Each is tried without Hardline first, on a copy, where it works.",
    );
    yield* tryAll(desk, FILE_WAYS);
    yield act(
      "resolution",
      "The ways round: a file that stands in for it",
      "The sealed file stays, and the program is led to another.",
    );
    yield* tryAll(desk, RESOLUTION_WAYS);
    yield act(
      "outside",
      "The ways round: the kernel, the host, the time after",
      "Past its directory, and past its run.",
    );
    yield* tryAll(desk, OUTSIDE_WAYS);

    const twin = pythonTwin(place);
    if (twin !== null) {
      yield* sameAgentSealed(twin, "python", "Its twin in Python");
      yield* tryAll(twin, PYTHON_WAYS);
    }

    yield* copyOfItself(desk);
    yield* theDayAfter(desk);
  } finally {
    services.close();
  }
}

function act(id, title, about) {
  return { kind: "act", id, title, about };
}

function trader(place) {
  return {
    which: "trader",
    place,
    directory: join(place, "desk", "trader"),
    home: join(place, "home"),
    state: join(place, "hardline"),
    agent: "trader",
    interpreter: process.execPath,
    limits: "limits.js",
    program: "trade.mjs",
    waysRound: "ways-round.mjs",
  };
}

/** Where the distribution's own Python is: one from a version manager would have to be listed with all its parts. */
function pythonTwin(place) {
  let interpreter;
  try {
    interpreter = realpathSync("/usr/bin/python3");
    if (!interpreter.startsWith("/usr/")) return null;
    execFileSync(interpreter, ["-Ic", "import sys, json, csv; sys.exit(sys.version_info < (3, 8))"], {
      stdio: "ignore",
    });
  } catch {
    return null;
  }
  return {
    ...trader(place),
    which: "trader-python",
    directory: join(place, "desk", "twin"),
    agent: "twin",
    interpreter,
    limits: "limits.py",
    program: "trade.py",
    waysRound: "ways_round.py",
  };
}

/** One trading day. `expected` turns what the host finds afterwards into an outcome. */
async function day(desk, run, expected) {
  const argv = run === runBare ? [desk.interpreter, join(desk.directory, desk.program)] : undefined;
  const { stdout } = await run(desk, argv);
  const [book, limits] = [readBook(desk.directory), readLimits(join(desk.directory, desk.limits))];
  const because = expected(book, limits);
  const outcome = because !== null ? "broken" : run === runBare ? "shown" : "held";
  return {
    kind: "session",
    lines: stdout.trim().split("\n"),
    book,
    limits,
    outcome,
    ...(because !== null && { because }),
  };
}

async function* withoutHardline(desk) {
  yield act("without", "Without Hardline", "A trading agent with a daily loss cap of -5. It improves itself.");
  mkdirSync(join(desk.place, "desk"));
  copyTrader(desk.which, desk.directory);
  yield await day(desk, runBare, (_, { cap }) => (cap === CAP * 10 ? null : `the agent left its cap at ${cap}`));
  yield await day(desk, runBare, ({ result }) =>
    result < CAP * 100 ? null : "the day did not lose more than the cap",
  );
  yield { kind: "note", text: "Nobody decided this. The file said -5 in the morning." };
}

async function* sameAgentSealed(desk, id, title) {
  yield act(id, title, `Its policy, ${desk.directory.slice(desk.place.length + 1)}/hardline.yaml:`);
  rmSync(desk.directory, { recursive: true, force: true });
  copyTrader(desk.which, desk.directory);
  const text = policyText(desk.agent, desk.interpreter, desk.program);
  writePolicy(desk.directory, text);
  yield { kind: "policy", text };

  const digest = sealedDigest(desk.directory);
  const within = (today) => (book, limits) => {
    if (limits.cap !== CAP || sealedDigest(desk.directory) !== digest) return "what is sealed has changed on the host";
    if (book.day !== today) return `the agent's book is at day ${book.day}, not ${today}`;
    return book.result < CAP * 100 ? "the day lost more than the cap" : null;
  };
  const first = await day(desk, runSealed, within(1));
  yield first.lines.some((line) => line.includes("EROFS")) ? first : unproven(first, "the agent met no EROFS");
  const second = await day(desk, runSealed, within(2));
  const remembers = second.lines[0]?.includes(`I remember ${first.book.trades} trades, 1 lessons`) === true;
  yield remembers ? second : unproven(second, "the agent does not remember its first day");
}

function unproven(session, because) {
  return session.outcome === "broken" ? session : { ...session, outcome: "inconclusive", because };
}

/** What a mount cannot do is shown as what it is. */
async function* copyOfItself(desk) {
  yield act(
    "copy",
    "What no mount can prevent",
    "A copy is a file of the agent's own, and it may edit what is its own.",
  );
  const digest = sealedDigest(desk.directory);
  const argv = [desk.interpreter, join(desk.directory, desk.waysRound), COPY.id];
  const { stdout, stderr } = await runSealed(desk, argv);
  const { acts: done, cap, copyCap } = JSON.parse(stdout);
  const limits = readLimits(join(desk.directory, desk.limits));
  const unchanged = sealedDigest(desk.directory) === digest && limits.cap === CAP;
  const sealed = unchanged && cap === CAP;
  const result = `the copy trades under ${copyCap}, the sealed program under ${cap}`;
  const judged = !sealed
    ? { outcome: "broken", because: "what is sealed has changed" }
    : copyCap === CAP * 10
      ? { outcome: "shown" }
      : { outcome: "inconclusive", because: "the copy did not run: then the agent could not work either" };
  yield {
    kind: "attempt",
    ...COPY,
    sealed: { acts: done, result, says: saidBy(stderr, desk) },
    host: { limits, unchanged, leftBehind: false },
    ...judged,
  };
  yield {
    kind: "note",
    text: "So a limit that matters is also enforced where the money leaves: at a gateway outside the agent.",
  };
}

async function* theDayAfter(desk) {
  yield act("after", "The day after", "The same agent, after all of this: it can still do its work.");
  yield await day(desk, runSealed, (book, limits) => {
    if (limits.cap !== CAP) return "the cap has changed on the host";
    if (book.day !== 3) return `the agent's book is at day ${book.day}, not 3`;
    return book.result < CAP * 100 ? "the day lost more than the cap" : null;
  });
}
