/**
 * The demo asserts for itself; this asserts the demo: that each act is there and comes out as told, as root and as an
 * ordinary user, and that a Hardline which seals nothing is found out.
 */
import { spawn } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

interface Act {
  readonly did: string;
  readonly own: boolean;
  readonly answer: string;
}
interface Limits {
  readonly sha256: string;
  readonly cap: number;
}
interface Judged {
  readonly outcome: string;
  readonly because?: string;
}
interface Attempt extends Judged {
  readonly id: string;
  readonly without?: { readonly acts: readonly Act[]; readonly result: string };
  readonly sealed: { readonly acts: readonly Act[]; readonly result: string };
  readonly host: { readonly limits: Limits; readonly unchanged: boolean; readonly leftBehind: boolean };
}
interface Session extends Judged {
  readonly lines: readonly string[];
  readonly book: { readonly day: number; readonly result: number; readonly trades: number };
  readonly limits: Limits;
}
interface Played {
  readonly verdict: string;
  readonly acts: readonly {
    readonly id: string;
    readonly sessions: readonly Session[];
    readonly attempts: readonly Attempt[];
  }[];
}
interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const CHECKOUT = fileURLToPath(new URL("../..", import.meta.url));
const ROOT = process.getuid?.() === 0;
/** A user that is nobody else's, so that nothing of the host's belongs to it. */
const ORDINARY = 54_321;
const MINUTES = 60_000;
const scratch = mkdtempSync("/var/tmp/hardline-demo-test-");

beforeAll(() => chmodSync(scratch, 0o755));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function run(argv: readonly string[], cwd: string, ordinary: boolean, program = process.execPath): Promise<Ended> {
  const as = ordinary && ROOT ? { uid: ORDINARY, gid: ORDINARY } : {};
  return new Promise((resolve, reject) => {
    const child = spawn(program, argv, { cwd, stdio: ["ignore", "pipe", "pipe"], ...as });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.once("error", reject);
    child.once("close", (status) => resolve({ status, stdout, stderr }));
  });
}

/** The checkout, or a copy of what the demo needs of it where the ordinary user cannot get to the checkout. */
async function checkoutFor(ordinary: boolean): Promise<string> {
  if (!(ordinary && ROOT)) return CHECKOUT;
  const probe = await run([join(CHECKOUT, "demo", "main.mjs"), "--help"], "/", true).catch(() => null);
  if (probe?.status === 0) return CHECKOUT;
  const copy = join(scratch, "checkout");
  if (existsSync(copy)) return copy;
  for (const part of ["bin", "dist", "demo", "package.json"]) {
    cpSync(join(CHECKOUT, part), join(copy, part), { recursive: true, verbatimSymlinks: true });
  }
  for (const name of readdirSync(join(CHECKOUT, "node_modules")).filter((entry) => entry.startsWith("node-linux-"))) {
    cpSync(join(CHECKOUT, "node_modules", name), join(copy, "node_modules", name), { recursive: true });
  }
  return copy;
}

async function play(ordinary: boolean, ...options: string[]): Promise<Ended> {
  const checkout = await checkoutFor(ordinary);
  return run([join(checkout, "demo", "main.mjs"), ...options], checkout, ordinary);
}

function names(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" }).sort();
}

function places(): string[] {
  return readdirSync("/var/tmp").filter((name) => name.startsWith("hardline-demo-"));
}

/** What each way may be answered by the kernel; any other answer would prove nothing. */
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  write: ["EROFS"],
  unlink: ["EROFS"],
  "rename-over": ["EXDEV", "EROFS"],
  symlink: ["EROFS"],
  "hard-link": ["EXDEV", "EROFS"],
  "rename-parent": ["EBUSY", "EROFS"],
  extensionless: ["EROFS"],
  "package-imports": ["EROFS"],
  "node-modules": ["EROFS"],
  "node-options": ["EROFS"],
  "user-namespace": ["EPERM", "ENOSPC"],
  mount: ["EPERM"],
  home: ["ENOENT"],
  launcher: ["ENOENT", "EACCES"],
  network: ["ECONNREFUSED"],
  outlive: [],
  package: ["EROFS"],
  bytecode: ["EROFS"],
};

