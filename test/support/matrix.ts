/** Every attack in every shape, as root and as an ordinary user. What this process cannot be is skipped, by name. */
import { accessSync, constants } from "node:fs";
import { afterAll, beforeAll, describe, test } from "vitest";
import { canBe, type Who } from "./identity.ts";
import { Lab, type LabOptions, type Shape } from "./lab.ts";

export const ALL_SHAPES: readonly Shape[] = ["root", "list", "map"];
const SHAPE_NAMES: Readonly<Record<Shape, string>> = {
  root: "a sealed root",
  list: "a workspace with a list",
  map: "a workspace with a map",
};
const WHO_NAMES: Readonly<Record<Who, string>> = { root: "root", user: "an ordinary user" };

export interface Bench {
  /** The lab; there from `beforeAll` on. */
  readonly lab: Lab;
  readonly shape: Shape;
  readonly who: Who;
  readonly test: typeof test;
  /** Whether this process can be that identity at all; hooks run even where every test is skipped. */
  readonly isPossible: boolean;
}

export type BenchOptions = Omit<LabOptions, "shape" | "who"> & { readonly as?: readonly Who[] };

/** Whether this process can make a lab there: `/srv` is root's. */
function isWritable(base: string): boolean {
  try {
    accessSync(base, base === "/" ? constants.F_OK : constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Describes one block of tests for each shape and identity, with a lab of its own that is removed afterwards. */
export function describeSandbox(
  what: string,
  shapes: readonly Shape[],
  body: (bench: Bench) => void,
  { as = ["root", "user"], ...options }: BenchOptions = {},
): void {
  const isPossible = (who: Who): boolean => canBe(who) && isWritable(options.base ?? "/");
  for (const shape of shapes) {
    for (const who of as) {
      describe(`${what}, ${SHAPE_NAMES[shape]}, as ${WHO_NAMES[who]}`, () => {
        let lab: Lab | undefined;
        beforeAll(async () => {
          if (!isPossible(who)) return;
          lab = new Lab({ ...options, shape, who });
          // The first start makes the mutable places the agent's own; the truth is taken after it.
          const { status, stderr } = await lab.run(["/bin/true"]);
          if (status !== 0) throw new Error(`the lab does not start: ${stderr}`);
        });
        afterAll(() => lab?.remove());
        body({
          shape,
          who,
          isPossible: isPossible(who),
          test: isPossible(who) ? test : (test.skipIf(true) as typeof test),
          get lab() {
            if (lab === undefined) throw new Error("the lab is not there yet");
            return lab;
          },
        });
      });
    }
  }
}
