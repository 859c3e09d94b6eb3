import { HardlineError } from "../core/errors.ts";

/** Why `run` or `plan` did not get as far as the sandbox. */
export type SupervisorErrorCode =
  | "policy"
  | "no-such-agent"
  | "which-agent"
  | "not-enforced"
  | "own-code-mutable"
  | "hazards";

export class SupervisorError extends HardlineError {
  override readonly code: SupervisorErrorCode;

  constructor(code: SupervisorErrorCode, message: string, remedy = "") {
    super(message, remedy);
    this.code = code;
  }
}
