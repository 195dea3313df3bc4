import { randomBytes } from 'node:crypto';
import { Pool } from 'undici';
import type * as z from 'zod';
import { isCoded, messageOf } from '../../common/errors.ts';
import type { HttpMessage } from '../../common/http-signatures.ts';
import {
  contentDigest,
  type HmacKey,
  signMessage,
  verifyMessage,
} from '../../common/http-signatures-hmac.ts';
import {
  ACCOUNT_PATH,
  type AccountResponse,
  accountResponse,
  MAX_BODY_BYTES,
  PROTOCOL_HEADER,
  PROTOCOL_VERSION,
  problem,
  SIGN_PATH,
  SIGNATURE_LIFETIME_SECONDS,
  SIGNATURE_LIMITS,
  type SignResponse,
  signedAnswer,
  signedRequest,
  signResponse,
} from '../../sidecar/protocol.ts';
import { connectorError, type ErrorCode } from '../errors.ts';
import { readRequestKey } from './request-key.ts';

export interface Signer {
  /**
   * The signer's answer to an envelope, its form checked but nothing else: `checkSigned` judges the envelope.
   * @throws `signer-refused`, `rate-limited`, `signer-unavailable`, `signer-untrusted`; `field` is the signer's own
   *   code where it answered one, `refusedPart` what it is about
   */
  sign(envelopeXdr: string, networkPassphrase: string, signal: AbortSignal): Promise<SignResponse>;
  account(signal: AbortSignal): Promise<AccountResponse>;
  close(): Promise<void>;
}

export interface SignerEvents {
  /** `ok`, or the signer's code, or the connector's when the signer gave none. */
  answered(outcome: string): void;
}

interface Exchange {
  request: HttpMessage;
  nonce: string;
  answer: HttpMessage & { status: number; body: Buffer };
}

const TIMEOUT_MS = 10_000;
/** The host is never dialled, the path is. */
const HOST = 'signer';

/**
 * Client of the signer on its unix socket (protocol: `sidecar/protocol.ts`). It signs every request with the key beside
 * the socket, and takes no answer that the same key did not sign for this very request.
 * @param now milliseconds since 1970 by the clock of the machine, which the signer has too
 */
export function createSigner(socketPath: string, events: SignerEvents, now: () => number): Signer {
  // A pool opens the path anew after the signer was restarted.
  const pool = new Pool(`http://${HOST}`, {
    connect: { socketPath, timeout: 2_000 },
    connections: 4,
    pipelining: 1,
    allowH2: false,
    maxResponseSize: 4 * MAX_BODY_BYTES,
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
  });
  let key: HmacKey | undefined;

  const exchange = async (unsigned: HttpMessage, by: HmacKey, signal: AbortSignal): Promise<Exchange> => {
    const nonce = randomBytes(18).toString('base64url');
    const signature = signMessage(unsigned, {
      ...signedRequest(unsigned.body !== undefined),
      ...{ key: by, now: now(), lifetimeSeconds: SIGNATURE_LIFETIME_SECONDS, nonce },
    });
    const request = { ...unsigned, headers: { ...unsigned.headers, ...signature } };
    try {
      const { statusCode, headers, body } = await pool.request({
        method: request.method as 'GET' | 'POST',
        path: request.target!,
        headers: request.headers as Record<string, string>,
        body: request.body ?? null,
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      });
      return {
        ...{ request, nonce },
        answer: { status: statusCode, headers, body: Buffer.from(await body.arrayBuffer()) },
      };
    } catch (cause) {
      signal.throwIfAborted();
      throw connectorError('signer-unavailable', `the signer does not answer: ${messageOf(cause)}`, {
        cause,
      });
    }
  };

  /** A signer that was restarted has another key: it is read again and asked again, once. */
  const ask = async (request: HttpMessage, signal: AbortSignal): Promise<Exchange['answer']> => {
    key ??= await readRequestKey(socketPath);
    const first = await exchange(request, key, signal);
    if (isTrusted(first, key, now())) return first.answer;
    const fresh = await readRequestKey(socketPath);
    if (fresh.id === key.id)
      throw connectorError('signer-untrusted', 'the answer is signed with a key that is not the signer’s');
    key = fresh;
    const second = await exchange(request, key, signal);
    if (isTrusted(second, key, now())) return second.answer;
    throw connectorError('signer-untrusted', 'the signer changed its key while it was asked');
  };

  const call = async <T>(
    method: 'GET' | 'POST',
    target: string,
    content: unknown,
    schema: z.ZodType<T>,
    signal: AbortSignal,
  ): Promise<T> => {
    try {
      const { status, body } = await ask(unsignedRequest(method, target, content), signal);
      const result = readSignerAnswer(status, body.toString('utf8'), schema);
      events.answered('ok');
      return result;
    } catch (error) {
      if (isCoded(error)) events.answered(error.field ?? error.code);
      throw error;
    }
  };

  return {
    sign: (envelopeXdr, networkPassphrase, signal) =>
      call('POST', SIGN_PATH, { envelopeXdr, networkPassphrase }, signResponse, signal),
    account: (signal) => call('GET', ACCOUNT_PATH, undefined, accountResponse, signal),
    close: () => pool.destroy(),
  };
}

