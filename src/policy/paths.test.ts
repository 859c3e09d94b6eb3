import { posix } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseHostPath, parseInnerPath } from "./paths.ts";

test.each([
  ["state", "state", false],
  ["./state", "state", false],
  ["state/", "state", true],
  ["state/.", "state", true],
  ["a//b/./c", "a/b/c", false],
  [".git/hooks/", ".git/hooks", true],
  ["...", "...", false],
  ["with space", "with space", false],
  ["[id].ts", "[id].ts", false],
])("the inner path %j is %j", (text, path, directory) => {
  expect(parseInnerPath(text)).toEqual({ kind: "ok", value: { path, directory } });
});

test.each([
  "",
  ".",
  "./",
  "./.",
  "/",
  "/etc",
  "..",
  "../a",
  "a/..",
  "a/../b",
  "a/../../b",
  "a\0b",
  "a\nb",
  "~",
  "~/a",
  "$HOME/a",
  "$_A/b",
  "a*",
  "a?",
  "a".repeat(4096),
])("the inner path %j is refused", (text) => {
  expect(parseInnerPath(text).kind).toBe("refused");
});

test("no text leads out of the directory", () => {
  const segment = fc.constantFrom("a", "b", ".", "..", "", "...", ".a", "a b", "\0", "~", "$X", "*");
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 6 }), (segments) => {
      const parsed = parseInnerPath(segments.join("/"));
      if (parsed.kind === "refused") return;
      const { path } = parsed.value;
      expect(posix.join("/base", path)).toBe(`/base/${path}`);
      expect(parseInnerPath(`./${path}`)).toMatchObject({ value: { path } });
    }),
  );
});

test.each([
  ["./agent", "/p/agent"],
  [".", "/p"],
  ["../other/", "/other"],
  ["/srv//x/../y", "/srv/y"],
])("the host path %j is %j", (text, path) => {
  expect(parseHostPath(text, "/p")).toEqual({ kind: "ok", value: path });
});

test.each(["", "/", "..", "../..", "~/x", "$HOME", "a\0", "/opt/*"])("the host path %j is refused", (text) => {
  expect(parseHostPath(text, "/p").kind).toBe("refused");
});
