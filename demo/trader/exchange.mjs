/** The simulated market: recorded prices, replayed. Nothing here needs a network. */
import { appendFileSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const RECORDED = fileURLToPath(new URL("./prices.csv", import.meta.url));
const OBSERVED = fileURLToPath(new URL("./market/observed.csv", import.meta.url));

/** @returns {number[]} the day's prices in cents, in order; days past the recording start over */
export function pricesOf(day) {
  const rows = readFileSync(RECORDED, "utf8")
    .trim()
    .split("\n")
    .slice(1)
    .map((row) => row.split(","));
  const lastDay = Number(rows.at(-1)[0]);
  const wanted = ((day - 1) % lastDay) + 1;
  return rows.filter(([d]) => Number(d) === wanted).map(([, , price]) => Math.round(Number(price) * 100));
}

/** What the agent saw is its own to keep: `market/` is mutable. */
export function recordObserved(day, prices) {
  const rows = prices.map((price, index) => `${day},${index + 1},${(price / 100).toFixed(2)}\n`);
  appendFileSync(OBSERVED, rows.join(""));
}
