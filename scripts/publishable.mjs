/**
 * `strip` takes out of package.json what only a checkout needs, `restore` puts it back. The packaged Node.js lets a checkout
 * work where an older one is installed; whoever installs Hardline brings a Node.js of their own.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const file = join(root, "package.json");
const full = join(root, ".package.json.full");

/** The manifest as it is published. */
export function publishable(manifest) {
  const { optionalDependencies = {}, ...rest } = manifest;
  const kept = Object.entries(optionalDependencies).filter(([name]) => !name.startsWith("node-linux-"));
  return kept.length === 0 ? rest : { ...rest, optionalDependencies: Object.fromEntries(kept) };
}

function restore() {
  if (existsSync(full)) renameSync(full, file);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , verb] = process.argv;
  if (verb === "strip") {
    // A pack that was broken off has left the full one behind: begin from that.
    restore();
    const text = readFileSync(file, "utf8");
    writeFileSync(full, text);
    writeFileSync(file, `${JSON.stringify(publishable(JSON.parse(text)), null, 2)}\n`);
  } else if (verb === "restore") {
    restore();
  } else {
    process.stderr.write("usage: node scripts/publishable.mjs strip|restore\n");
    process.exitCode = 1;
  }
}
