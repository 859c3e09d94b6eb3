import { expect, test } from "vitest";
import { parsePythonCommand } from "./command-line.ts";

const parse = (...argv: string[]) => parsePythonCommand(["python3", ...argv], {});

test("what is run", () => {
  expect(parse("a.py", "-c", "x").runs).toEqual({ kind: "script", path: "a.py" });
  expect(parse("-X", "dev", "-W", "error", "-u", "a.py").runs).toEqual({ kind: "script", path: "a.py" });
  expect(parse("-Xdev", "-Werror", "--check-hash-based-pycs", "always", "a.py").runs).toEqual({
    kind: "script",
    path: "a.py",
  });
  expect(parse("-m", "app", "x").runs).toEqual({ kind: "module", name: "app" });
  expect(parse("-Imapp").runs).toEqual({ kind: "module", name: "app" });
  expect(parse("-uc", "print()").runs).toEqual({ kind: "code", text: "print()" });
  expect(parse("--", "-x.py").runs).toEqual({ kind: "script", path: "-x.py" });
  expect(parse("-").runs).toEqual({ kind: "stdin" });
  expect(parse().runs).toEqual({ kind: "stdin" });
});

test("how it searches", () => {
  expect(parse("-I", "a.py")).toMatchObject({ safePath: true, ignoresEnvironment: true });
  expect(parse("-E", "a.py")).toMatchObject({ safePath: false, ignoresEnvironment: true });
  expect(parse("-BP", "a.py")).toMatchObject({ safePath: true, ignoresEnvironment: false });
  expect(parse("a.py", "-I")).toMatchObject({ safePath: false });
});
