/**
 * (b) File work inside the sandbox beside the same work outside, in the same directory: on the disk that is there, and as
 * root on a tmpfs too, where no disk's own moods are measured.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { median, ms, ratio, table } from "./measure.mjs";

export function benchFiles(host, rounds) {
  const policy = host.project("files", { mutable: ["state"], copy: ["file-work.mjs"] });
  const place = join(host.directory, "files", "root");
  const disk = measure(host, policy, place, rounds);
  const parts = [`on the disk\n\n${disk.text}`];
  const aims = [["on the disk 1.00 ± 0.03 (median of all phases together)", disk.total, 1.03, 0.97]];
  if (spawnSync("mount", ["-t", "tmpfs", "-o", "mode=0777", "tmpfs", join(place, "state")]).status === 0) {
    try {
      const memory = measure(host, policy, place, rounds);
      parts.push(`on a tmpfs\n\n${memory.text}`);
      aims.push(["on a tmpfs 1.00 ± 0.03", memory.total, 1.03, 0.97]);
    } finally {
      spawnSync("umount", [join(place, "state")]);
    }
  }
  return {
    title: "(b) File work inside, beside the same outside",
    aims,
    text: `${rounds} rounds, milliseconds; a ratio is the median of the rounds' own\n\n${parts.join("\n\n")}`,
  };
}

function measure(host, policy, place, rounds) {
  const program = [host.node, join(place, "file-work.mjs"), join(place, "state")];
  const commands = { outside: program, inside: [...host.hardline(policy), "--", ...program] };
  const times = { outside: new Map(), inside: new Map() };
  once(commands.inside, new Map());
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? ["outside", "inside"] : ["inside", "outside"];
    for (const where of order) once(commands[where], times[where]);
  }
  const { outside, inside } = times;
  const rows = [...outside].map(([phase, values]) => {
    const pairs = values.map((value, index) => inside.get(phase)[index] / value);
    return [phase, ms(median(values)), ms(median(inside.get(phase))), ratio(median(pairs))];
  });
  const sum = (of, index) => [...of.values()].reduce((total, values) => total + values[index], 0);
  const totals = Array.from({ length: rounds }, (_, index) => sum(inside, index) / sum(outside, index));
  return { text: table(["", "outside", "inside", "ratio"], rows), total: median(totals) };
}

function once(argv, into) {
  // What an earlier round left to be written would be paid for in this one.
  spawnSync("sync");
  const env = { PATH: "/usr/bin:/bin" };
  const { stdout, stderr, status } = spawnSync(argv[0], argv.slice(1), { encoding: "utf8", env });
  if (status !== 0) throw new Error(`${argv.join(" ")}: ${stderr}`);
  for (const [phase, value] of Object.entries(JSON.parse(stdout))) {
    into.set(phase, [...(into.get(phase) ?? []), value]);
  }
}
