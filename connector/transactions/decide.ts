import type { LedgerHead } from '../ledger/types.ts';
import type { DecodedResult } from './result.ts';

/**
 * What happens to one signed envelope after it was kept, as a pure function: an observation in, the next step out. The
 * envelope is never rebuilt. It is sent again, or a fee bump is put around it, and it is looked up by the hash that we
 * computed, until a ledger has it or no ledger can have it any more. No answer of a server ends it: a 504 or silence
 * does not say that it was taken, a refusal does not say that nobody keeps it for later, and even "included" is looked
 * up. The one other end is that no connection ever stood, so that it never left this process.
 * docs/connector/transactions.md has the picture.
 */
export interface Progress {
  /** Seconds since 1970. */
  maxTime: number;
  /** Milliseconds since 1970 of the first step. */
  startedAt: number;
  /** It may have left this process: only the ledger can tell its fate from here on. */
  left: boolean;
  /** Some server may have it, by its own word or by its silence. */
  maybeTaken: boolean;
  refusal: Refusal | undefined;
  rateLimited: boolean;
  /** Core says that it bids too little. */
  underbid: boolean;
  /** Lookups since the last submission. */
  lookups: number;
  /** So many lookups are made before it is sent again. */
  patience: number;
  /** Not sent again before (milliseconds since 1970). */
  notBefore: number;
  /** Ledger at which the bid was last thought about; undefined before the first lookup. */
  bidAt: number | undefined;
  bumps: number;
}

export interface Refusal {
  result: DecodedResult | undefined;
  reason: string;
}

/** A transaction of the ledger that was believed. */
export interface Found {
  ledger: number;
  result: DecodedResult;
}

export type SubmitFact =
  | { kind: 'included' | 'queued' | 'try-again' | 'unknown' }
  | { kind: 'refused'; refusal: Refusal }
  | { kind: 'rate-limited'; retryAfterMs: number }
  | { kind: 'unsent'; cause: unknown };

export type LookupFact =
  | { kind: 'found'; found: Found }
  /** A record was shown that contradicts the order or itself. */
  | { kind: 'untrusted' }
  | { kind: 'unreachable' }
  /** History was complete up to `head`, which was read before, and has it not. */
  | { kind: 'absent'; head: LedgerHead };

export type Observation =
  | { event: 'submitted'; fact: SubmitFact; now: number }
  | { event: 'looked-up'; fact: LookupFact; now: number }
  /** Whether there is a fee bump to send now. */
  | { event: 'bumped'; fact: { kind: 'sent' | 'not-needed' | 'forbidden' | 'refused' }; now: number };

export type Outcome =
  | { kind: 'applied' | 'failed'; found: Found }
  /** No ledger has it or can have it any more. `refusal`: why core did not take it, if it said so. */
  | { kind: 'expired'; refusal: Refusal | undefined; rateLimited: boolean }
  /** No server was ever reached. */
  | { kind: 'unsent'; cause: unknown };

export type Step =
  /** After `afterMs`. */
  | { action: 'submit'; afterMs: number }
  /** When the next ledger closes, or after `afterMs` when none is heard of. */
  | { action: 'look-up'; afterMs: number }
  /** Put a fee bump around it if the market wants one and the caps allow it. */
  | { action: 'bump' }
  | { action: 'done'; outcome: Outcome };

/** Lookups go by closed ledgers, and by this (milliseconds) where these are not heard of. */
const LOOKUP_MS = 3_000;
const RETRY_MS = 1_000;
/** Sending an envelope later than this before its end (milliseconds) cannot bring it into a ledger. */
const LAST_CALL_MS = 2_000;
/** A server that cannot be dialled for this long is not waited for. */
const UNSENT_PATIENCE_MS = 10_000;
/** Ledgers that may pass it over before a higher bid is thought about. */
const STUCK_LEDGERS = 2;
const MAX_BUMPS = 3;
/** A bump later than this before the end (milliseconds) comes too late. */
const BUMP_ROOM_MS = 6_000;

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

/** The first step. `resumed`: an earlier process may have sent it, so the ledger is asked first. */
export function begin(maxTime: number, now: number, resumed = false): { progress: Progress; step: Step } {
  return {
    progress: {
      ...{ maxTime, startedAt: now, left: resumed, maybeTaken: resumed, refusal: undefined },
      ...{ rateLimited: false, underbid: false, lookups: 0, patience: 2, notBefore: 0 },
      ...{ bidAt: undefined, bumps: 0 },
    },
    step: resumed ? lookUp(0) : submit(0),
  };
}

