import { TerminalError } from './kube/controller.ts';

/**
 * Why a connector is Stalled beyond what its spec and policies say (`desired/problems.ts` has those).
 * `NameTaken`: an object of a child's name is not ours · `SecretNameTaken`: a Secret of a TLS Secret's name is not
 * ours · `Refused`: the API server refuses a child (quota, admission, permissions).
 */
export type StallReason = 'NameTaken' | 'SecretNameTaken' | 'Refused';

/** What we cannot see change is looked at again at this pace. */
const LOOK_AGAIN_MS = 10_000;

/** A person must do something; `message` says what. */
export class Stall extends TerminalError {
  readonly reason: StallReason;

  constructor(reason: StallReason, message: string, cause?: unknown) {
    super(reason, message, { ...(cause === undefined ? {} : { cause }), retryAfterMs: LOOK_AGAIN_MS });
    this.reason = reason;
  }
}
