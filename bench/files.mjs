/** (b) File work inside the sandbox beside the same work outside, in the same directory of the same file system. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { median, ms, ratio, table } from "./measure.mjs";

export function benchFiles(host, rounds) {
  const policy = host.project("files", { mutable: ["state"], copy: ["file-work.mjs"] });
  const place = join(host.directory, "files", "root");
  const program = [host.node, join(place, "file-work.mjs"), join(place, "state")];
  const outside = new Map();
  const inside = new Map();
  const once = (argv, into) => {
    const { stdout, stderr, status } = spawnSync(argv[0], argv.slice(1), {
      encoding: "utf8",
      env: { PATH: "/usr/bin:/bin" },
    });
    if (status !== 0) throw new Error(`${argv.join(" ")}: ${stderr}`);
    for (const [phase, value] of Object.entries(JSON.parse(stdout))) {
      into.set(phase, [...(into.get(phase) ?? []), value]);
    }
  };
  once([...host.hardline(policy), "--", ...program], new Map());
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? ["outside", "inside"] : ["inside", "outside"];
    for (const where of order) {
      if (where === "outside") once(program, outside);
      else once([...host.hardline(policy), "--", ...program], inside);
    }
  }
  const rows = [...outside].map(([phase, values]) => {
    const pairs = values.map((value, index) => inside.get(phase)[index] / value);
    return [phase, ms(median(values)), ms(median(inside.get(phase))), ratio(median(pairs))];
  });
  const sum = (times, index) => [...times.values()].reduce((total, values) => total + values[index], 0);
  const totals = Array.from({ length: rounds }, (_, index) => sum(inside, index) / sum(outside, index));
  return {
    title: "(b) File work inside, beside the same outside",
    aims: [["1.00 ± 0.03 (median of all phases together)", median(totals), 1.03, 0.97]],
    text: `${rounds} rounds, milliseconds; the ratio is the median of the rounds' own\n\n${table(["", "outside", "inside", "ratio"], rows)}`,
  };
}
