/** The verbs that touch the host, as processes: from `init` to an agent that runs, with nothing in between. */
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ERROR_SHAPE, SHAPES } from "../../src/cli/reference/shapes.ts";
import { projectDirectory } from "./harness.ts";

const HARDLINE = join(import.meta.dirname, "../../bin/hardline");

const isRoot = process.geteuid?.() === 0;
/** Nobody in particular. */
const ORDINARY = 65_534;

let project = "";
let state = "";
/** Whom the verbs run as; absent: as this process. */
let uid: number | undefined;
beforeEach(() => {
  project = projectDirectory();
  state = projectDirectory();
  chmodSync(project, 0o755);
  uid = undefined;
});
afterEach(() => {
  rmSync(project, { recursive: true, force: true });
  rmSync(state, { recursive: true, force: true });
});

function hardline(...words: string[]) {
  const { status, stdout, stderr } = spawnSync(HARDLINE, words, {
    cwd: project,
    encoding: "utf8",
    env: { PATH: process.env["PATH"], HOME: state, XDG_STATE_HOME: state, SOME_TOKEN: "secret" },
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  return { status, stdout, stderr };
}

function run(...words: string[]) {
  return hardline("run", "--state", state, ...words);
}

test("doctor: every mechanism is there, in its documented shape", () => {
  const { status, stdout } = hardline("doctor", "--json", "--state", state);
  const { ok, probes } = SHAPES.doctor.parse(JSON.parse(stdout));
  expect(probes.filter((probe) => probe.status === "failed")).toEqual([]);
  expect({ ok, status }).toEqual({ ok: true, status: 0 });
  const text = hardline("doctor", "--state", state);
  expect(text.stdout).toContain("ok: an agent can be started here");
});

function worksAtOnce(): void {
  writeFileSync(join(project, "go"), '#!/bin/sh\necho "$SOME_TOKEN|$HARDLINE_AGENT"\necho more >> logs/log\n', {
    mode: 0o755,
  });
  writeFileSync(join(project, ".gitignore"), "logs/\n");
  expect(hardline("init", "--agent", "it").status).toBe(0);
  expect(hardline("check", "--state", state).status).toBe(0);
  const planned = hardline("plan", "--json", "--state", state);
  expect(planned.status).toBe(0);
  const plan = SHAPES.plan.parse(JSON.parse(planned.stdout));
  expect(plan).toMatchObject({
    agent: "it",
    command: ["./go"],
    workingDirectory: project,
    mutable: [join(project, "logs")],
  });
  expect(plan.environment["SOME_TOKEN"]).toBeUndefined();
  expect(hardline("plan", "--state", state).stdout).toContain(`mutable  ${project}/logs`);

  expect(run()).toEqual({ status: 0, stdout: "|it\n", stderr: "" });
  expect(run().status).toBe(0);
  expect(readFileSync(join(project, "logs/log"), "utf8")).toBe("more\nmore\n");
}

test("init, check, plan, run: a policy that works at once", worksAtOnce);

test.skipIf(!isRoot)("the same as an ordinary user (needs root)", () => {
  uid = ORDINARY;
  for (const directory of [project, state]) chownSync(directory, ORDINARY, ORDINARY);
  worksAtOnce();
});

test("run passes arguments and the exit status, and tells not found from not executable", () => {
  expect(hardline("init").status).toBe(0);
  expect(run("--", "printf", "%s|", "a b", "", "--json", "--", "$x").stdout).toBe("a b||--json|--|$x|");
  expect(run("--", "sh", "-c", "exit 37").status).toBe(37);
  expect(run("--", "sh", "-c", "kill -TERM $$").status).toBe(128 + 15);
  expect(run("--", "no-such-program").status).toBe(127);
  writeFileSync(join(project, "data"), "not a program\n");
  expect(run("--", "./data").status).toBe(126);
});

test("run in full and in short give the same", () => {
  expect(hardline("init").status).toBe(0);
  // An option that only the full command line knows.
  const full = run("--no-color", "--", "sh", "-c", "echo out; exit 3");
  expect(full).toEqual(run("--", "sh", "-c", "echo out; exit 3"));
  expect(full).toMatchObject({ status: 3, stdout: "out\n" });
});

test("nothing is started where anything is wrong", () => {
  const sentinel = join(project, "state/started");
  const refused = (says: string): void => {
    const { status, stdout, stderr } = run("--", "touch", sentinel);
    expect(stderr).toContain(says);
    expect(stderr).not.toMatch(/^ +at .*\.cjs/m);
    expect({ status, stdout }).toEqual({ status: 125, stdout: "" });
    expect(existsSync(sentinel)).toBe(false);
  };
  refused("hardline init");
  writeFileSync(join(project, "hardline.yaml"), "version: 2\n");
  refused("hardline.yaml:1:10");
  expect(hardline("init", "--force").status).toBe(0);
  const policy = readFileSync(join(project, "hardline.yaml"), "utf8");
  writeFileSync(
    join(project, "hardline.yaml"),
    `${policy}red_lines:\n  - id: x\n    never: { http: "* example.com/**" }\n`,
  );
  refused("red_lines");
});

test("plan without a policy: an error in the shape that was asked for", () => {
  const { status, stdout, stderr } = hardline("plan", "--json", "--state", state);
  expect({ status, stderr }).toEqual({ status: 1, stderr: "" });
  expect(ERROR_SHAPE.parse(JSON.parse(stdout)).error.message).toContain("hardline.yaml");
});

test("a reader that goes away early is no fault", () => {
  expect(hardline("init").status).toBe(0);
  const { status, stderr } = spawnSync("sh", ["-c", `"${HARDLINE}" plan --state "${state}" | head -n 1; exit 0`], {
    cwd: project,
    encoding: "utf8",
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});
