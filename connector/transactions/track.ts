import type { sleep } from '../../common/shutdown.ts';
import { lastOfNetwork } from '../ledger/checks.ts';
import type { Horizon } from '../ledger/horizon.ts';
import type { TransactionRecord } from '../ledger/schemas.ts';
import {
  begin,
  decide,
  type LookupFact,
  type Observation,
  type Outcome,
  type Step,
  type SubmitFact,
} from './decide.ts';
import { type DecodedResult, decodeResult, verifyRecord } from './result.ts';

export interface TrackOptions {
  horizon: Horizon;
  networkPassphrase: string;
  /** Milliseconds since 1970. */
  now(): number;
  sleep: typeof sleep;
  /** Each answer, for metrics and logs. */
  observed(observation: Observation, step: Step): void;
}

export interface Tracked {
  hash: string;
  /** Signed, base64. */
  envelopeXdr: string;
  /** Seconds since 1970. */
  maxTime: number;
  /** It may have been sent before: by the process that ran here before. */
  maybeTaken: boolean;
  /** Whether a result may be believed of this very order; all that decode may be, when it is not known any more. */
  plausible?: (result: DecodedResult) => boolean;
}

/** How long Horizon may keep a submission (milliseconds); after that the hash is looked up instead. */
const SUBMIT_TIMEOUT_MS = 15_000;

/**
 * Sends the envelope and stays with it until its fate is known (see `decide`). Rejects only when aborted; what it may
 * have become is then unknown.
 */
export async function track(
  transaction: Tracked,
  options: TrackOptions,
  signal: AbortSignal,
): Promise<Outcome> {
  const { now } = options;
  let progress = begin(transaction.maxTime, now(), transaction.maybeTaken);
  let step: Step = transaction.maybeTaken
    ? { action: 'look-up', afterMs: 0 }
    : { action: 'submit', afterMs: 0 };
  while (step.action !== 'done') {
    if (step.afterMs > 0) await options.sleep(step.afterMs, signal);
    const observation: Observation =
      step.action === 'submit'
        ? { event: 'submitted', fact: await submitFact(transaction, options, signal), now: now() }
        : { event: 'looked-up', fact: await lookupFact(transaction, options, signal), now: now() };
    ({ progress, step } = decide(progress, observation));
    options.observed(observation, step);
  }
  return step.outcome;
}

async function submitFact(
  transaction: Tracked,
  options: TrackOptions,
  signal: AbortSignal,
): Promise<SubmitFact> {
  const answer = await options.horizon.submit(transaction.envelopeXdr, SUBMIT_TIMEOUT_MS, signal);
  switch (answer.kind) {
    case 'accepted':
      return judge(answer.record, transaction, options.networkPassphrase);
    case 'failed': {
      const result = answer.resultXdr === undefined ? undefined : decodeResult(answer.resultXdr);
      return { kind: 'refused', refusal: { result, reason: 'the network refused the transaction' } };
    }
    case 'malformed':
      return {
        kind: 'refused',
        refusal: { result: undefined, reason: `Horizon refused the envelope (${answer.name})` },
      };
    default:
      return answer;
  }
}

/** The ledger's close time is read first, so that `absent` is never said of a ledger newer than the lookup. */
async function lookupFact(
  transaction: Tracked,
  { horizon, networkPassphrase }: TrackOptions,
  signal: AbortSignal,
): Promise<LookupFact> {
  try {
    const { closedAt } = lastOfNetwork(await horizon.root(signal), networkPassphrase);
    const record = await horizon.transaction(transaction.hash, signal);
    return record === undefined
      ? { kind: 'absent', closedAt }
      : judge(record, transaction, networkPassphrase);
  } catch {
    signal.throwIfAborted();
    return { kind: 'unreachable' };
  }
}

function judge(record: TransactionRecord, { hash, plausible }: Tracked, networkPassphrase: string) {
  const result = verifyRecord(record, hash, networkPassphrase);
  const believed = result !== undefined && (plausible?.(result) ?? true);
  return believed
    ? ({ kind: 'found', found: { ledger: record.ledger, result } } as const)
    : ({ kind: 'untrusted' } as const);
}
