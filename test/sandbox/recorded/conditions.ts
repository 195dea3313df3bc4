import type { z } from 'zod';
import type { faultSchema } from '../faults/schema.ts';
import { isBehind, outcomeOf } from './compare.ts';
import { answerOf, type Exchange, json, requestOf, submitted } from './recordings.ts';
import { operationsOf } from './roles.ts';

/** A fault of the sandbox, as its control interface takes it. */
export type Condition = z.input<typeof faultSchema>;

type Fields = Record<string, unknown>;

/** Stroops an operation that a transaction had to bid, where a full queue turned it away. */
function neededFee(exchange: Exchange): number {
  const [, fee] = /^tx_insufficient_fee (\d+)/.exec(outcomeOf(answerOf(exchange)) ?? '') ?? [];
  if (fee === undefined) return 0;
  const { types, feeBump } = operationsOf(submitted(exchange) ?? '');
  return Math.ceil(Number(fee) / (types.length + (feeBump ? 1 : 0)));
}

/** Hash of the transaction that an answer to a submission names. */
function hashIn({ response }: Exchange): unknown {
  const { hash, extras, result } = (json(response.body ?? '') ?? {}) as Record<string, Fields | undefined>;
  return hash ?? extras?.hash ?? result?.hash;
}

/** Whether an exchange asks what became of a transaction. */
function looksUp(exchange: Exchange, hash: unknown): boolean {
  const { path, body } = requestOf(exchange);
  const { method, params } = (json(body ?? '') ?? {}) as { method?: string; params?: Fields };
  return path === `/transactions/${hash}` || (method === 'getTransaction' && params?.hash === hash);
}

/** What ailed the server that answered so; undefined where it was well, as far as the answers tell. */
function conditionOf(exchange: Exchange, index: number, all: Exchange[]): Condition | undefined {
  const { status, headers, body } = answerOf(exchange);
  const fields = (json(body) ?? {}) as Fields;
  const submits = submitted(exchange) !== undefined;
  if ((status === 0 && submits) || body.includes('"core_up":false')) return { kind: 'silent_core' };
  const { 'retry-after': retry, 'x-ratelimit-remaining': remaining } = headers;
  // Of a stream it is left out: by the server, not by the fault.
  const isStream = requestOf(exchange).headers.Accept === 'text/event-stream';
  if (status === 429)
    return { kind: 'rate_limit', ...((retry ?? isStream) && { retryAfter: Number(retry ?? 60) }) };
  if (remaining !== undefined) return { kind: 'rate_limit', after: Math.min(Number(remaining), 100) + 1 };
  // What such a server still answers looks as ever, but for its name in the recording.
  if (
    isBehind(fields) ||
    /stale_history|ledger closed is too high/.test(body) ||
    /stale history/.test(exchange.what)
  )
    return { kind: 'stale_history' };

  const { max } = (fields.fee_charged ?? {}) as Fields;
  if (fields.ledger_capacity_usage === '1') return { kind: 'surge', fee: Number(max) };
  const fee = neededFee(exchange);
  if (fee > 100) return { kind: 'surge', fee };

  const turnedAway = status === 504 || body.includes('TRY_AGAIN_LATER');
  if (!turnedAway || !submits) return undefined;
  const lookup = all.findLast((one) => looksUp(one, hashIn(exchange)));
  if (lookup && /\/not_found"|"NOT_FOUND"/.test(lookup.response.body ?? ''))
    return { kind: 'try_again_later' };
  // Behind another submission it is that one that it waits for.
  const previous = all[index - 1];
  if (status !== 504 || (previous && submitted(previous) !== undefined)) return undefined;
  return { kind: 'submission', fate: lookup ? 'in' : 'never' };
}

/** Exchanges that show a server with something wrong, and the fault that brings it about. */
export function conditionsOf(exchanges: Exchange[]): Map<Exchange, Condition> {
  const conditions = new Map<Exchange, Condition>();
  exchanges.forEach((exchange, index) => {
    const condition = conditionOf(exchange, index, exchanges);
    if (condition) conditions.set(exchange, condition);
  });
  return conditions;
}
