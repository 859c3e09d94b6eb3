import type { Plan } from "../sandbox/plan.ts";
import { type PrepareOptions, prepare } from "./prepare.ts";

/**
 * The plan that `run` would carry out, without carrying it out. Sealed content is put into the store, since the plan names
 * where it lies. Throws as `prepare` does.
 */
export async function planAgent(options: PrepareOptions): Promise<Plan> {
  const { plan } = await prepare(options, "0".repeat(12), () => undefined);
  return plan;
}
