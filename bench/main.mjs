/**
 * `npm run bench [-- a b c d e] [--rounds N] [--write]`: measures side by side and prints what was measured, with versions.
 * `--write` keeps the result in docs/benchmarks.md. Nothing here is a test: an aim that is missed is printed as missed.
 */
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { benchFiles } from "./files.mjs";
import { makeHost } from "./host.mjs";
import { benchEntries, benchTree } from "./many.mjs";
import { benchMemory } from "./memory.mjs";
import { benchStart } from "./start.mjs";

const words = process.argv.slice(2);
const at = words.indexOf("--rounds");
const rounds = at === -1 ? undefined : Number(words[at + 1]);
const chosen = words.filter((word) => /^[a-e]$/.test(word));

const BENCHES = {
  a: (host) => benchStart(host, rounds ?? 60),
  b: (host) => benchFiles(host, rounds ?? 15),
  c: (host) => benchMemory(host),
  d: (host) => benchEntries(host, rounds ?? 5),
  e: (host) => benchTree(host, rounds ?? 9),
};

const host = makeHost();
const parts = [host.versions().join("  \n")];
try {
  for (const [name, bench] of Object.entries(BENCHES)) {
    if (chosen.length > 0 && !chosen.includes(name)) continue;
    const { title, aims, text } = await bench(host);
    const judged = aims.map(([aim, value, most, least = 0]) => {
      const met = value <= most && value >= least;
      return `- aim: ${aim}: ${value.toFixed(2)}, ${met ? "met" : "missed"}`;
    });
    parts.push([`## ${title}`, text, judged.join("\n")].filter((part) => part !== "").join("\n\n"));
    process.stderr.write(`${title}: done\n`);
  }
} finally {
  host.remove();
}
const report = `${parts.join("\n\n")}\n`;
process.stdout.write(report);
if (words.includes("--write")) {
  const file = join(dirname(dirname(fileURLToPath(import.meta.url))), "docs", "benchmarks.md");
  writeFileSync(file, `# Benchmarks\n\nThe last result of \`npm run bench -- --write\`.\n\n${report}`);
}
