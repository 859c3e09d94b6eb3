/** `hardline doctor`: can this host hold the wall up? */
import { printable } from "../core/printable.ts";
import { EXIT, type Io } from "./io.ts";
import { stateDirectory } from "./locations.ts";
import { palette, wantsColor } from "./palette.ts";
import { colorOption, jsonOption, stateOption, UNANSWERED, Verb } from "./verb.ts";

interface Options {
  readonly state?: string;
  readonly json?: boolean;
  readonly color?: boolean;
}

export function doctorCommand(io: Io, finish: (status: number) => void): Verb {
  return new Verb("doctor", "Try every mechanism that the wall needs on this host", {
    manual: [
      "Makes the namespaces, loads the system call filter, looks for cgroups and the rest, for real, and reports each with what to do where it is missing. What fails here makes `run` refuse to start; a warning is something that `run` does without and says so.",
    ],
    examples: [{ command: "hardline doctor", says: "Before the first run on a new machine." }],
    statuses: [
      [EXIT.yes, "`run` can start here"],
      [EXIT.unanswered, UNANSWERED],
      [EXIT.no, "at least one mechanism that `run` cannot do without is missing"],
    ],
  })
    .addOption(stateOption())
    .addOption(jsonOption())
    .addOption(colorOption())
    .action(async (options: Options) => finish(await doctor(io, options)));
}

async function doctor(io: Io, options: Options): Promise<number> {
  const { probeHost } = await import("../sandbox/doctor.ts");
  const probes = await probeHost({ stateDir: stateDirectory(io, options.state) });
  // No probe at all is not a healthy host.
  const failed = probes.length === 0 || probes.some(({ status }) => status === "failed");
  if (options.json === true) {
    io.stdout.write(`${JSON.stringify({ ok: !failed, probes }, undefined, 2)}\n`);
  } else {
    const paint = palette(wantsColor(io, io.stdout, options));
    const marks = { ok: paint.green("ok     "), warning: paint.yellow("warning"), failed: paint.red("failed ") };
    for (const { id, status, title, detail, remedy } of probes) {
      const lines = [`${marks[status]}  ${paint.bold(title)} ${paint.dim(`[${id}]`)}: ${printable(detail)}`];
      if (status !== "ok" && remedy !== "")
        lines.push(...remedy.split("\n").map((line) => `         ${printable(line)}`));
      io.stdout.write(`${lines.join("\n")}\n`);
    }
    io.stdout.write(
      failed
        ? `${paint.red("no")}: an agent cannot be started here\n`
        : `${paint.green("ok")}: an agent can be started here\n`,
    );
  }
  return failed ? EXIT.no : EXIT.yes;
}
