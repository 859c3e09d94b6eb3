/** Every file of the repository that is made from the code, so that none of them can tell another story. */
import { renderHazardReference } from "../../analysis/hazards/reference.ts";
import { policyJsonSchema } from "../../policy/json-schema.ts";
import { completionScript, SHELLS } from "../completions.ts";
import type { Io, Sink } from "../io.ts";
import { createProgram } from "../program.ts";
import { renderManualPage } from "./manual-page.ts";
import { renderCliReference, renderJsonReference } from "./markdown.ts";

const NOWHERE: Sink = { isTerminal: false, write: () => undefined };
const NO_IO: Io = { stdout: NOWHERE, stderr: NOWHERE, environment: {}, workingDirectory: "/", uid: -1 };

/** Where bash, zsh and fish look for completions of a command. */
const COMPLETION_FILES = { bash: "hardline.bash", zsh: "_hardline", fish: "hardline.fish" } as const;

/** Path in the repository → content. */
export function generatedFiles(): ReadonlyMap<string, string> {
  const program = createProgram(NO_IO, () => undefined);
  return new Map([
    ["man/hardline.1", renderManualPage(program)],
    ...SHELLS.map((shell) => [`completions/${COMPLETION_FILES[shell]}`, completionScript(shell, program)] as const),
    ["docs/reference/cli.md", renderCliReference(program)],
    ["docs/reference/json.md", renderJsonReference()],
    ["docs/reference/hazards.md", renderHazardReference()],
    ["schema/hardline.schema.json", `${JSON.stringify(policyJsonSchema(), undefined, 2)}\n`],
  ]);
}
