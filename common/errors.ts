/**
 * The one shape of errors in this project: each program has a table of codes, and an error carries its code so that
 * callers switch on data and never on text. `cause` keeps what led to it; it is logged, never answered.
 */
export class CodedError<Code extends string = string> extends Error {
  readonly code: Code;
  /** The input field that is wrong, as the caller named it. */
  readonly field: string | undefined;

  constructor(code: Code, message: string, options: { cause?: unknown; field?: string } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'CodedError';
    this.code = code;
    this.field = options.field;
  }
}

/** True when `error` is a CodedError, of one of `codes` if any are given. */
export function isCoded<Code extends string>(error: unknown, ...codes: Code[]): error is CodedError<Code> {
  return error instanceof CodedError && (codes.length === 0 || (codes as string[]).includes(error.code));
}

/** The message of anything thrown, for logs and events; never for an answer to a client. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
