import { expect, test } from "vitest";
import { UsageError } from "./errors.ts";
import type { Io } from "./io.ts";
import { defaultStateDirectory, stateDirectory } from "./locations.ts";

test("an ordinary user's state follows the XDG specification", () => {
  expect(defaultStateDirectory({ XDG_STATE_HOME: "/x", HOME: "/home/a" }, 1000)).toBe("/x/hardline");
  expect(defaultStateDirectory({ HOME: "/home/a" }, 1000)).toBe("/home/a/.local/state/hardline");
  expect(defaultStateDirectory({ XDG_STATE_HOME: "relative", HOME: "/home/a" }, 1000)).toBe(
    "/home/a/.local/state/hardline",
  );
  expect(defaultStateDirectory({ XDG_STATE_HOME: "", HOME: "" }, 1000)).toBeUndefined();
});

test("nobody's environment chooses where root's state lies", () => {
  expect(defaultStateDirectory({ XDG_STATE_HOME: "/home/a/x", HOME: "/home/a" }, 0)).toBe("/var/lib/hardline");
});

test("a relative --state is below the working directory, and none at all is refused", () => {
  const sink = { isTerminal: false, write: () => undefined };
  const io: Io = { stdout: sink, stderr: sink, environment: {}, workingDirectory: "/here", uid: 1000 };
  expect(stateDirectory(io, "s")).toBe("/here/s");
  expect(() => stateDirectory(io, undefined)).toThrow(UsageError);
});