function unsignedRequest(method: string, target: string, content: unknown): HttpMessage {
  const headers = { host: HOST, [PROTOCOL_HEADER]: PROTOCOL_VERSION };
  if (content === undefined) return { method, target, headers };
  const body = Buffer.from(JSON.stringify(content));
  const described = { 'content-type': 'application/json', 'content-digest': contentDigest(body) };
  return { method, target, headers: { ...headers, ...described }, body };
}

/**
 * Pure: true for an answer of who holds the key, to this request and of now; false where another key signed it.
 * @throws `signer-untrusted` for everything else
 */
function isTrusted({ request, nonce, answer }: Exchange, key: HmacKey, now: number): boolean {
  if (answer.headers[PROTOCOL_HEADER] !== PROTOCOL_VERSION)
    throw connectorError('signer-untrusted', 'the signer speaks another version of the protocol');
  try {
    const profile = signedAnswer(request.body !== undefined);
    const verified = verifyMessage(answer, { ...profile, ...SIGNATURE_LIMITS, key, now, request });
    if (verified.nonce === nonce) return true;
  } catch (cause) {
    if (isCoded(cause, 'unknown-key')) return false;
    const why = `the signer’s answer is not used: ${messageOf(cause)}`;
    throw connectorError('signer-untrusted', why, { cause });
  }
  throw connectorError('signer-untrusted', 'the signer’s answer is to another request');
}

/** Pure: the signer's answer, or the error of our table that its problem document stands for. */
export function readSignerAnswer<T>(status: number, text: string, schema: z.ZodType<T>): T {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (cause) {
    throw connectorError('signer-untrusted', 'the signer answered something other than JSON', { cause });
  }
  if (status === 200) {
    const result = schema.safeParse(body);
    if (result.success) return result.data;
    throw connectorError('signer-untrusted', 'the signer’s answer has not the form of the protocol');
  }
  const refusal = problem.safeParse(body);
  if (!refusal.success) {
    throw connectorError('signer-unavailable', `the signer answered HTTP ${status} without a reason`);
  }
  const { code, title, detail, field } = refusal.data;
  const message = `the signer refused (${code}): ${title}: ${detail}`;
  throw Object.assign(connectorError(errorOf(status, code), message, { field: code }), { part: field });
}

/** What of the envelope a refusal of the signer is about, e.g. `operations[3].amount`; undefined where it named nothing. */
export const refusedPart = (error: unknown): string | undefined =>
  error instanceof Error && 'part' in error && typeof error.part === 'string' ? error.part : undefined;

function errorOf(status: number, code: string): ErrorCode {
  // The signer did not come to look at the transaction.
  if (status === 401) return 'signer-unavailable';
  if (status === 429) return 'rate-limited';
  if (status >= 500) return 'signer-unavailable';
  return code === 'protocol-mismatch' ? 'signer-untrusted' : 'signer-refused';
}