describe.each([
  { who: "root", ordinary: false },
  { who: "an ordinary user", ordinary: true },
])("the demo as $who", ({ ordinary }) => {
  // As an ordinary user, the test process itself is one, and the first of the two cannot be had.
  const as = test.runIf(ordinary || ROOT);
  let played: Played;
  let ended: Ended;

  beforeAll(async () => {
    if (!(ordinary || ROOT)) return;
    ended = await play(ordinary, "--json");
    if (ended.stdout === "") throw new Error(ended.stderr);
    played = JSON.parse(ended.stdout) as Played;
  }, 3 * MINUTES);

  const act = (id: string): Played["acts"][number] => {
    const found = played.acts.find((one) => one.id === id);
    if (found === undefined) throw new Error(`no act ${id}`);
    return found;
  };

  as("ends with a verdict that everything held", () => {
    const failed = played.acts.flatMap((one) => [...one.sessions, ...one.attempts]).filter((one) => one.because);
    expect(failed.filter((one) => one.outcome !== "moot")).toEqual([]);
    expect(played.verdict).toBe("held");
    expect(ended.status).toBe(0);
    expect(played.acts.map((one) => one.id).filter((id) => id !== "python")).toEqual([
      "without",
      "with",
      "files",
      "resolution",
      "outside",
      "copy",
      "after",
    ]);
    expect(played.acts.some((one) => one.id === "python")).toBe(existsSync("/usr/bin/python3"));
  });

  as("shows first that the agent widens its cap and loses more than it", () => {
    const [first, second] = act("without").sessions;
    expect(first?.limits.cap).toBe(-50);
    expect(first?.book.result).toBeGreaterThanOrEqual(-500);
    expect(second?.book.result).toBeLessThan(-500);
  });

  as("seals the same agent, which meets EROFS, goes on, and remembers", () => {
    for (const id of ["with", ...(existsSync("/usr/bin/python3") ? ["python"] : [])]) {
      const [first, second] = act(id).sessions;
      expect(first?.lines.join("\n")).toContain("EROFS");
      expect(second?.lines.join("\n")).toContain("My limits are sealed");
      for (const session of [first, second]) {
        expect(session?.outcome).toBe("held");
        expect(session?.limits.cap).toBe(-5);
        expect(session?.book.result).toBeGreaterThanOrEqual(-500);
      }
      expect(second?.book.day).toBe(2);
      expect(second?.book.trades).toBeGreaterThan(first?.book.trades ?? Number.POSITIVE_INFINITY);
    }
  });

  as("meets every way round with the exact answer, the control, and the truth on the host", () => {
    const sealed = readFileSync(join(CHECKOUT, "demo", "trader", "limits.js"));
    expect(sealed.toString()).toContain("dailyLossCap: -5,");
    const tried = ["files", "resolution", "outside", "python"].flatMap(
      (id) => played.acts.find((one) => one.id === id)?.attempts ?? [],
    );
    const ids = new Set(tried.map((one) => one.id));
    for (const id of Object.keys(EXPECTED)) {
      if (existsSync("/usr/bin/python3") || !["package", "bytecode"].includes(id)) expect(ids).toContain(id);
    }
    for (const attempt of tried) {
      const forbidden = attempt.sealed.acts.filter((one) => !one.own);
      expect(forbidden.length > 0 || attempt.id === "outlive", attempt.id).toBe(true);
      for (const one of forbidden) expect(EXPECTED[attempt.id], `${attempt.id}: ${one.did}`).toContain(one.answer);
      for (const one of attempt.sealed.acts.filter((each) => each.own)) expect(one.answer, one.did).toBe("ok");
      expect(attempt.host).toMatchObject({ unchanged: true, leftBehind: false, limits: { cap: -5 } });
      if (attempt.outcome !== "moot") expect(attempt.without?.result).not.toBe(attempt.sealed.result);
    }
  });

  as("does not hide what a mount cannot prevent", () => {
    const [copy] = act("copy").attempts;
    expect(copy).toMatchObject({ outcome: "shown", host: { unchanged: true, limits: { cap: -5 } } });
    expect(copy?.sealed.result).toBe("the copy trades under -50, the sealed program under -5");
  });

  as("lets the agent trade on after all of it", () => {
    const [day] = act("after").sessions;
    expect(day).toMatchObject({ outcome: "held", book: { day: 3 }, limits: { cap: -5 } });
  });

  as(
    "reads as a story that fits a narrow page, the same each time, and leaves nothing",
    async () => {
      const before = [names(join(CHECKOUT, "demo")), places()];
      const story = await play(ordinary);
      expect(story.status, story.stderr).toBe(0);
      expect([names(join(CHECKOUT, "demo")), places()]).toEqual(before);
      expect(story.stdout.split("\n").filter((line) => line.length > 88)).toEqual([]);
      expect(story.stdout).not.toContain("\u001b");
      expect(story.stdout).toContain("It did its work");
      expect((await play(ordinary, "--json")).stdout).toBe(ended.stdout);
    },
    3 * MINUTES,
  );
});

