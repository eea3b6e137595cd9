/**
 * Every failure bitmend reports on purpose carries a stable code: `<folder>/<what>`.
 *
 * Codes are API (tests and users match on them); messages are for people.
 */
export type ErrorCode = `${string}/${string}`;

export interface ErrorDetails {
  /** What the reader can do next, as one sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** The one error class: *function(): expected X, got Y. What to do.* */
export class BitmendError extends Error {
  override readonly name: string = "BitmendError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, { hint, cause }: ErrorDetails = {}) {
    super(hint === undefined ? message : `${message} ${hint}`, cause === undefined ? {} : { cause });
    this.code = code;
    this.hint = hint;
  }
}
