import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isInside, join, parentsWithin } from "./paths.ts";

const part = fc.string({ minLength: 1, maxLength: 5 }).filter((text) => !/[/\0]/.test(text));
const relative = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join("/"));
const absolute = relative.map((path) => `/${path}`);

describe("isInside", () => {
  test.each([
    ["/a", "/a", true],
    ["/a/b", "/a", true],
    ["/a/b", "/", true],
    ["/", "/", true],
    ["/", "/a", false],
    ["/a", "/a/b", false],
    ["/ab", "/a", false],
    ["/a b/c", "/a b", true],
    ["/a.b", "/a", false],
  ])("%s in %s: %s", (path, place, answer) => {
    expect(isInside(path, place)).toBe(answer);
  });

  test("is what joining makes, and never a neighbour", () => {
    fc.assert(
      fc.property(absolute, relative, (place, path) => {
        expect(isInside(join(place, path), place)).toBe(true);
        expect(isInside(place, place)).toBe(true);
        expect(isInside(place, join(place, path))).toBe(false);
        expect(isInside(`${place}x`, place)).toBe(false);
      }),
    );
  });
});

test.each([
  ["/a", "b", "/a/b"],
  ["/a", "", "/a"],
  ["/", "b/c", "/b/c"],
  ["/", "", "/"],
])("join %s and %j is %s", (place, path, joined) => {
  expect(join(place, path)).toBe(joined);
});

describe("parentsWithin", () => {
  test.each([
    ["a", []],
    ["a/b", ["a"]],
    ["a/b/c", ["a", "a/b"]],
    [".git/hooks/x", [".git", ".git/hooks"]],
  ])("%s", (path, parents) => {
    expect(parentsWithin(path)).toEqual(parents);
  });

  test("are all directories on the way, outermost first, and not the path itself", () => {
    fc.assert(
      fc.property(relative, (path) => {
        const parents = parentsWithin(path);
        expect(parents).toHaveLength(path.split("/").length - 1);
        expect(parents).not.toContain(path);
        for (const [index, parent] of [...parents, path].entries()) {
          expect(isInside(`/${path}`, `/${parent}`)).toBe(true);
          if (index > 0) expect(parentsWithin(parent).at(-1)).toBe(parents[index - 1]);
        }
      }),
    );
  });
});
