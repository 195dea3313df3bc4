import { CodedError } from '../common/errors.ts';
import type { Problem } from '../common/http.ts';
import type { SignerErrorCode } from './protocol.ts';

export interface ErrorRow {
  status: number;
  title: string;
  /** What whoever sees it can do; part of the errors reference. */
  remedy: string;
}

/**
 * The one table of what the signer answers. 4xx: the request will never be signed as it is; 503: nothing is wrong
 * with it, try again. Nothing is signed with any of them.
 */
export const ERRORS: Readonly<Record<SignerErrorCode, ErrorRow>> = {
  'bad-request': {
    status: 400,
    title: 'The request is not of the protocol',
    remedy: 'Send JSON with envelopeXdr and nothing unknown.',
  },
  'body-too-large': {
    status: 413,
    title: 'The body is too large',
    remedy: 'Send at most 32,768 characters of base64.',
  },
  'protocol-mismatch': {
    status: 400,
    title: 'Another version of the protocol',
    remedy: 'Run the connector and the signer of one release.',
  },
  'not-found': { status: 404, title: 'No such endpoint', remedy: 'See protocol.ts for the two endpoints.' },
  'unsigned-request': {
    status: 401,
    title: 'The request is not signed',
    remedy:
      'Sign it as RFC 9421 with Content-Digest, created, expires, nonce and keyid; the key lies beside the socket.',
  },
  'unknown-key': {
    status: 401,
    title: 'Signed with another key',
    remedy: 'Read the key beside the socket again: each start of the signer makes a new one.',
  },
  'bad-request-signature': {
    status: 401,
    title: 'The signature or the digest does not match the request',
    remedy: 'Send the request as it was signed.',
  },
  'stale-request': {
    status: 401,
    title: 'The signature is not valid at this time',
    remedy: 'Sign anew just before sending; compare the clocks of both sides.',
  },
  'replayed-request': {
    status: 401,
    title: 'The nonce was used before',
    remedy: 'Sign every request anew, with a nonce of its own.',
  },
  'too-many-requests': {
    status: 429,
    title: 'Too many requests a second',
    remedy: 'Ask less often; wait as long as Retry-After says.',
  },
  'malformed-envelope': {
    status: 400,
    title: 'Not a canonical transaction envelope',
    remedy: 'Send one TransactionEnvelope in canonical XDR and padded base64, without anything after it.',
  },
  'envelope-type-not-allowed': {
    status: 403,
    title: 'This type of envelope is not signed',
    remedy: 'Send a v1 transaction envelope or a fee bump of one.',
  },
  'wrong-network': {
    status: 403,
    title: 'Another network',
    remedy: 'Give connector and signer the same network passphrase.',
  },
  'bad-signature': {
    status: 403,
    title: 'A signature in the envelope is not ours',
    remedy:
      'Send it unsigned or with this signer’s own signature for this network; the transaction in a bump must carry that one.',
  },
  'wrong-source': {
    status: 403,
    title: 'Another source account',
    remedy:
      'Use the account as source of every operation, named in it, and the account or a channel of every policy as that of transaction and bump.',
  },
  'policy-missing': {
    status: 403,
    title: 'No signing policy applies',
    remedy: 'Create a SigningPolicy whose accounts names this account, or mend the file that /status names.',
  },
  'kill-switch': {
    status: 403,
    title: 'The kill switch is on',
    remedy: 'The security team switches it off in the named policy.',
  },
  'operation-not-allowed': {
    status: 403,
    title: 'This operation is not allowed',
    remedy: 'The message says why; most of these no policy can allow.',
  },
  'too-many-operations': {
    status: 403,
    title: 'Too many operations',
    remedy: 'Send fewer, or raise maxOperations.',
  },
  'pair-not-allowed': {
    status: 403,
    title: 'An asset or pair that no rule lists',
    remedy:
      'Add the pair to the list that the message names, in every policy of the account, with a collar; two equal assets are never allowed.',
  },
  'inner-not-signed': {
    status: 403,
    title: 'The inner transaction is not one of ours that is still live',
    remedy: 'Bump only what this signer signed, before its maxTime.',
  },
  'asset-not-allowed': {
    status: 403,
    title: 'No rule lists this asset',
    remedy: 'Add it to trustlines or payments of every policy of the account.',
  },
  'destination-not-allowed': {
    status: 403,
    title: 'No rule lists this destination',
    remedy: 'Add it to the destinations of a payment rule for this asset.',
  },
  'price-out-of-collar': {
    status: 403,
    title: 'The price is outside the collar',
    remedy: 'Compare the limit price with the collar; move the collar if the market moved.',
  },
  'amount-too-large': {
    status: 403,
    title: 'The amount is above the limit',
    remedy: 'Split it, or raise maxAmount; 0 and less are never allowed.',
  },
  'window-exhausted': {
    status: 403,
    title: 'The window is spent',
    remedy: 'Wait until signed amounts leave the window that the message names, or raise it.',
  },
  'rate-exceeded': {
    status: 429,
    title: 'Too many signatures per second',
    remedy: 'Wait a second; raise signaturesPerSecond if this is normal.',
  },
  'fee-too-high': {
    status: 403,
    title: 'The fee is above the limit',
    remedy: 'Bid less, or raise fees.perOperation and fees.perTransaction.',
  },
  'no-time-bounds': { status: 403, title: 'No maxTime', remedy: 'Set time bounds with a maxTime.' },
  'time-bounds-too-far': {
    status: 403,
    title: 'maxTime is too far ahead',
    remedy: 'Keep maxTime within maxTimeBoundSeconds; compare the clocks of both sides.',
  },
  expired: {
    status: 403,
    title: 'maxTime has passed',
    remedy: 'Build the transaction anew; compare the clocks of both sides.',
  },
  'precondition-not-allowed': {
    status: 403,
    title: 'A precondition that is never allowed',
    remedy: 'Use time bounds only.',
  },
  'memo-not-allowed': {
    status: 403,
    title: 'This memo is not allowed',
    remedy: 'Add the text to memo.texts, or allow Any.',
  },
  'sequence-live': {
    status: 409,
    title: 'Another transaction was signed for this sequence number',
    remedy: 'Submit the one that was signed, or wait until its maxTime has passed by a minute.',
  },
  'keystore-unavailable': {
    status: 503,
    title: 'The key cannot be used now',
    remedy: 'See /readyz of the signer for the reason.',
  },
  'journal-unavailable': {
    status: 503,
    title: 'The journal cannot be written',
    remedy: 'Check size and health of the journal volume, then restart the signer.',
  },
  'journal-unconfirmed': {
    status: 503,
    title: 'The journal’s id has not come back yet',
    remedy: 'Wait for the operator to record it; outside Kubernetes say --init at the first start.',
  },
  'journal-lost': {
    status: 503,
    title: 'An earlier journal was lost',
    remedy: 'Wait as long as the message says; then `signer journal accept-loss` opens the windows again.',
  },
  overloaded: { status: 503, title: 'Too many requests at once', remedy: 'Try again in a second.' },
  stopping: { status: 503, title: 'The signer is stopping', remedy: 'Try again when it is back.' },
  internal: { status: 500, title: 'Internal error', remedy: 'See the signer’s log.' },
};

export type SignerError = CodedError<SignerErrorCode>;

/** A refusal or failure with a code of the table; `detail` is answered, `cause` only logged. */
export function signerError(
  code: SignerErrorCode,
  detail: string,
  options: { cause?: unknown; field?: string } = {},
): SignerError {
  return new CodedError(code, detail, options);
}

/** True for an error of this program's table. */
export function isSignerError(error: unknown): error is SignerError {
  return error instanceof CodedError && Object.hasOwn(ERRORS, error.code);
}

/** The problem document (RFC 9457). What is not of the table becomes `internal` and tells nothing. */
export function toProblem(error: unknown): Problem {
  const known = isSignerError(error) ? error : signerError('internal', 'see the signer’s log');
  const { status, title } = ERRORS[known.code];
  return {
    type: `urn:stellar-signer:error:${known.code}`,
    title,
    status,
    detail: known.message,
    code: known.code,
    ...(known.field === undefined ? {} : { field: known.field }),
  };
}