/** The next step. `now` in milliseconds since 1970. */
export function decide(
  progress: Progress,
  { event, fact, now }: Observation,
): { progress: Progress; step: Step } {
  switch (event) {
    case 'submitted':
      return afterSubmit({ ...progress, lookups: 0, patience: 2 }, fact, now);
    case 'looked-up':
      return afterLookup({ ...progress, lookups: progress.lookups + 1 }, fact, now);
    case 'bumped':
      return fact.kind === 'sent'
        ? { progress: { ...progress, bumps: progress.bumps + 1, underbid: false }, step: submit(0) }
        : { progress: { ...progress, underbid: false }, step: again(progress, now) };
  }
}

type Decision = { progress: Progress; step: Step };

function afterSubmit(before: Progress, fact: SubmitFact, now: number): Decision {
  const time = before.maxTime * 1_000 - LAST_CALL_MS > now;
  if (fact.kind === 'unsent') {
    if (before.left) return { progress: before, step: time ? submit(RETRY_MS) : lookUp(LOOKUP_MS) };
    const enough = !time || now - before.startedAt >= UNSENT_PATIENCE_MS;
    return {
      progress: before,
      step: enough ? done({ kind: 'unsent', cause: fact.cause }) : submit(RETRY_MS),
    };
  }
  const progress: Progress = { ...before, left: true };
  switch (fact.kind) {
    case 'included':
    case 'queued':
    case 'unknown':
      return { progress: { ...progress, maybeTaken: true }, step: lookUp(0) };
    case 'try-again':
      return { progress: { ...progress, patience: 1 }, step: lookUp(LOOKUP_MS) };
    case 'refused': {
      // Once some server may have taken it, a refusal may only mean that a ledger has it (tx_bad_seq): no reason then.
      const { code } = fact.refusal.result ?? {};
      // The first one is the reason: later ones may only say that its time has passed.
      const refusal = progress.refusal ?? (progress.maybeTaken ? undefined : fact.refusal);
      return { progress: { ...progress, refusal, underbid: code === 'txInsufficientFee' }, step: lookUp(0) };
    }
    case 'rate-limited': {
      const wait = Math.max(fact.retryAfterMs, RETRY_MS);
      return {
        progress: { ...progress, rateLimited: true, patience: 1, notBefore: now + wait },
        step: lookUp(Math.min(wait, LOOKUP_MS)),
      };
    }
  }
}

function afterLookup(before: Progress, fact: LookupFact, now: number): Decision {
  if (fact.kind === 'found') {
    const { found } = fact;
    return {
      progress: before,
      step: done({ kind: found.result.successful ? 'applied' : 'failed', found }),
    };
  }
  if (fact.kind !== 'absent') return { progress: before, step: again(before, now) };
  const { head } = fact;
  if (isDead(before.maxTime, head.closedAt, now)) {
    const { refusal, maybeTaken, rateLimited } = before;
    return {
      progress: before,
      step: done({
        kind: 'expired',
        refusal: maybeTaken ? undefined : refusal,
        rateLimited: rateLimited && !maybeTaken && refusal === undefined,
      }),
    };
  }
  const progress = { ...before, bidAt: before.bidAt ?? head.sequence };
  const stuck = progress.underbid || head.sequence - progress.bidAt >= STUCK_LEDGERS;
  if (stuck && progress.bumps < MAX_BUMPS && progress.maxTime * 1_000 - now > BUMP_ROOM_MS) {
    return { progress: { ...progress, bidAt: head.sequence }, step: { action: 'bump' } };
  }
  return { progress, step: again(progress, now) };
}

/** Sends it again after some lookups, as long as that can help; the same envelope twice does no harm. */
function again({ maxTime, lookups, patience, notBefore }: Progress, now: number): Step {
  const time = maxTime * 1_000 - LAST_CALL_MS > now;
  return time && lookups >= patience && now >= notBefore ? submit(0) : lookUp(LOOKUP_MS);
}

const submit = (afterMs: number): Step => ({ action: 'submit', afterMs });
const lookUp = (afterMs: number): Step => ({ action: 'look-up', afterMs });
const done = (outcome: Outcome): Step => ({ action: 'done', outcome });
