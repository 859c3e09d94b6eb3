import type { Finding } from "../../core/finding.ts";

/** An empty, sealed name that closes a hazard by being there. */
export interface StandIn {
  /** Relative to the workspace. */
  readonly path: string;
  readonly kind: "file" | "directory";
  /** The id of the hazard. */
  readonly closes: string;
}

export interface HazardReport {
  /** Errors first. Those with `accepted` do not keep the agent from starting. */
  readonly findings: readonly Finding[];
  /** What the sandbox has to lay over the workspace; what these close is not among the findings. */
  readonly standIns: readonly StandIn[];
}
