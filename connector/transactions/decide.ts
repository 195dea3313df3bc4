import type { SubmitAnswer } from '../ledger/horizon.ts';
import type { DecodedResult } from './result.ts';

/**
 * What happens to one signed envelope after it was first sent, as a pure function: an observation in, the next step
 * out. The envelope is never rebuilt; it is sent again or looked up by the hash that we computed until a ledger has it
 * or no ledger can have it any more. A 504 or a broken connection says nothing of it, so the ledger alone decides.
 *
 *     submit ──200──────────────► done: applied │ failed
 *       ▲ │ ───400 refused──────► look up, and if never taken: done: refused
 *       │ │ ───504, 5xx, silence► look up ──found──► done: applied │ failed
 *       │ │ ───429, no dial──────► submit again       └─absent─► submit again … maxTime passed ► done: expired
 *       └─┴── as long as maxTime lets
 */
export interface Progress {
  /** Some server may have taken the envelope: only the ledger can tell its fate. */
  maybeTaken: boolean;
  /** Core's refusal of an envelope that no server had taken before. */
  refusal: Refusal | undefined;
  rateLimited: boolean;
  /** Lookups since the last submission. */
  lookups: number;
  /** Milliseconds since 1970 of the first submission. */
  startedAt: number;
  maxTime: number;
}

export interface Refusal {
  result: DecodedResult | undefined;
  reason: string;
}

/** A transaction of the ledger that was believed (see `verifyRecord`). */
export interface Found {
  ledger: number;
  result: DecodedResult;
}

/** An answer to a submission after its record, if any, was judged. */
export type SubmitFact =
  | { kind: 'found'; found: Found }
  | { kind: 'untrusted' }
  | { kind: 'refused'; refusal: Refusal }
  | Exclude<SubmitAnswer, { kind: 'accepted' | 'failed' | 'malformed' }>;

export type LookupFact =
  | { kind: 'found'; found: Found }
  | { kind: 'untrusted' }
  | { kind: 'unreachable' }
  /** `closedAt` (milliseconds) of a ledger that history held before the lookup said that it has no such transaction. */
  | { kind: 'absent'; closedAt: number };

export type Observation =
  | { event: 'submitted'; fact: SubmitFact; now: number }
  | { event: 'looked-up'; fact: LookupFact; now: number };

export type Outcome =
  | { kind: 'applied'; found: Found }
  /** In a ledger, fee paid, nothing traded. */
  | { kind: 'failed'; found: Found }
  /** Core refused it and no server had taken it before. */
  | { kind: 'refused'; refusal: Refusal }
  /** Its time passed without it. */
  | { kind: 'expired'; rateLimited: boolean }
  /** No server was reached. */
  | { kind: 'unsent'; cause: unknown };

export type Step =
  | { action: 'submit'; afterMs: number }
  | { action: 'look-up'; afterMs: number }
  | { action: 'done'; outcome: Outcome };

const POLL_MS = 1_000;
/** Lookups between two submissions of one envelope that may have been taken. */
const LOOKUPS_PER_SUBMISSION = 4;
/** A ledger that just failed the transaction may take a moment to be seen by lookups. */
const LOOKUPS_AFTER_REFUSAL = 3;
/** Sending an envelope later than this before its end (milliseconds) cannot bring it into a ledger. */
const LAST_CALL_MS = 2_000;
/** A server that cannot be dialled for this long is not waited for. */
const UNSENT_PATIENCE_MS = 10_000;

/**
 * How far (milliseconds) history must be past maxTime before an absent transaction counts as dead: behind one name
 * there may be several servers, and the one that answers the lookup may lag the one that showed the ledger.
 */
const EXPIRY_MARGIN_MS = 5_000;

/**
 * True when no ledger can hold a transaction any more that a lookup did not find after history showed a ledger closed
 * at `closedAt`. Both clocks count: a ledger that claims to be of the future must not end our care for the envelope.
 * `maxTime` in seconds, the rest in milliseconds since 1970.
 */
