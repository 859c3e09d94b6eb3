/** `hardline plan`: what `run` would do, without doing it. */
import { resolve } from "node:path";
import { EXIT, type Io } from "./io.ts";
import { DEFAULT_POLICY, stateDirectory } from "./locations.ts";
import { wantsColor } from "./palette.ts";
import { agentOption, colorOption, jsonOption, policyOption, stateOption, UNANSWERED, Verb } from "./verb.ts";

interface Options {
  readonly policy?: string;
  readonly state?: string;
  readonly agent?: string;
  readonly json?: boolean;
  readonly color?: boolean;
}

export function planCommand(io: Io, finish: (status: number) => void, given: readonly string[]): Verb {
  return new Verb("plan", "Print the sandbox that `run` would make: mounts, environment, system calls, limits", {
    manual: [
      "A plan is data, computed from the policy and from facts about the host. What is printed is what `run` would carry out and then compare with what the kernel says.",
    ],
    examples: [
      { command: "hardline plan", says: "The plan for the only agent of ./hardline.yaml." },
      { command: "hardline plan --agent trader --json > plan.json", says: "To be compared with tomorrow's." },
    ],
    takesCommand: true,
    statuses: [
      [EXIT.yes, "the plan was printed"],
      [EXIT.unanswered, `${UNANSWERED}: no plan can be made, and the message says why`],
    ],
  })
    .addOption(agentOption())
    .addOption(policyOption())
    .addOption(stateOption())
    .addOption(jsonOption())
    .addOption(colorOption())
    .action(async (options: Options) => finish(await plan(io, given, options)));
}

async function plan(io: Io, command: readonly string[], options: Options): Promise<number> {
  const [{ planAgent }, { renderPlan }] = await Promise.all([
    import("../supervisor/plan.ts"),
    import("../sandbox/render.ts"),
  ]);
  const planned = await planAgent({
    policyFile: resolve(io.workingDirectory, options.policy ?? DEFAULT_POLICY),
    stateDir: stateDirectory(io, options.state),
    ...(options.agent === undefined ? {} : { agent: options.agent }),
    ...(command.length === 0 ? {} : { command }),
  });
  io.stdout.write(
    options.json === true
      ? `${JSON.stringify(planned, undefined, 2)}\n`
      : renderPlan(planned, { color: wantsColor(io, io.stdout, options) }),
  );
  return EXIT.yes;
}
