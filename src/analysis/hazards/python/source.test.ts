import { expect, test } from "vitest";
import { PythonSource } from "./source.ts";

const source = (text: string): PythonSource => new PythonSource(text, "/p/app/trade.py", "/p");

test("every form of import", () => {
  const text = [
    "import a.b as c, d",
    "from . import x, y as z",
    "from ..p.q import r",
    "from m import *",
    "from n import (o,",
    "  s)",
    "from ... import t",
    "if TYPE_CHECKING:",
    "    import types_only",
    "else:",
    "    import really",
  ].join("\n");
  expect(
    source(text)
      .imports()
      .map(({ level, module, names }) => [level, module, names]),
  ).toEqual([
    [0, "a.b", []],
    [0, "d", []],
    [1, "", ["x", "y"]],
    [2, "p.q", ["r"]],
    [0, "m", []],
    [0, "n", ["o", "s"]],
    [3, "", ["t"]],
    [0, "really", []],
  ]);
  expect(source(text).brokenAt()).toBeUndefined();
});

test("what a constant path comes to", () => {
  const value = (expression: string): string | undefined => {
    const made = source(
      `import os\nBASE = Path(__file__).resolve().parent\nTWICE = "a"\nTWICE = "b"\nopen(${expression})\n`,
    );
    const argument = made.calls().find((call) => call.name === "open")?.args[0];
    return argument === undefined ? undefined : made.constant(argument);
  };
  expect(value('"a/b"')).toBe("a/b");
  expect(value('"a" "/b"')).toBe("a/b");
  expect(value('r"a\\b"')).toBe("a\\b");
  expect(value('"a\\tb"')).toBeUndefined();
  expect(value('"a" + "/" + "b"')).toBe("a/b");
  expect(value('BASE / "state" / "x"')).toBe("/p/app/state/x");
  expect(value('BASE.parent.joinpath("x")')).toBe("/p/x");
  expect(value('os.path.join(os.path.dirname(__file__), "..", "x")')).toBe("/p/x");
  expect(value('os.path.abspath("x")')).toBe("/p/x");
  expect(value('("x")')).toBe("x");
  expect(value('f"x"')).toBe("x");
  expect(value('f"{name}/x"')).toBeUndefined();
  expect(value("TWICE")).toBeUndefined();
  expect(value("unknown()")).toBeUndefined();
});

test("what the grammar does not know loses no import, and a lost import is told", () => {
  const odd =
    "def f():\n    yield\nx = 20.\nmatch y:\n    case A():\n        import z\n\fimport w\nimportant = 'import'\n";
  expect(source(odd).brokenAt()).toBeUndefined();
  expect(
    source(odd)
      .imports()
      .map((each) => each.module),
  ).toEqual(["z", "w"]);
  expect(source("import a\nimport (\n").brokenAt()).toBe(9);
  expect(
    source("def (: import a")
      .imports()
      .map((each) => each.module),
  ).toEqual(["a"]);
});

test("calls inside calls, with their own arguments", () => {
  const calls = source('json.load(open("x", mode="r"))').calls();
  expect(calls.map((call) => [call.name, call.args.length])).toEqual([
    ["json.load", 1],
    ["open", 1],
  ]);
});
