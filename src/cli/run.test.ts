import { expect, test } from "vitest";
import { SandboxError } from "../sandbox/errors.ts";
import { describeError } from "./run.ts";

test("an error is told with its remedy on a line of its own", () => {
  expect(describeError(new SandboxError("busy", "it is in use", "Wait."))).toBe("it is in use\n  Wait.");
  expect(describeError(new SandboxError("busy", "it is in use"))).toBe("it is in use");
});

test("a name that an agent chose does not write to the terminal, whatever kind of error it is in", () => {
  const name = "state/\u001b]0;owned\u0007\u009b2J\u202e\rx";
  for (const error of [new SandboxError("bad-path", name, `Remove ${name}.`), new Error(name), name]) {
    const told = describeError(error);
    expect(told).toContain("\\x1b]0;owned\\x07\\x9b2J\\u{202e}\\x0dx");
    expect(told.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  }
});
