/** Measuring side by side: every round runs each contender once, in turn, so that noise falls on all of them alike. */
import { spawnSync } from "node:child_process";

/** @typedef {{ name: string, argv: string[], env?: Record<string, string>, cwd?: string }} Contender */

/** Wall time of one run in milliseconds. Throws when the command fails: a failed run is not a fast one. */
export function timeOnce({ name, argv, env, cwd }) {
  const started = process.hrtime.bigint();
  const { status, stderr, error } = spawnSync(argv[0], argv.slice(1), {
    env: { PATH: "/usr/bin:/bin", HOME: process.env.HOME ?? "/", ...env },
    cwd,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const elapsed = Number(process.hrtime.bigint() - started) / 1e6;
  if (status !== 0) throw new Error(`${name} ended with ${status ?? error}: ${stderr}`);
  return elapsed;
}

/** Milliseconds by contender, one for each round. The order changes from round to round. */
export function interleave(contenders, rounds, warmups = 3) {
  const times = new Map(contenders.map(({ name }) => [name, []]));
  for (let round = -warmups; round < rounds; round += 1) {
    for (let turn = 0; turn < contenders.length; turn += 1) {
      const contender = contenders[(turn + Math.abs(round)) % contenders.length];
      const elapsed = timeOnce(contender);
      if (round >= 0) times.get(contender.name).push(elapsed);
    }
  }
  return times;
}

export function median(values) {
  return quantile(values, 0.5);
}

export function quantile(values, part) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}

/** `12.3` */
export const ms = (value) => value.toFixed(value < 10 ? 2 : 1);
/** `1.98x` */
export const ratio = (value) => `${value.toFixed(2)}x`;

/** A Markdown table. */
export function table(head, rows) {
  const lines = [head, head.map(() => "---"), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
