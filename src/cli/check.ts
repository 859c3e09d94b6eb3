/** `hardline check`: is this policy sound, and is there no way round it that can be seen beforehand? */
import { resolve } from "node:path";
import { type Finding, isBlocking } from "../core/finding.ts";
import { checkPolicy } from "../supervisor/check.ts";
import { renderFindings } from "./findings.ts";
import { EXIT, type Io } from "./io.ts";
import { DEFAULT_POLICY, stateDirectory } from "./locations.ts";
import { palette, wantsColor } from "./palette.ts";
import { agentOption, colorOption, jsonOption, policyOption, stateOption, UNANSWERED, Verb } from "./verb.ts";

interface Options {
  readonly policy?: string;
  readonly state?: string;
  readonly agent?: string;
  readonly json?: boolean;
  readonly color?: boolean;
}

export function checkCommand(io: Io, finish: (status: number) => void): Verb {
  return new Verb("check", "Find what is wrong with a policy, before anything is started", {
    manual: [
      "Reads the policy and the files it speaks of, and reports: defects of the file; what it asks for that nothing enforces yet; and hazards, which are ways in which a file that the agent may write could stand in for one that it may not. Sealed programs are parsed and their imports followed. Nothing is executed.",
      "An error keeps `run` from starting, unless it is accepted by its name, with a reason, under the agent's `accept`.",
    ],
    examples: [
      { command: "hardline check", says: "Judge ./hardline.yaml and every agent in it." },
      { command: "hardline check --json | jq '.findings[].id'", says: "The names of all findings." },
    ],
    statuses: [
      [EXIT.yes, "no error: `run` would start"],
      [EXIT.unanswered, UNANSWERED],
      [EXIT.no, "at least one error that is not accepted"],
    ],
  })
    .addOption(agentOption("only this agent"))
    .addOption(policyOption())
    .addOption(stateOption())
    .addOption(jsonOption())
    .addOption(colorOption())
    .action(async (options: Options) => finish(await check(io, options)));
}

async function check(io: Io, options: Options): Promise<number> {
  const { kind, findings } = await checkPolicy({
    policyFile: resolve(io.workingDirectory, options.policy ?? DEFAULT_POLICY),
    stateDir: stateDirectory(io, options.state),
    ...(options.agent === undefined ? {} : { agent: options.agent }),
  });
  io.stdout.write(
    options.json === true
      ? `${JSON.stringify({ findings: findings.map(inOrder) }, undefined, 2)}\n`
      : renderFindings(findings, io.workingDirectory, palette(wantsColor(io, io.stdout, options))),
  );
  if (kind === "unanswerable") return EXIT.unanswered;
  return findings.some(isBlocking) ? EXIT.no : EXIT.yes;
}

/** The fields in the order of the reference, so that two answers can be compared as text. */
function inOrder({ id, severity, file, line, column, message, fix, agent, accepted }: Finding): Finding {
  return {
    ...{ id, severity, file, line, column, message, fix },
    ...(agent === undefined ? {} : { agent }),
    ...(accepted === undefined ? {} : { accepted }),
  };
}
