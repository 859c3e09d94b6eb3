/** Writes the files that are made from the code: manual page, completions, schema, reference. A test compares them. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { generatedFiles } from "../src/cli/reference/generated-files.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
for (const [name, text] of generatedFiles()) {
  const file = join(root, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
