import { currentHost, findGrants } from "../sandbox/cgroup.ts";
import { documentOf, type PlanDocument } from "../sandbox/render.ts";
import { ownStateDirectory } from "../sandbox/state-directory.ts";
import { type PrepareOptions, prepare } from "./prepare.ts";

/** Stands for the run's own name, which only a run has. */
const NO_RUN = "XXXXXX";

/**
 * The plan that `run` would carry out, without carrying it out. Sealed content is put into the store, since the plan names
 * where it lies. Throws as `prepare` does.
 */
export async function planAgent(options: PrepareOptions): Promise<PlanDocument> {
  ownStateDirectory(options.stateDir);
  const grants = findGrants(currentHost(process.getuid?.() === 0));
  const { plan, facts } = await prepare(options, {
    run: NO_RUN,
    grants,
    progress: () => undefined,
    lock: () => Promise.resolve(), // Nothing is mounted: a run may go on meanwhile.
  });
  return documentOf(plan, facts);
}
