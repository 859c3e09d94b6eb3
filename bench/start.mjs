/** (a) From nothing to the agent's end: `hardline run -- true` beside bare bubblewrap, bare Node.js and sandbox-runtime. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { interleave, median, ms, quantile, ratio, table } from "./measure.mjs";

export function benchStart(host, rounds) {
  const policy = host.project("start", { mutable: ["state"] });
  const settings = join(host.directory, "srt.json");
  writeFileSync(
    settings,
    JSON.stringify({
      network: { allowedDomains: [], deniedDomains: [] },
      filesystem: { denyRead: [], allowWrite: [host.directory], denyWrite: [] },
    }),
  );
  const contenders = [
    { name: "node -e 0", argv: [host.node, "-e", "0"] },
    { name: "bwrap … true", argv: host.bareBubblewrap(["true"]) },
    { name: "hardline run -- true", argv: [...host.hardline(policy), "--", "true"] },
    { name: "srt true", argv: [host.node, host.srt, "--settings", settings, "true"], env: host.pathWithNode() },
  ].filter(({ name }) => name !== "srt true" || host.srtWorks(settings));
  const times = interleave(contenders, rounds);
  const node = median(times.get("node -e 0"));
  const rows = contenders.map(({ name }) => {
    const values = times.get(name);
    return [
      name,
      ms(median(values)),
      ms(quantile(values, 0.1)),
      ms(quantile(values, 0.9)),
      ratio(median(values) / node),
    ];
  });
  const hardline = median(times.get("hardline run -- true"));
  const srt = times.get("srt true");
  return {
    title: "(a) Start to end of a program that does nothing",
    aims: [
      ["no more than twice bare Node.js", hardline / node, 2],
      ...(srt === undefined ? [] : [["at most a fifth of sandbox-runtime", hardline / median(srt), 0.2]]),
    ],
    text: `${rounds} rounds, milliseconds of wall time\n\n${table(["", "median", "p10", "p90", "to Node.js"], rows)}${
      srt === undefined ? "\n\nsandbox-runtime could not be run on this host." : ""
    }`,
  };
}
