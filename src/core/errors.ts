/**
 * The base of every error that Hardline raises on purpose. Each room has one subclass whose `code` is a closed union, so
 * that a `switch` over it is exhaustive. The message says what is wrong, where, and what to do about it.
 */
export abstract class HardlineError extends Error {
  /** Stable, kebab-case; scripts may match on it. */
  abstract readonly code: string;
  /** What the reader can do about it, as one sentence; empty where the message already says it. */
  readonly remedy: string;

  constructor(message: string, remedy = "", options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.remedy = remedy;
  }
}

/** The `code` of a Node.js system error (`ENOENT`, `EROFS` …), or `undefined` for anything else that was thrown. */
export function errnoOf(error: unknown): string | undefined {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  return undefined;
}
