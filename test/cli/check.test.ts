/** `check` and `fmt`: answers, exit statuses, shapes. */
import { chmodSync, lstatSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SHAPES } from "../../src/cli/reference/shapes.ts";
import { hardline, type Outcome, projectDirectory } from "./harness.ts";

const SOUND = `version: 1
agents:
  worker:
    run: [sh, work.sh]
    root: .
    mutable: [state]
`;

let directory = "";
beforeEach(() => {
  directory = projectDirectory();
  mkdirSync(join(directory, "state"));
  writeFileSync(join(directory, "work.sh"), "echo work\n");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function verb(...words: string[]): Promise<Outcome> {
  return hardline(words, { workingDirectory: directory });
}

function policy(text: string): string {
  const file = join(directory, "hardline.yaml");
  writeFileSync(file, text);
  return file;
}

async function findings(...words: string[]) {
  const { status, stdout } = await verb("check", "--json", ...words);
  return { status, findings: SHAPES.check.parse(JSON.parse(stdout)).findings };
}

test("a sound policy: yes", async () => {
  policy(SOUND);
  expect(await findings()).toEqual({ status: 0, findings: [] });
  const { status, stdout, stderr } = await verb("check");
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "ok: nothing found\n", stderr: "" });
});

test("no policy: no answer", async () => {
  const { status, findings: found } = await findings();
  expect(status).toBe(1);
  expect(found.map(({ id }) => id)).toEqual(["policy-missing"]);
});

test("a directory in place of the policy: no answer", async () => {
  mkdirSync(join(directory, "hardline.yaml"));
  const { status, findings: found } = await findings();
  expect(status).toBe(1);
  expect(found.map(({ id }) => id)).toEqual(["policy-unreadable"]);
});

test("a broken policy: no, with the place", async () => {
  const file = policy(SOUND.replace("mutable", "mutabel"));
  const { status, findings: found } = await findings();
  expect(status).toBe(2);
  expect(found).toContainEqual(
    expect.objectContaining({ id: "unknown-key", severity: "error", file, line: 6, column: 5 }),
  );
  const text = (await verb("check")).stdout;
  expect(text).toContain("hardline.yaml:6:5: error: ");
  expect(text).toContain("      mutabel: [state]\n      ^\n");
  expect(text).toContain("mutable");
});

test("an agent that is not there: no answer, and the nearest name", async () => {
  policy(SOUND);
  const { status, findings: found } = await findings("--agent", "wroker");
  expect(status).toBe(1);
  expect(found).toEqual([expect.objectContaining({ id: "unknown-agent", fix: 'did you mean "worker"?' })]);
});

test("a hazard: no", async () => {
  policy(SOUND.replace("work.sh", "state/work.sh"));
  writeFileSync(join(directory, "state/work.sh"), "echo work\n");
  const { status, findings: found } = await findings();
  expect(status).toBe(2);
  expect(found.some(({ severity, agent }) => severity === "error" && agent === "worker")).toBe(true);
});

test("what nothing enforces yet: no, once", async () => {
  policy(`${SOUND}red_lines:\n  - id: none\n    never: { http: "* example.com/**" }\n`);
  const { status, findings: found } = await findings();
  expect(status).toBe(2);
  expect(found.filter(({ line }) => line >= 7)).toHaveLength(1);
});

test("a state directory inside the sealed root: no", async () => {
  policy(SOUND);
  const { status, findings: found } = await findings("--state", join(directory, "kept/here"));
  expect(status).toBe(2);
  expect(found.map(({ id }) => id)).toContain("state-in-root");
});

test("a state directory that the agent may read, whole or a part of it: no, at the place", async () => {
  const state = join(directory, "../hl-state");
  const inner = join(directory, "state-of-hardline");
  mkdirSync(inner);
  for (const [read, stateDir] of [
    [inner, inner],
    [inner, join(inner, "deeper")],
    [inner, join(inner, "not-there-yet/deeper")],
  ] as const) {
    policy(`${SOUND.replace("root: .", "root: ./kept")}    read: [/usr/share, ${read}]\n`);
    mkdirSync(join(directory, "kept"), { recursive: true });
    const { status, findings: found } = await findings("--state", stateDir);
    expect(status).toBe(2);
    expect(found).toContainEqual(expect.objectContaining({ id: "state-in-read", line: 7 }));
    expect((await findings("--state", state)).findings.map(({ id }) => id)).not.toContain("state-in-read");
  }
});

test("colours only on a terminal that wants them", async () => {
  policy(SOUND);
  const ask = (environment: Record<string, string>, isTerminal: boolean, ...words: string[]): Promise<Outcome> =>
    hardline(["check", ...words], { workingDirectory: directory, environment, isTerminal });
  expect((await ask({}, true)).stdout).toContain("\u001b[32m");
  for (const outcome of [
    await ask({}, false),
    await ask({ NO_COLOR: "1" }, true),
    await ask({ TERM: "dumb" }, true),
    await ask({}, true, "--no-color"),
    await ask({}, true, "--json"),
  ]) {
    expect(outcome.stdout).not.toContain("\u001b");
  }
});

const UNTIDY = "# kept\nagents:\n    worker: {root: ., run: [sh, work.sh], mutable: [state]}\nversion: 1\n";

test("fmt rewrites, keeps comments and mode, and is content with its own work", async () => {
  const file = policy(UNTIDY);
  chmodSync(file, 0o640);
  expect((await verb("fmt", "--check")).status).toBe(2);
  expect(readFileSync(file, "utf8")).toBe(UNTIDY);
  const printed = await verb("fmt", "--print");
  expect(printed).toMatchObject({ status: 0, stderr: "" });
  expect(readFileSync(file, "utf8")).toBe(UNTIDY);

  const { status, stdout } = await verb("fmt", "--json");
  expect(SHAPES.fmt.parse(JSON.parse(stdout))).toEqual({ file, changed: true, problems: [] });
  expect(status).toBe(0);
  const text = readFileSync(file, "utf8");
  expect(text).toBe(printed.stdout);
  expect(text).toContain("# kept");
  expect(statSync(file).mode & 0o777).toBe(0o640);
  expect((await verb("fmt", "--check")).status).toBe(0);
  expect(SHAPES.fmt.parse(JSON.parse((await verb("fmt", "--json")).stdout)).changed).toBe(false);
});

test("fmt leaves a broken policy alone and says why", async () => {
  const file = policy("version: [1\n");
  const { status, stderr } = await verb("fmt");
  expect(status).toBe(2);
  expect(stderr).toContain("hardline.yaml:");
  expect(readFileSync(file, "utf8")).toBe("version: [1\n");
  expect(SHAPES.fmt.parse(JSON.parse((await verb("fmt", "--json")).stdout)).problems.length).toBeGreaterThan(0);
});

test("fmt writes through a symlink and leaves it one", async () => {
  writeFileSync(join(directory, "real.yaml"), UNTIDY);
  symlinkSync("real.yaml", join(directory, "hardline.yaml"));
  expect((await verb("fmt")).status).toBe(0);
  expect(lstatSync(join(directory, "hardline.yaml")).isSymbolicLink()).toBe(true);
  expect(readFileSync(join(directory, "real.yaml"), "utf8")).not.toBe(UNTIDY);
});
