import { HardlineError } from "../core/errors.ts";

/** Why a sandbox did not start. Every one of them ends `run` with status 125. */
export type SandboxErrorCode =
  /** The host lacks something the plan needs (K7): a namespace, a version, a cgroup. */
  | "host-cannot"
  /** A path of the policy cannot be used as it stands: absent, a symlink, of the wrong kind. */
  | "bad-path"
  /** Content that cannot be sealed: a device, a socket, a file that changes while it is copied. */
  | "cannot-seal"
  /** A step on the way into the sandbox failed. */
  | "launch-failed"
  /** What was seen from outside differs from the plan. */
  | "attestation-failed"
  /** Another run holds what this one needs. */
  | "busy"
  /** The launcher that was started in anticipation is not the one that the plan needs: start again without. */
  | "not-as-anticipated";

export class SandboxError extends HardlineError {
  override readonly code: SandboxErrorCode;

  constructor(code: SandboxErrorCode, message: string, remedy = "", options?: ErrorOptions) {
    super(message, remedy, options);
    this.code = code;
  }
}
