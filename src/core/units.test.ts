import fc from "fast-check";
import { expect, test } from "vitest";
import { formatDuration, formatSize, parseDuration, parseSize } from "./units.ts";

test.each([
  ["500ms", 500],
  ["90s", 90_000],
  ["10m", 600_000],
  ["1h", 3_600_000],
  ["1d", 86_400_000],
  ["1h30m", 5_400_000],
  ["1d2h3m4s5ms", 93_784_005],
])("%s is %i ms", (text, ms) => {
  expect(parseDuration(text)).toEqual({ kind: "ok", value: ms });
});

test.each([
  "",
  "5",
  "m",
  "1 m",
  "1M",
  "-1m",
  "+1m",
  "1.5h",
  "0s",
  "0d0s",
  "30m1h",
  "1m1m",
  "1w",
  "1y",
  "1e3s",
  `${"9".repeat(15)}d`,
  "٣m",
])("the duration %j is refused", (text) => {
  expect(parseDuration(text).kind).toBe("refused");
});

test.each([
  ["1B", 1],
  ["1kB", 1000],
  ["1KiB", 1024],
  ["512MiB", 536_870_912],
  ["2GB", 2_000_000_000],
  ["1TiB", 1_099_511_627_776],
])("%s is %i bytes", (text, bytes) => {
  expect(parseSize(text)).toEqual({ kind: "ok", value: bytes });
});

test.each([
  "",
  "512",
  "MiB",
  "1 MiB",
  "1.5GiB",
  "-1MiB",
  "0MiB",
  "1mib",
  "1constructor",
  "9999999999999TiB",
  "99999999999999999B",
])("the size %j is refused", (text) => {
  expect(parseSize(text).kind).toBe("refused");
});

test.each([
  ["512M", "512MiB"],
  ["1k", "1KiB"],
  ["2G", "2GiB"],
])("%s is answered with %s", (text, meant) => {
  expect(parseSize(text)).toMatchObject({ kind: "refused", hint: `did you mean ${meant}?` });
});

test("what is formatted is read back as the same amount", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (amount) => {
      expect(parseSize(formatSize(amount))).toEqual({ kind: "ok", value: amount });
    }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 999_999_999_999_999 }), (ms) => {
      expect(parseDuration(formatDuration(ms))).toEqual({ kind: "ok", value: ms });
    }),
  );
});

test("the shortest spelling is used", () => {
  expect(formatDuration(60_000)).toBe("1m");
  expect(formatDuration(90_000)).toBe("90s");
  expect(formatSize(536_870_912)).toBe("512MiB");
  expect(formatSize(2_000_000)).toBe("2MB");
});
