import fc from "fast-check";
import { expect, test } from "vitest";
import type { Io } from "./io.ts";
import { createProgram } from "./program.ts";
import { parseRunArguments, type RunArguments } from "./run-arguments.ts";

test("options in both spellings, and a command unchanged", () => {
  expect(parseRunArguments([])).toEqual({});
  expect(parseRunArguments(["--agent", "a", "--policy=p.yaml", "--state", "s"])).toEqual({
    agent: "a",
    policy: "p.yaml",
    state: "s",
  });
  expect(parseRunArguments(["--", "sh", "-c", "--agent x", "--", ""])).toEqual({
    command: ["sh", "-c", "--agent x", "--", ""],
  });
});

test.each([
  [["--help"]],
  [["--json"]],
  [["--agnet", "a"]],
  [["--agent"]],
  [["--agent="]],
  [["--agent", "--policy", "x"]],
  [["--agent", "a", "--agent", "b"]],
  [["trader"]],
  [["-a"]],
  [["--"]],
  [["--__proto__", "x"]],
])("leaves %j to the full command line", (words) => {
  expect(parseRunArguments(words)).toBeUndefined();
});

/** What the full command line understands by the same words. */
async function parsedByCommander(words: readonly string[]): Promise<RunArguments> {
  const sink = { isTerminal: false, write: () => undefined };
  const io: Io = { stdout: sink, stderr: sink, environment: {}, workingDirectory: "/", uid: 1 };
  const end = words.indexOf("--");
  const own = end === -1 ? words : words.slice(0, end);
  const { command, verbs } = createProgram(io, () => undefined, end === -1 ? [] : words.slice(end + 1));
  let options: RunArguments | undefined;
  verbs
    .find((verb) => verb.name() === "run")
    ?.action(({ policy, state, agent }: RunArguments) => {
      options = { ...(policy && { policy }), ...(state && { state }), ...(agent && { agent }) };
    });
  await command.parseAsync(["run", ...own], { from: "user" });
  if (options === undefined) throw new Error("run was not reached");
  return end === -1 ? options : { ...options, command: words.slice(end + 1) };
}

test("whatever it understands, the full command line understands in the same way", async () => {
  const word = fc.constantFrom(
    ...[
      "--agent",
      "--policy",
      "--state",
      "--agent=a",
      "--policy=p=q",
      "--state=",
      "--",
      "x",
      "-x",
      "--json",
      "--no-color",
      "",
      "a b",
    ],
  );
  let understood = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(word, { maxLength: 7 }), async (words) => {
      const quick = parseRunArguments(words);
      if (quick === undefined) return;
      understood += 1;
      expect(await parsedByCommander(words)).toEqual(quick);
    }),
    { numRuns: 3000 },
  );
  expect(understood).toBeGreaterThan(100);
});
