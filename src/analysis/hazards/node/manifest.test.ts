import { expect, test } from "vitest";
import { targetsOf } from "./manifest.ts";

test("exports and imports, with conditions and patterns", () => {
  expect(targetsOf("./a.js", ".")).toEqual(["./a.js"]);
  expect(targetsOf("./a.js", "./b")).toEqual([]);
  expect(targetsOf({ types: "./a.d.ts", import: "./a.mjs", require: { node: "./a.cjs" } }, ".")).toEqual([
    "./a.mjs",
    "./a.cjs",
  ]);
  expect(targetsOf({ ".": "./a.js", "./b": { default: "./b.js" } }, "./b")).toEqual(["./b.js"]);
  expect(targetsOf({ "./*": "./lib/*.js", "./in/*": "./inner/*.js" }, "./in/x")).toEqual(["./inner/x.js"]);
  expect(targetsOf({ "./*": null }, "./x")).toEqual([]);
  expect(targetsOf({ "#x": ["./a.js", "./b.js"] }, "#x")).toEqual(["./a.js", "./b.js"]);
  expect(targetsOf(undefined, ".")).toEqual([]);
});