export function isDead(maxTime: number, closedAt: number, now: number): boolean {
  const end = maxTime * 1_000 + EXPIRY_MARGIN_MS;
  return closedAt > end && now > end;
}

export const begin = (maxTime: number, now: number, maybeTaken = false): Progress => ({
  maybeTaken,
  refusal: undefined,
  rateLimited: false,
  lookups: 0,
  startedAt: now,
  maxTime,
});

/** The next step. `now` and all times are milliseconds since 1970, `maxTime` seconds. */
export function decide(progress: Progress, observation: Observation): { progress: Progress; step: Step } {
  return observation.event === 'submitted'
    ? afterSubmit({ ...progress, lookups: 0 }, observation.fact, observation.now)
    : afterLookup({ ...progress, lookups: progress.lookups + 1 }, observation.fact, observation.now);
}

function afterSubmit(progress: Progress, fact: SubmitFact, now: number): { progress: Progress; step: Step } {
  const left = progress.maxTime * 1_000 - now;
  switch (fact.kind) {
    case 'found':
      return { progress, step: found(fact.found) };
    case 'refused': {
      // A refusal after an ambiguous answer may only mean that the envelope is in a ledger already (tx_bad_seq).
      const refusal = progress.maybeTaken ? progress.refusal : fact.refusal;
      return { progress: { ...progress, refusal }, step: lookUp(0) };
    }
    case 'pending':
    case 'unavailable':
    case 'untrusted':
      return { progress: { ...progress, maybeTaken: true, refusal: undefined }, step: lookUp(0) };
    case 'rate-limited': {
      const next = { ...progress, rateLimited: true };
      const wait = Math.max(fact.retryAfterMs, POLL_MS);
      return { progress: next, step: wait + LAST_CALL_MS < left ? submit(wait) : lookUp(POLL_MS) };
    }
    case 'unsent': {
      if (progress.maybeTaken || progress.rateLimited) {
        return { progress, step: left > LAST_CALL_MS ? submit(POLL_MS) : lookUp(POLL_MS) };
      }
      const waited = now - progress.startedAt >= UNSENT_PATIENCE_MS || left <= LAST_CALL_MS;
      return {
        progress,
        step: waited ? done({ kind: 'unsent', cause: fact.cause }) : submit(POLL_MS),
      };
    }
  }
}

function afterLookup(progress: Progress, fact: LookupFact, now: number): { progress: Progress; step: Step } {
  const end = progress.maxTime * 1_000;
  switch (fact.kind) {
    case 'found':
      return { progress, step: found(fact.found) };
    case 'untrusted':
    case 'unreachable':
      return { progress, step: lookUp(POLL_MS * Math.min(progress.lookups, 5)) };
    case 'absent': {
      if (isDead(progress.maxTime, fact.closedAt, now)) {
        return {
          progress,
          step: done({ kind: 'expired', rateLimited: progress.rateLimited && !progress.maybeTaken }),
        };
      }
      if (progress.refusal !== undefined && !progress.maybeTaken) {
        const patience = progress.refusal.result?.code === 'txFailed' ? LOOKUPS_AFTER_REFUSAL : 1;
        const step =
          progress.lookups < patience
            ? lookUp(POLL_MS)
            : done({ kind: 'refused', refusal: progress.refusal });
        return { progress, step };
      }
      const again = progress.lookups >= LOOKUPS_PER_SUBMISSION && now + LAST_CALL_MS < end;
      return { progress, step: again ? submit(0) : lookUp(POLL_MS) };
    }
  }
}

const submit = (afterMs: number): Step => ({ action: 'submit', afterMs });
const lookUp = (afterMs: number): Step => ({ action: 'look-up', afterMs });
const done = (outcome: Outcome): Step => ({ action: 'done', outcome });
const found = (it: Found): Step => done({ kind: it.result.successful ? 'applied' : 'failed', found: it });
