import { isCoded } from '../../common/errors.ts';
import type { HttpMessage } from '../../common/http-signatures.ts';
import {
  type HmacKey,
  nonceOf,
  type SignatureFaultCode,
  signMessage,
  verifyMessage,
} from '../../common/http-signatures-hmac.ts';
import { type SignerError, signerError } from '../errors.ts';
import {
  SIGNATURE_LIFETIME_SECONDS,
  SIGNATURE_LIMITS,
  type SignerErrorCode,
  signedAnswer,
  signedRequest,
} from '../protocol.ts';
import { createNonces } from './nonces.ts';

export interface Authenticator {
  /**
   * Takes a request whose signature is right, fresh and new.
   * @throws SignerError `unsigned-request`, `unknown-key`, `bad-request-signature`, `stale-request`,
   *   `replayed-request`, `overloaded`
   */
  verify(request: HttpMessage): void;
  /** The signature's fields for an answer, bound to its request as far as that can be read. */
  signAnswer(answer: HttpMessage, request: HttpMessage): Record<string, string>;
}

/** About 6 MB. At 15 s each it takes 4,000 requests a second to fill it. */
const NONCES = 65_536;

const CODES: Readonly<Record<SignatureFaultCode, SignerErrorCode>> = {
  unsigned: 'unsigned-request',
  'unknown-key': 'unknown-key',
  'bad-signature': 'bad-request-signature',
  stale: 'stale-request',
};

/** `now` gives milliseconds since 1970, by the clock that clients have too. */
export function createAuthenticator({
  key,
  now,
  maxNonces = NONCES,
}: {
  key: HmacKey;
  now: () => number;
  maxNonces?: number;
}): Authenticator {
  const nonces = createNonces(maxNonces);
  return {
    verify(request) {
      const time = now();
      const { nonce, expires } = verifySignature(request, key, time);
      // Only now: whoever has no key can neither fill the store nor use up the nonce of another.
      switch (nonces.take(nonce, expires, time)) {
        case 'new':
          return;
        case 'used':
          throw signerError('replayed-request', 'the nonce of this signature was used before');
        case 'full':
          throw signerError('overloaded', 'too many requests in the last seconds');
        case 'forgotten':
          throw signerError(
            'stale-request',
            'the clock of this machine went back; wait, or restart the signer',
          );
      }
    },
    signAnswer(answer, request) {
      const hasBody = request.headers['content-digest'] !== undefined;
      const common = {
        key,
        now: now(),
        lifetimeSeconds: SIGNATURE_LIFETIME_SECONDS,
        nonce: nonceOf(request),
      };
      try {
        return signMessage(answer, { ...signedAnswer(hasBody), ...common, request });
      } catch {
        // The request's own target or fields cannot be signed, so nobody waits for a bound answer.
        return signMessage(answer, { ...signedAnswer(hasBody, false), ...common });
      }
    },
  };
}

function verifySignature(
  request: HttpMessage,
  key: HmacKey,
  now: number,
): { nonce: string; expires: number } {
  try {
    const hasBody = request.body !== undefined && request.body.length > 0;
    return verifyMessage(request, { ...signedRequest(hasBody), ...SIGNATURE_LIMITS, key, now });
  } catch (cause) {
    throw asSignerError(cause);
  }
}

function asSignerError(cause: unknown): SignerError {
  const codes = Object.keys(CODES) as SignatureFaultCode[];
  return isCoded(cause, ...codes)
    ? signerError(CODES[cause.code], cause.message, { cause })
    : signerError('internal', 'see the signer’s log', { cause });
}
