import { accepted, type Parsed, refused } from "./parsed.ts";

/** Units of durations in milliseconds, largest first. Months and years are missing on purpose: they have no one length. */
const DURATION_UNITS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;

/** Units of sizes in bytes, largest first: powers of 1024 (IEC 80000-13), and powers of 1000 (SI). */
const SIZE_UNITS = {
  TiB: 1024 ** 4,
  TB: 1000 ** 4,
  GiB: 1024 ** 3,
  GB: 1000 ** 3,
  MiB: 1024 ** 2,
  MB: 1000 ** 2,
  KiB: 1024,
  kB: 1000,
  B: 1,
} as const;

const DURATION_HINT = "write a whole number and a unit: 500ms, 90s, 10m, 1h or 7d";
const SIZE_HINT = "write a whole number and a unit: 64KiB, 512MiB or 2GiB";

/**
 * Reads a duration: whole numbers with a unit (`ms`, `s`, `m`, `h`, `d`), several of them from large to small (`1h30m`).
 * The result is whole milliseconds, above 0 and at most 2^53 - 1.
 */
export function parseDuration(text: string): Parsed<number> {
  if (!/^(?:[0-9]{1,15}(?:ms|[smhd]))+$/.test(text)) return refused("is not a duration", DURATION_HINT);
  let total = 0;
  let smallest = Number.POSITIVE_INFINITY;
  for (const [, count = "", unit = ""] of text.matchAll(/([0-9]+)(ms|[smhd])/g)) {
    const factor = DURATION_UNITS[unit as keyof typeof DURATION_UNITS];
    if (factor >= smallest)
      return refused("has its units out of order", "write the larger unit first, each once: 1h30m");
    smallest = factor;
    total += Number(count) * factor;
  }
  if (total === 0) return refused("is no time at all", DURATION_HINT);
  if (!Number.isSafeInteger(total)) return refused("is too long");
  return accepted(total);
}

/** The shortest text that `parseDuration` reads back as `ms`: `90s` for 90000, never `1m30s`. */
export function formatDuration(ms: number): string {
  for (const [unit, factor] of Object.entries(DURATION_UNITS)) {
    if (ms % factor === 0) return `${ms / factor}${unit}`;
  }
  return `${ms}ms`;
}

/** Reads a size: a whole number and a unit (`B`, `kB`, `KiB`, `MB`, `MiB` …). The result is bytes, above 0 and at most 2^53 - 1. */
export function parseSize(text: string): Parsed<number> {
  const match = /^([0-9]{1,16})([A-Za-z]+)$/.exec(text);
  if (match === null) {
    return refused(/^[0-9]+$/.test(text) ? "has no unit" : "is not a size", SIZE_HINT);
  }
  const [, count = "", unit = ""] = match;
  if (!isSizeUnit(unit)) {
    const meant = /^[kKMGT]$/.test(unit) ? `${count}${unit.toUpperCase()}iB` : "";
    return refused(`has the unknown unit "${unit}"`, meant === "" ? SIZE_HINT : `did you mean ${meant}?`);
  }
  const bytes = Number(count) * SIZE_UNITS[unit];
  if (bytes === 0) return refused("is no size at all", SIZE_HINT);
  if (!Number.isSafeInteger(bytes)) return refused("is too large");
  return accepted(bytes);
}

/** The shortest text that `parseSize` reads back as `bytes`: `512MiB` for 536870912. */
export function formatSize(bytes: number): string {
  let best = `${bytes}B`;
  for (const [unit, factor] of Object.entries(SIZE_UNITS)) {
    const text = `${bytes / factor}${unit}`;
    if (bytes % factor === 0 && text.length < best.length) best = text;
  }
  return best;
}

function isSizeUnit(unit: string): unit is keyof typeof SIZE_UNITS {
  return Object.hasOwn(SIZE_UNITS, unit);
}
