import { CodedError } from '../../common/errors.ts';

/**
 * What can go wrong between us and the API server.
 * `api`: it answered with an error status · `unreachable`: no complete answer · `deadline`: none in time ·
 * `protocol`: an answer that is not what the API promises · `idle`: a watch without a sign of life ·
 * `kubeconfig`: no usable way to reach a cluster.
 */
export type KubeErrorCode = 'api' | 'unreachable' | 'deadline' | 'protocol' | 'idle' | 'kubeconfig';

/** An error answer of the API server, or none at all (`status` 0). */
export class KubeError extends CodedError<KubeErrorCode> {
  /** HTTP status, 0 where there was no answer. */
  readonly status: number;
  /** The API's machine-readable reason, e.g. `AlreadyExists`; empty where there was none. */
  readonly reason: string;

  constructor(
    code: KubeErrorCode,
    message: string,
    options: { cause?: unknown; status?: number; reason?: string } = {},
  ) {
    super(code, message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'KubeError';
    this.status = options.status ?? 0;
    this.reason = options.reason ?? '';
  }
}

/** True when the API server answered with one of these HTTP statuses. */
export function isStatus(error: unknown, ...statuses: number[]): error is KubeError {
  return error instanceof KubeError && error.code === 'api' && statuses.includes(error.status);
}

/** The error for an answer of at least 400; its body is a `Status` object unless a proxy made it. */
export function apiError(what: string, status: number, body: string): KubeError {
  let reason = '';
  let message = body.slice(0, 300);
  try {
    const parsed = JSON.parse(body) as { kind?: string; reason?: string; message?: string };
    if (parsed.kind === 'Status') {
      reason = parsed.reason ?? '';
      message = parsed.message ?? message;
    }
  } catch {
    // Not from the API server itself: its text is all there is to say.
  }
  return new KubeError('api', `${what}: ${status} ${message.trim()}`, { status, reason });
}
