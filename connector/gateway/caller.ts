import { randomUUID } from 'node:crypto';
import { messageOf } from '../../common/errors.ts';
import { errorRow } from '../errors.ts';
import type { Limits } from './limits.ts';
import type { RouteKind } from './route.ts';

/** What the audit keeps of an order. Only what was resolved and checked, never as it was sent. Amounts as decimal text. */
export interface OrderNote {
  /** `BASE-QUOTE`, by addresses. */
  market?: string;
  side?: string;
  amount?: string;
  price?: string;
  pool?: string;
  position?: string;
  quoteId?: string;
  idempotencyKey?: string;
  hash?: string;
}

/** Who asks, for handlers that trade. */
export interface Caller {
  /** The identity of the client's certificate: its listed or first name (SAN), else its fingerprint. */
  client: string;
  /** Random; in the audit, and the id of what is durable of the request. */
  requestId: string;
  /** Adds to the line that the audit gets when the request has ended, with whatever outcome. */
  note(fields: OrderNote): void;
}

/** One order, or another request that moves funds, as it ended. */
export interface AuditEntry extends OrderNote {
  client: string;
  requestId: string;
  route: string;
  /** `done`, or the code of the error table; `client-gone` when nobody waited for the answer. */
  outcome: string;
  status: number;
}

export type Audit = (entry: AuditEntry) => void;

/** A request from the time it was let in until its work has ended, whether or not its client still waits. */
export interface Visit {
  caller: Caller;
  /** Gives the place back, and audits a trade. `answer` is what the handler gave, `error` what it threw. */
  end(result: { answer: unknown } | { error: unknown }): void;
}

/** Lets requests in, within the limits of their client. @throws `rate-limited`: nothing was done */
export type Entrance = (route: { kind: RouteKind; path: string }, client: string) => Visit;

export function createEntrance(limits: Limits, audit: Audit): Entrance {
  return ({ kind, path }, client) => {
    const leave = kind === 'health' ? () => undefined : limits.enter(client, kind);
    const note: OrderNote = {};
    const requestId = randomUUID();
    return {
      caller: { client, requestId, note: (fields) => void Object.assign(note, fields) },
      end(result) {
        leave();
        if (kind !== 'trade') return;
        const { code, status } = 'error' in result ? errorRow(result.error) : { code: 'done', status: 200 };
        const hash = 'error' in result ? hashIn(messageOf(result.error)) : signatureOf(result.answer);
        audit({ client, requestId, route: path, ...note, outcome: code, status, ...(hash ? { hash } : {}) });
      },
    };
  };
}

/** The hash that an error of a transaction names; other messages may repeat hex that a client sent. */
const hashIn = (message: string): string | undefined => /\bTransaction ([0-9a-f]{64})\b/.exec(message)?.[1];

const signatureOf = (answer: unknown): string | undefined =>
  (answer as { signature?: string } | undefined)?.signature;
