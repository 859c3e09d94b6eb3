import { EXIT, type Io } from "./io.ts";
import { runVerb } from "./run.ts";
import { agentOption, colorOption, policyOption, stateOption, Verb } from "./verb.ts";

/** The definition of `run`: its help and its errors. What it means is read by run-arguments.ts first, without a library. */
export function runCommand(io: Io, finish: (status: number) => void, given: readonly string[]): Verb {
  const verb = new Verb("run", "Start an agent inside the wall and wait for its end", {
    manual: [
      "Plans the sandbox from the policy, starts it, checks from outside that what the kernel enforces is what was planned, and only then lets the agent begin. Terminal, signals and exit status pass through.",
      "Without a command, the agent's own `run` is started. A command after `--` is started in its place, under the same rules.",
    ],
    examples: [
      { command: "hardline run", says: "Start the only agent of ./hardline.yaml." },
      {
        command: 'hardline run --agent trader -- python3 -c \'open("trade.py", "a")\'',
        says: "Try something inside: this meets EROFS.",
      },
    ],
    takesCommand: true,
    statuses: [
      ["0-124", "the agent's own exit status; 128+N where signal N ended it"],
      [EXIT.notStarted, "Hardline did not start the agent, and says why"],
      [EXIT.notExecutable, "the agent's program cannot be executed"],
      [EXIT.notFound, "the agent's program was not found"],
    ],
  });
  verb
    .addOption(agentOption())
    .addOption(policyOption())
    .addOption(stateOption())
    .addOption(colorOption())
    .action(async ({ policy, state, agent }: Record<string, string | undefined>) => {
      const words = {
        ...(policy === undefined ? {} : { policy }),
        ...(state === undefined ? {} : { state }),
        ...(agent === undefined ? {} : { agent }),
        ...(given.length === 0 ? {} : { command: given }),
      };
      finish(await runVerb(io, words));
    });
  return verb;
}
