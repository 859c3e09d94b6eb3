import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

let state: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "hardline-cache-"));
});
afterEach(() => {
  vi.unstubAllGlobals();
  rmSync(state, { recursive: true });
});

/** The cache as a build has it, or as it is straight from the sources. */
function cacheOf(build: string | undefined): Promise<typeof import("./cache.ts")> {
  vi.resetModules();
  vi.stubGlobal("HARDLINE_BUILD_ID", build);
  return import("./cache.ts");
}

describe("a result", () => {
  test.each([[{ a: [1, "ü", null] }], [0], [false], [null], [""], [[]]])(
    "is recalled as it was kept: %j",
    async (value) => {
      const { keep, recall } = await cacheOf("1");
      keep(state, "slot", "key", value);
      expect(recall(state, "slot", "key")).toEqual(value);
    },
  );

  test("of another key in the same slot is none", async () => {
    const { keep, recall } = await cacheOf("1");
    keep(state, "slot", "key", 1);
    expect(recall(state, "slot", "other")).toBeUndefined();
    expect(recall(state, "other", "key")).toBeUndefined();
    keep(state, "slot", "other", 2);
    expect(recall(state, "slot", "key")).toBeUndefined();
    expect(recall(state, "slot", "other")).toBe(2);
  });

  test("of another build is none", async () => {
    (await cacheOf("1")).keep(state, "slot", "key", 1);
    expect((await cacheOf("2")).recall(state, "slot", "key")).toBeUndefined();
    expect((await cacheOf("1")).recall(state, "slot", "key")).toBe(1);
  });

  test("is neither kept nor recalled straight from the sources, which can change at any time", async () => {
    const sources = await cacheOf(undefined);
    sources.keep(state, "slot", "key", 1);
    expect(readdirSync(state)).toEqual([]);
    (await cacheOf("1")).keep(state, "slot", "key", 1);
    expect((await cacheOf(undefined)).recall(state, "slot", "key")).toBeUndefined();
  });

  test.each([
    "",
    "{",
    "null",
    "[]",
    "7",
    '{"build":"1"}',
    '{"build":"1","key":"key"}',
    '{"build":1,"key":"key","value":9}',
  ])("that cannot be read is none: %j", async (content) => {
    const { keep, recall } = await cacheOf("1");
    mkdirSync(join(state, "cache"));
    writeFileSync(join(state, "cache/slot"), content);
    expect(recall(state, "slot", "key")).toBeUndefined();
    keep(state, "slot", "key", 1);
    expect(recall(state, "slot", "key")).toBe(1);
  });

  test("lies where nobody else can read or forge it", async () => {
    const before = process.umask(0);
    try {
      const { keep } = await cacheOf("1");
      keep(state, "slot", "key", 1);
      expect(statSync(join(state, "cache")).mode & 0o777).toBe(0o700);
      expect(statSync(join(state, "cache/slot")).mode & 0o777).toBe(0o600);
      expect(readdirSync(join(state, "cache"))).toEqual(["slot"]);
    } finally {
      process.umask(before);
    }
  });

  test("that cannot be kept is no error", async () => {
    const { keep, recall } = await cacheOf("1");
    writeFileSync(join(state, "cache"), "a file");
    keep(state, "slot", "key", 1);
    expect(recall(state, "slot", "key")).toBeUndefined();
    expect(readFileSync(join(state, "cache"), "utf8")).toBe("a file");
    chmodSync(state, 0o700);
  });
});

describe("a slot's name", () => {
  test("is 16 hex digits of any text, the same every time", async () => {
    const { slotName } = await cacheOf("1");
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 3000 }), (text) => {
        expect(slotName(text)).toMatch(/^[0-9a-f]{16}$/);
        expect(slotName(text)).toBe(slotName(text));
      }),
    );
  });

  test("differs between texts that are alike", async () => {
    const { slotName } = await cacheOf("1");
    const texts = Array.from({ length: 2000 }, (_, index) => `/srv/agent-${index}/hardline.yaml`);
    expect(new Set(texts.map(slotName)).size).toBe(2000);
    expect(slotName("ab")).not.toBe(slotName("ba"));
  });
});
