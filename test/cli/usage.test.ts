/** Words that mean nothing, and what comes back. */
import { rmSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import { ERROR_SHAPE } from "../../src/cli/reference/shapes.ts";
import { hardline, projectDirectory } from "./harness.ts";

const workingDirectory = projectDirectory();
afterAll(() => rmSync(workingDirectory, { recursive: true, force: true }));

test.each([
  [["chekc"], 1, "unknown command 'chekc'\n(Did you mean check?)"],
  [["check", "--jsno"], 1, "unknown option '--jsno'\n(Did you mean --json?)"],
  [["check", "--policy"], 1, "option '--policy <file>' argument missing"],
  [["check", "surplus"], 1, "too many arguments for 'check'"],
  [["check", "--", "ls"], 1, "only `run` and `plan` take a command after --"],
  [["completions", "tcsh"], 1, "Allowed choices are bash, zsh, fish"],
  [["run", "--agnet", "x"], 125, "(Did you mean --agent?)"],
  [["run", "trader"], 125, "(a command goes after --, an agent's name after --agent)"],
  [["run", "--"], 125, "there is no command after --"],
  [["init", "/nonexistent"], 1, "/nonexistent: ENOENT"],
  [["init", "--agent", "Not A Name"], 1, "is not a name"],
  [["fmt"], 1, "there is no policy file"],
])("%j", async (words, status, says) => {
  const outcome = await hardline(words, { workingDirectory });
  expect(outcome.stderr).toContain(says);
  expect(outcome.stderr).toMatch(/^hardline: /);
  expect(outcome.stdout).toBe("");
  expect(outcome.status).toBe(status);
});

test("help is an answer, on standard output, of the program and of each verb", async () => {
  const { status, stdout, stderr } = await hardline(["--help"], { workingDirectory });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  for (const verb of ["init", "doctor", "check", "fmt", "plan", "run", "completions"]) {
    expect(stdout).toContain(`\n  ${verb} `);
    const help = await hardline([verb, "--help"], { workingDirectory });
    expect(help.status).toBe(0);
    expect(help.stdout).toContain("Exit status:");
    expect((await hardline(["help", verb], { workingDirectory })).stdout).toBe(help.stdout);
  }
});

test("no words at all is not an answer", async () => {
  const { status, stdout, stderr } = await hardline([], { workingDirectory });
  expect(status).toBe(1);
  expect(stdout).toBe("");
  expect(stderr).toContain("Usage: hardline VERB");
});

test("whoever asked for JSON gets it for an error too", async () => {
  const { status, stdout, stderr } = await hardline(["fmt", "--json"], { workingDirectory });
  expect(ERROR_SHAPE.parse(JSON.parse(stdout)).error.code).toBe("unreadable");
  expect({ status, stderr }).toEqual({ status: 1, stderr: "" });
});

test("without a home directory there is no state directory to guess", async () => {
  const { status, stderr } = await hardline(["doctor"], { workingDirectory, environment: { HOME: "" } });
  expect(status).toBe(1);
  expect(stderr).toContain("Give --state DIR.");
});
