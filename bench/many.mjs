/** (d) A plan with 1,000 sealed entries, beside bare bubblewrap with as many read-only binds; (e) a sealed tree of 50,000 files. */
import { lstatSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { interleave, median, ms, ratio, table, timeOnce } from "./measure.mjs";

export function benchEntries(host, rounds) {
  const place = join(host.directory, "entries", "ws");
  const sealed = [];
  for (let index = 0; index < 1000; index += 1) {
    const directory = `d${Math.floor(index / 100)}`;
    mkdirSync(join(place, directory), { recursive: true });
    writeFileSync(join(place, directory, `f${index}`), "sealed\n");
    sealed.push(`${directory}/f${index}`);
  }
  const policy = host.policy("entries", [`workspace: ./ws`, `sealed: [${sealed.join(", ")}]`]);
  const binds = sealed.flatMap((path) => ["--ro-bind", join(place, path), join(place, path)]);
  const contenders = [
    { name: "hardline plan", argv: [host.bin, "plan", "--policy", policy, "--state", host.state, "--json"] },
    { name: "hardline run -- true", argv: [...host.hardline(policy), "--", "true"] },
    { name: "bwrap with 1,000 binds", argv: host.bareBubblewrap(["true"], ["--bind", place, place, ...binds]) },
  ];
  const times = interleave(contenders, rounds, 1);
  const floor = median(times.get("bwrap with 1,000 binds"));
  return {
    title: "(d) 1,000 sealed entries in a workspace",
    aims: [],
    text: `${rounds} rounds, milliseconds\n\n${table(
      ["", "median", "to bare bubblewrap"],
      contenders.map(({ name }) => [name, ms(median(times.get(name))), ratio(median(times.get(name)) / floor)]),
    )}`,
  };
}

export function benchTree(host, rounds) {
  const place = join(host.directory, "tree", "root");
  for (let index = 0; index < 50_000; index += 1) {
    const directory = join(place, `d${Math.floor(index / 500)}`);
    if (index % 500 === 0) mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, `f${index}.txt`), `file ${index}\n`.repeat(20));
  }
  const policy = host.policy("tree", ["root: ./root", "mutable: [state]"]);
  const run = { name: "hardline run", argv: [...host.hardline(policy), "--", "true"] };
  const first = timeOnce(run);
  const again = [];
  const floor = [];
  for (let round = 0; round < rounds; round += 1) {
    again.push(timeOnce(run));
    const started = performance.now();
    statAll(place);
    floor.push(performance.now() - started);
  }
  writeFileSync(join(place, "d0", "f0.txt"), "changed\n");
  const changed = timeOnce(run);
  const copied = timeOnce({ name: "cp -a", argv: ["cp", "-a", place, `${place}.copy`] });
  rmSync(`${place}.copy`, { recursive: true });
  return {
    title: "(e) A sealed tree of 50,000 files",
    aims: [],
    text: table(
      ["", "ms"],
      [
        ["first start (everything is copied and digested)", ms(first)],
        ["`cp -a` of the tree, for comparison", ms(copied)],
        [`start again, unchanged (median of ${rounds})`, ms(median(again))],
        ["an `lstat` of each file, for comparison", ms(median(floor))],
        ["start with one file changed", ms(changed)],
      ],
    ),
  };
}

function statAll(directory) {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) statAll(path);
    else lstatSync(path);
  }
}
