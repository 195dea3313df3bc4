import { Pool } from 'undici';
import type * as z from 'zod';
import { isCoded, messageOf } from '../../common/errors.ts';
import {
  ACCOUNT_PATH,
  type AccountResponse,
  accountResponse,
  MAX_BODY_BYTES,
  PROTOCOL_HEADER,
  PROTOCOL_VERSION,
  problem,
  SIGN_PATH,
  type SignResponse,
  signResponse,
} from '../../sidecar/protocol.ts';
import { connectorError, type ErrorCode } from '../errors.ts';

export interface Signer {
  /**
   * The signer's answer to an envelope, its form checked but nothing else: `checkSigned` judges the envelope.
   * @throws `signer-refused`, `rate-limited`, `signer-unavailable`, `signer-untrusted`; `field` is the signer's own
   *   code where it answered one
   */
  sign(envelopeXdr: string, networkPassphrase: string, signal: AbortSignal): Promise<SignResponse>;
  account(signal: AbortSignal): Promise<AccountResponse>;
  close(): Promise<void>;
}

export interface SignerEvents {
  /** `ok`, or the signer's code, or the connector's when the signer gave none. */
  answered(outcome: string): void;
}

const TIMEOUT_MS = 10_000;

/** Client of the signer on its unix socket (protocol: `sidecar/protocol.ts`). */
export function createSigner(socketPath: string, events: SignerEvents): Signer {
  // The host is never dialled, the path is; a pool opens it anew after the signer was restarted.
  const pool = new Pool('http://signer', {
    connect: { socketPath, timeout: 2_000 },
    connections: 4,
    pipelining: 1,
    allowH2: false,
    maxResponseSize: 4 * MAX_BODY_BYTES,
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
  });

  const exchange = async (method: 'GET' | 'POST', path: string, body: unknown, signal: AbortSignal) => {
    try {
      const answer = await pool.request({
        method,
        path,
        headers: {
          [PROTOCOL_HEADER]: PROTOCOL_VERSION,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        body: body === undefined ? null : JSON.stringify(body),
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      });
      return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
    } catch (cause) {
      signal.throwIfAborted();
      throw connectorError('signer-unavailable', `the signer does not answer: ${messageOf(cause)}`, {
        cause,
      });
    }
  };

  const call = async <T>(
    method: 'GET' | 'POST',
    path: string,
    body: unknown,
    schema: z.ZodType<T>,
    signal: AbortSignal,
  ): Promise<T> => {
    try {
      const { status, headers, text } = await exchange(method, path, body, signal);
      if (headers[PROTOCOL_HEADER] !== PROTOCOL_VERSION) {
        throw connectorError('signer-untrusted', 'the signer speaks another version of the protocol');
      }
      const result = readSignerAnswer(status, text, schema);
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
  const { code, title, detail } = refusal.data;
  throw connectorError(errorOf(status, code), `the signer refused (${code}): ${title}: ${detail}`, {
    field: code,
  });
}

function errorOf(status: number, code: string): ErrorCode {
  if (status === 429) return 'rate-limited';
  if (status >= 500) return 'signer-unavailable';
  return code === 'protocol-mismatch' ? 'signer-untrusted' : 'signer-refused';
}
