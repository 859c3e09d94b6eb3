import { join } from "node:path";
import { documentOf, type PlanDocument } from "../sandbox/render.ts";
import { type PrepareOptions, prepare } from "./prepare.ts";

/** Stands for the run's own name, which only a run has. */
const NO_RUN = "0".repeat(12);

/**
 * The plan that `run` would carry out, without carrying it out. Sealed content is put into the store, since the plan names
 * where it lies. Throws as `prepare` does.
 */
export async function planAgent(options: PrepareOptions): Promise<PlanDocument> {
  const { plan, facts } = await prepare(options, NO_RUN, () => undefined);
  return documentOf(plan, facts, join(options.stateDir, "runs", NO_RUN));
}
