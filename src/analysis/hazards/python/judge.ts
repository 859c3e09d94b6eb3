/** What is said about one import, once it is known what Python would find for it. */
import { basename, dirname } from "node:path";
import type { Inquiry } from "../inquiry.ts";
import type { Where } from "../report.ts";
import { isWithin } from "../world.ts";
import type { PythonRun } from "./run.ts";
import { type Found, forgeableBytecode } from "./search.ts";

/** Reports what could come before, or stand in for, what was found. */
export function judgeImport(run: PythonRun, name: string, found: Found, at: Where): void {
  const { inquiry, interpreter } = run;
  const { world, report } = inquiry;
  const beside = found.rivals.filter((rival) => rival.beside);
  const earlier = found.rivals.find((rival) => !rival.beside);
  if (found.file !== undefined && world.agentDecides(found.file)) {
    report.add("python-import-mutable", {
      at,
      message: `\`${name}\` is imported from ${found.file}, which the agent can write`,
      fix: fixFor(inquiry, found.file),
    });
    return;
  }
  const closed =
    interpreter.known && beside.every((rival) => world.standIn(rival.path, rival.standIn, "python-import-shadowed"));
  const rival =
    earlier ?? (closed ? undefined : (beside.find((each) => world.kind(each.path) !== "absent") ?? beside[0]));
  if (rival !== undefined) {
    const there = world.kind(rival.path) !== "absent";
    report.add("python-import-shadowed", {
      at,
      message: `\`import ${name}\` would take ${rival.path}, which ${there ? "is there and which " : ""}the agent can ${there ? "write" : "create"}, ${found.kind === "missing" ? "as no sealed module has the name" : `before ${found.file ?? "the sealed package"}`}`,
      fix:
        there && rival.beside
          ? `Remove ${rival.path}, or seal the whole directory ${dirname(rival.path)}.`
          : fixFor(inquiry, rival.path),
    });
  }
  if (found.file !== undefined && !run.bytecodeElsewhere && isWithin(found.file, world.base)) {
    const cache = forgeableBytecode(inquiry, found.file);
    if (cache !== undefined && !world.standIn(cache, "directory", "python-bytecode")) {
      report.add("python-bytecode", {
        at,
        message: `\`${name}\`: the agent can put forged bytecode for ${found.file} into ${cache}`,
        fix:
          world.kind(cache) === "absent"
            ? fixFor(inquiry, cache)
            : `Remove ${cache} and seal it (\`${basename(cache)}/\`), or seal the whole directory.`,
      });
    }
  }
}

function fixFor(inquiry: Inquiry, path: string): string {
  const { world, agent } = inquiry;
  if (agent.shape.kind === "root")
    return `Rename or move the mutable place that holds ${path}: modules belong in sealed directories.`;
  if (dirname(path) === world.base) {
    return (
      "Put the program into a directory of its own and seal that (`sealed: [app/]`, `run: [python3, app/…]`), " +
      "use `root:` with `mutable:`, or start it with `python3 -P` where it imports nothing of its own."
    );
  }
  return `Seal the whole directory ${dirname(path).slice(world.base.length + 1)}/.`;
}