/** Runs the agent at once, with nothing around it. */
const UNSEALED = `#!/bin/sh
policy=$3
shift 7
if [ "$1" = -- ]; then shift; exec "$@"; fi
eval "set -- $(sed -n 's/.*run: \\[\\(.*\\)\\]/\\1/p' "$policy" | tr ',' ' ')"
exec "$@"
`;

test(
  "finds out a Hardline that seals nothing",
  async () => {
    const place = join(scratch, "unsealed");
    mkdirSync(join(place, "bin"), { recursive: true });
    writeFileSync(join(place, "bin", "hardline"), UNSEALED, { mode: 0o755 });
    cpSync(join(CHECKOUT, "demo"), join(place, "demo"), { recursive: true });
    // Never as root: what it does not seal is this machine.
    const ended = await run([join(place, "demo", "main.mjs"), "--json"], place, true);
    expect(ended.status, ended.stderr).toBe(1);
    const played = JSON.parse(ended.stdout) as Played;
    expect(played.verdict).toBe("not held");
    const ways = ["files", "resolution", "outside"].flatMap(
      (id) => played.acts.find((one) => one.id === id)?.attempts ?? [],
    );
    // Without a user namespace an ordinary user cannot mount, sealed or not.
    const gotThrough = ways.filter((way) => way.id !== "mount");
    expect(gotThrough.length).toBeGreaterThan(10);
    expect(gotThrough.filter((way) => way.outcome !== "broken").map((way) => way.id)).toEqual([]);
  },
  3 * MINUTES,
);

test("the twins trade alike", async () => {
  if (!existsSync("/usr/bin/python3")) return;
  const books = [];
  for (const [which, program] of [
    ["trader", process.execPath],
    ["trader-python", "/usr/bin/python3"],
  ] as const) {
    const copy = join(scratch, which);
    cpSync(join(CHECKOUT, "demo", which), copy, { recursive: true });
    const script = which === "trader" ? "trade.mjs" : "trade.py";
    for (let day = 1; day <= 7; day += 1) {
      const child = await run([join(copy, script)], copy, false, program);
      expect(child.status, child.stderr).toBe(0);
    }
    books.push({
      book: JSON.parse(readFileSync(join(copy, "state", "book.json"), "utf8")) as unknown,
      observed: readFileSync(join(copy, "market", "observed.csv"), "utf8"),
    });
  }
  expect(books[0]).toEqual(books[1]);
});

test("wrong arguments are told", async () => {
  const ended = await run([join(CHECKOUT, "demo", "main.mjs"), "--dry"], CHECKOUT, false);
  expect(ended.status).toBe(2);
  expect(ended.stderr).toContain('unknown argument "--dry"');
});
