import { HardlineError } from "../core/errors.ts";

export type UsageCode =
  | "state-unknown"
  | "file-exists"
  | "not-a-directory"
  | "unreadable"
  | "unwritable"
  | "name-invalid"
  | "words-after-dashes";

/** The command line asks for something that cannot be done as it stands. */
export class UsageError extends HardlineError {
  readonly code: UsageCode;

  constructor(code: UsageCode, message: string, remedy: string, options?: ErrorOptions) {
    super(message, remedy, options);
    this.code = code;
  }
}
