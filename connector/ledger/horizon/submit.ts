import { messageOf } from '../../../common/errors.ts';
import { retryAfterMs } from '../pace.ts';
import type { Answer } from '../transport.ts';
import type { SubmitAnswer } from '../types.ts';
import { envelopeHash, type VerifyOptions, verifyTransaction } from '../verify.ts';
import * as schemas from './schemas.ts';

/**
 * Pure: what an HTTP answer to a submitted envelope means. Only what can be read and is about this very envelope counts;
 * anything else (a proxy's page, 401, 5xx, 504) leaves it unknown whether core took it.
 */
export function readSubmitAnswer(
  answer: Answer,
  mode: 'sync' | 'async',
  envelopeXdr: string,
  options: VerifyOptions,
): SubmitAnswer {
  const { status } = answer;
  if (status === 429) return { kind: 'rate-limited', retryAfterMs: retryAfterMs(answer.headers, Date.now()) };
  const body = parseJson(answer.body);
  const read = mode === 'sync' ? readIncluded : readAsync;
  return (
    read(status, body, envelopeXdr, options) ??
    readRefusal(status, body) ?? {
      kind: 'unknown',
      reason: `HTTP ${status}, or an answer that cannot be read`,
    }
  );
}

/** `POST /transactions` answers as `GET /transactions/{hash}` does, once a ledger has it. */
function readIncluded(
  status: number,
  body: unknown,
  envelopeXdr: string,
  options: VerifyOptions,
): SubmitAnswer | undefined {
  const record = schemas.transaction.safeParse(body);
  if (status !== 200 || !record.success) return undefined;
  if (record.data.hash !== envelopeHash(envelopeXdr, options.networkPassphrase)) return aboutAnother;
  try {
    return { kind: 'included', transaction: verifyTransaction(record.data, options) };
  } catch (error) {
    return { kind: 'unknown', reason: messageOf(error) };
  }
}

const ASYNC_STATUS = { PENDING: 201, DUPLICATE: 409, TRY_AGAIN_LATER: 503, ERROR: 400 };

/** `POST /transactions_async` hands on core's answer at once. */
function readAsync(
  status: number,
  body: unknown,
  envelopeXdr: string,
  { networkPassphrase }: VerifyOptions,
): SubmitAnswer | undefined {
  const answer = schemas.asyncAnswer.safeParse(body);
  if (!answer.success || ASYNC_STATUS[answer.data.status] !== status) return undefined;
  if (answer.data.hash !== envelopeHash(envelopeXdr, networkPassphrase)) return aboutAnother;
  switch (answer.data.status) {
    case 'PENDING':
    case 'DUPLICATE':
      return { kind: 'queued' };
    case 'TRY_AGAIN_LATER':
      return { kind: 'try-again' };
    case 'ERROR':
      return { kind: 'failed', resultXdr: answer.data.resultXdr };
  }
}

const aboutAnother: SubmitAnswer = { kind: 'unknown', reason: 'an answer about another transaction' };

/** Refusals by name; that of another status or name says nothing of the envelope. */
function readRefusal(status: number, body: unknown): SubmitAnswer | undefined {
  const problem = schemas.problem.safeParse(body);
  if (!problem.success) return undefined;
  const { name, resultXdr } = problem.data;
  if (status === 400 && name === 'transaction_failed') return { kind: 'failed', resultXdr };
  const isMalformed = status === 400 || status === 415;
  if (isMalformed && /^(transaction_malformed|bad_request|unsupported_media_type)$/.test(name)) {
    return { kind: 'malformed', reason: name };
  }
  if (status === 504) return { kind: 'unknown', reason: 'Horizon waited its whole time for a ledger' };
  return undefined;
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
