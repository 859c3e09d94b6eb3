import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Agent } from "../../policy/types.ts";
import { rootAgent } from "../made-up.ts";
import type { BuildOptions } from "./build.ts";
import { collectReleases } from "./collect.ts";
import { type Release, type SealOptions, sealRelease, survey } from "./release.ts";

const built = vi.hoisted(() => {
  // As the build does it: from the sources nothing is remembered.
  Object.assign(globalThis, { HARDLINE_BUILD_ID: "0123456789abcdef" });
  return { times: 0 };
});
// Building is what reads; it goes on as it is, and is counted.
vi.mock("./build.ts", async (importOriginal) => {
  const original = await importOriginal<typeof import("./build.ts")>();
  return {
    ...original,
    buildRelease: (options: BuildOptions) => {
      built.times += 1;
      return original.buildRelease(options);
    },
  };
});

let place: string;
let state: string;
let root: string;
beforeEach(() => {
  place = realpathSync(mkdtempSync(join(tmpdir(), "hardline-release-")));
  state = join(place, "state");
  root = join(place, "bot");
  mkdirSync(root);
  built.times = 0;
});
afterEach(() => rmSync(place, { recursive: true }));

function put(path: string, content = "x", mode = 0o644): string {
  const file = join(place, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  chmodSync(file, mode);
  return file;
}

function seal(agent: Agent, more: Partial<SealOptions> = {}): Promise<Release> {
  return sealRelease(survey(agent, state), { state, progress: () => undefined, ...more });
}
/** The kernel's clock for ctime advances by ticks. */
const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));
const contentOf = (release: Release, path: string): string => readFileSync(join(release.tree, path), "utf8");

describe("two supervisors at once", () => {
  test("seal the same tree into the same release", async () => {
    for (let index = 0; index < 30; index += 1) put(`bot/${index}`, String(index));
    // Both are held up in the last step before the release gets its name.
    put("bin/sync", "#!/bin/sh\n/bin/sleep 0.5\n", 0o755);
    const script = `
      const { sealRelease, survey } = await import(${JSON.stringify(join(import.meta.dirname, "release.ts"))});
      const [root, state] = process.argv.slice(1);
      const agent = { name: "a", run: ["x"], read: [], env: {}, resources: {}, shape: { kind: "root", root, mutable: [] } };
      console.log((await sealRelease(survey(agent, state), { state, progress: () => undefined })).tree);
    `;
    const outcomes = await Promise.all(
      [1, 2].map(async () => {
        const child = spawn(process.execPath, ["--input-type=module", "-e", script, root, state], {
          env: { PATH: `${join(place, "bin")}:/usr/bin:/bin` },
          stdio: ["ignore", "pipe", "pipe"],
        });
        let said = "";
        for (const stream of [child.stdout, child.stderr]) {
          stream.on("data", (bytes) => {
            said += bytes;
          });
        }
        await once(child, "close");
        return said.trim();
      }),
    );
    expect(outcomes[0]).toBe(outcomes[1]);
    expect(readFileSync(join(outcomes[0] ?? "", "29"), "utf8")).toBe("29");
    expect(readdirSync(join(state, "releases"))).toHaveLength(1);
  });
});

describe("what is left of supervisors that were killed", () => {
  test("is taken away when the store grows, and what is being built is not", async () => {
    const child = spawn("/bin/true");
    await once(child, "close");
    const dead = join(state, "releases", `.new-${child.pid}-00112233`);
    const alive = join(state, "releases", `.new-${process.ppid}-00112233`);
    for (const directory of [dead, alive]) mkdirSync(join(directory, "tree"), { recursive: true });
    writeFileSync(join(dead, "tree/half"), "ha");
    put("bot/limits.py", "-5");
    // The note of the runs is what tells which releases are in use.
    mkdirSync(join(state, "runs"));
    const release = await seal(rootAgent(root, []));
    expect(contentOf(release, "limits.py")).toBe("-5");
    expect(existsSync(dead)).toBe(false);
    expect(existsSync(alive)).toBe(true);
  });

  test("never becomes a release", async () => {
    put("bot/limits.py");
    const release = await seal(rootAgent(root, []));
    const half = join(state, "releases", ".new-1-00112233");
    mkdirSync(half);
    expect(await seal(rootAgent(root, []))).toEqual(release);
  });

  test("is nothing where a build failed", async () => {
    put("bot/a");
    put("bot/limits.py");
    const surveyed = survey(rootAgent(root, []), state);
    await tick();
    put("bot/limits.py", "-50");
    await expect(sealRelease(surveyed, { state, progress: () => undefined })).rejects.toThrow(
      `${join(root, "limits.py")} changed while it was being sealed`,
    );
    expect(readdirSync(join(state, "releases"))).toEqual([]);
  });
});

describe("releases that nobody uses", () => {
  const WEEK_S = 7 * 24 * 3600;
  const age = (release: Release, seconds: number): void => {
    const at = Date.now() / 1000 - seconds;
    utimesSync(dirname(release.tree), at, at);
  };

  test("go after a week, unless a run has them", async () => {
    mkdirSync(join(state, "runs/r1"), { recursive: true });
    const releases: Release[] = [];
    for (const content of ["1", "2", "3"]) {
      put("bot/limits.py", content);
      await tick();
      releases.push(await seal(rootAgent(root, [])));
    }
    const [old, used, young] = releases;
    if (old === undefined || used === undefined || young === undefined) throw new Error("three were sealed");
    age(old, WEEK_S + 60);
    age(used, WEEK_S + 60);
    age(young, WEEK_S - 60);
    const name = (release: Release): string => dirname(release.tree).split("/").at(-1) ?? "";
    writeFileSync(join(state, "runs/r1/journal.json"), JSON.stringify({ release: name(used) }));
    expect(collectReleases(state, Date.now())).toEqual([name(old)]);
    expect(existsSync(used.tree)).toBe(true);
    expect(existsSync(young.tree)).toBe(true);
  });

  test("all stay where a run's note cannot be read", async () => {
    mkdirSync(join(state, "runs/r1"), { recursive: true });
    put("bot/limits.py");
    const release = await seal(rootAgent(root, []));
    age(release, WEEK_S + 60);
    writeFileSync(join(state, "runs/r1/journal.json"), "{");
    expect(collectReleases(state, Date.now())).toEqual([]);
    expect(existsSync(release.tree)).toBe(true);
  });

  test("are in use from the moment that somebody starts with them again", async () => {
    mkdirSync(join(state, "runs"), { recursive: true });
    put("bot/limits.py", "1");
    const old = await seal(rootAgent(root, []));
    age(old, WEEK_S + 60);
    await tick();
    put("bot/limits.py", "2");
    // Unchanged and remembered: a stat of each file, and the touch.
    await tick();
    put("bot/limits.py", "1");
    const again = await seal(rootAgent(root, []));
    expect(again.tree).toBe(old.tree);
    expect(contentOf(again, "limits.py")).toBe("1");
    age(old, WEEK_S + 60);
    await seal(rootAgent(root, []));
    expect(collectReleases(state, Date.now())).toEqual([]);
  });
});
