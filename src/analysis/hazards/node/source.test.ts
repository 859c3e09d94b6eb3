import { expect, test } from "vitest";
import { NodeSource } from "./source.ts";

const read = (text: string, file = "/p/app/trade.mjs"): NodeSource => new NodeSource(text, file, "/p");
const loads = (text: string, file?: string): string[] =>
  read(text, file).loads.map((load) => `${load.by} ${load.specifier}`);

test("every way of loading a module", () => {
  expect(
    loads(
      [
        'import a, { b } from "one";',
        'import "two";',
        'export { c } from "three";',
        'export * from "four";',
        "await import(`five`);",
        'require("six"); require?.("seven");',
        'import { createRequire as x } from "node:module";',
        "const load = module.createRequire(import.meta.url);",
        'load("eight");',
        "import(unknown); require(other);",
        'import.meta.resolve("nine");',
      ].join("\n"),
    ),
  ).toEqual([
    "import one",
    "import two",
    "import three",
    "import four",
    "import five",
    "require six",
    "require seven",
    "import node:module",
    "require eight",
  ]);
});

test("types are not loaded", () => {
  const text = 'import type { A } from "a";\nexport type { B } from "b";\nimport c = require("c");\nlet x = <number>y;';
  expect(loads(text, "/p/x.ts")).toEqual(["require c"]);
  expect(read(text, "/p/x.ts").brokenAt).toBeUndefined();
});

test("what a constant path comes to", () => {
  const value = (expression: string, file?: string): string | undefined => {
    const made = read(`const S = "state";\nopen(${expression});`, file);
    return made.constant(made.calls.find((call) => call.name === "open")?.args[0]);
  };
  expect(value('"a" + "b"')).toBe("ab");
  expect(value("`${S}/x`")).toBe("state/x");
  expect(value('path.join(__dirname, "..", S)')).toBe("/p/state");
  expect(value('path.resolve("x")')).toBe("/p/x");
  expect(value('new URL("./x", import.meta.url)')).toBe("/p/app/x");
  expect(value('fileURLToPath(new URL("../x", import.meta.url))')).toBe("/p/x");
  expect(value("path.dirname(fileURLToPath(import.meta.url))")).toBe("/p/app");
  expect(value("process.cwd()")).toBe("/p");
  expect(value("`${unknown}/x`")).toBeUndefined();
  expect(value("process.env.X")).toBeUndefined();
});

test("what is broken is told by its place", () => {
  expect(read("const = 1;").brokenAt).toBe(6);
  expect(read("const a = 1;").brokenAt).toBeUndefined();
});

test("nesting as deep as somebody likes ends", () => {
  expect(read(`${"[".repeat(5000)}${"]".repeat(5000)}`).loads).toEqual([]);
});
