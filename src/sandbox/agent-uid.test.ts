import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { agentUid, firstChoice } from "./agent-uid.ts";

const SOURCE = join(import.meta.dirname, "agent-uid.ts");
let state: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "hardline-uid-"));
});
afterEach(() => rmSync(state, { recursive: true }));

/** Asks in so many processes at once; each waits for the same moment. */
function askTogether(agents: readonly string[]): Promise<number[]> {
  const script = `
    const { agentUid } = await import(${JSON.stringify(SOURCE)});
    const [state, agent, at] = process.argv.slice(1);
    while (Date.now() < Number(at));
    console.log(agentUid(state, "/srv/hardline.yaml", agent));
  `;
  const at = String(Date.now() + 1000);
  return Promise.all(
    agents.map(async (agent) => {
      const child = spawn(process.execPath, ["--input-type=module", "-e", script, state, agent, at]);
      let said = "";
      child.stdout.on("data", (bytes) => {
        said += bytes;
      });
      await once(child, "close");
      return Number(said);
    }),
  );
}

test("an agent keeps its uid, and no two have the same", () => {
  const first = agentUid(state, "/srv/a.yaml", "x");
  const others = [agentUid(state, "/srv/a.yaml", "y"), agentUid(state, "/srv/b.yaml", "x")];
  expect(new Set([first, ...others]).size).toBe(3);
  expect(agentUid(state, "/srv/a.yaml", "x")).toBe(first);
  expect(agentUid(state, "/srv/a.yaml", "y")).toBe(others[0]);
});

test("where the search begins never changes: the files that an agent left belong to that uid", () => {
  expect(["", "a", "/srv/a.yaml\0x", "/srv/ü.yaml\0x"].map(firstChoice)).toEqual([7385, 52512, 31566, 63452]);
});

test("uids lie where no distribution hands any out", () => {
  for (let index = 0; index < 50; index += 1) {
    const uid = agentUid(state, "/srv/a.yaml", `agent-${index}`);
    expect(uid).toBeGreaterThanOrEqual(0x7000_0000);
    expect(uid).toBeLessThan(0x7001_0000);
  }
});

test("one that is taken by somebody else is passed over, for good", () => {
  const wanted = agentUid(state, "/srv/a.yaml", "x");
  const file = join(state, "uids", String(wanted));
  writeFileSync(file, "/srv/other.yaml\0y");
  const given = agentUid(state, "/srv/a.yaml", "x");
  expect(given).not.toBe(wanted);
  expect(agentUid(state, "/srv/a.yaml", "x")).toBe(given);
  expect(readFileSync(file, "utf8")).toBe("/srv/other.yaml\0y");
});

test("only the supervisor can read who has which", () => {
  const uid = agentUid(state, "/srv/a.yaml", "x");
  expect(statSync(join(state, "uids")).mode & 0o777).toBe(0o700);
  expect(statSync(join(state, "uids", String(uid))).mode & 0o777).toBe(0o600);
});

test.each(["", "garbage"])("one whose owner cannot be told is refused: %j", (content) => {
  const uid = agentUid(state, "/srv/a.yaml", "x");
  const file = join(state, "uids", String(uid));
  writeFileSync(file, content);
  expect(() => agentUid(state, "/srv/a.yaml", "x")).toThrow(`${file} does not say whose uid it is`);
});

test("a list that cannot be kept is refused", () => {
  writeFileSync(join(state, "uids"), "a file");
  expect(() => agentUid(state, "/srv/a.yaml", "x")).toThrow(/uids\/\d+ cannot be read: ENOTDIR/);
});

test("eight that start together get eight, and eight starts of one agent get one", async () => {
  const agents = Array.from({ length: 8 }, (_, index) => `agent-${index}`);
  const uids = await askTogether(agents);
  expect(uids.every(Number.isInteger)).toBe(true);
  expect(new Set(uids).size).toBe(8);
  expect(agents.map((agent) => agentUid(state, "/srv/hardline.yaml", agent))).toEqual(uids);

  const same = await askTogether(Array(8).fill("one"));
  expect(same).toEqual(Array(8).fill(agentUid(state, "/srv/hardline.yaml", "one")));
  expect(readdirSync(join(state, "uids"))).toHaveLength(9);
});

test("some that want the same one get one each", async () => {
  const crowds = new Map<number, string[]>();
  for (let index = 0; [...crowds.values()].every(({ length }) => length < 4); index += 1) {
    const start = firstChoice(`/srv/hardline.yaml\0n${index}`);
    crowds.set(start, [...(crowds.get(start) ?? []), `n${index}`]);
  }
  const crowd = [...crowds.values()].find(({ length }) => length === 4) ?? [];
  const uids = await askTogether(crowd);
  expect(new Set(uids).size).toBe(4);
  // One after the other, beginning at the number that they all want.
  expect(Math.max(...uids) - Math.min(...uids)).toBe(3);
});
