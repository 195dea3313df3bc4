import { isCoded } from '../../common/errors.ts';
import type { sleep } from '../../common/shutdown.ts';
import type { Ledger, LedgerTransaction } from '../ledger/types.ts';
import {
  begin,
  decide,
  type LookupFact,
  type Observation,
  type Outcome,
  type Refusal,
  type SubmitFact,
} from './decide.ts';
import { type DecodedResult, decodeResult } from './result.ts';

/** A signed and kept transaction under way. */
export interface Followed {
  hash: string;
  /** Signed, base64: what is sent. A fee bump around the first one takes its place. */
  envelopeXdr: string;
  /** Seconds since 1970. */
  maxTime: number;
  /** An earlier process may have sent it. */
  resumed: boolean;
  /** Whether a successful result may be of these orders. */
  plausible(result: DecodedResult): boolean;
}

export interface FollowOptions {
  ledger: Pick<Ledger, 'submit' | 'transaction'>;
  /** Milliseconds since 1970. */
  now(): number;
  sleep: typeof sleep;
  /** Resolves when the next ledger closes. Rejects only with the signal. */
  nextClose(signal: AbortSignal): Promise<void>;
  /** Puts a signed and kept fee bump in the place of `envelopeXdr`, or says why not. `underbid`: core's refusal. */
  bump(underbid: Refusal | undefined): Promise<'sent' | 'not-needed' | 'forbidden' | 'refused'>;
  observed(observation: Observation): void;
}

/** No transaction is signed for longer ahead (milliseconds): history must reach back so far before its `maxTime`. */
const LONGEST_BOUND_MS = 120_000;

/** How long a submission is waited for (milliseconds): Horizon keeps one for 30 s though a ledger may have it long since. */
const SUBMIT_MS = 15_000;

/** Sends the envelope and stays with it until its fate is known (see `decide`). Rejects only when aborted. */
export async function follow(it: Followed, options: FollowOptions, signal: AbortSignal): Promise<Outcome> {
  let { progress, step } = begin(it.maxTime, options.now(), it.resumed);
  let refusal: Refusal | undefined;
  let attempts = 0;
  while (step.action !== 'done') {
    let observation: Observation;
    if (step.action === 'bump') {
      const kind = await options.bump(progress.underbid ? refusal : undefined);
      signal.throwIfAborted();
      observation = { event: 'bumped', fact: { kind }, now: options.now() };
    } else {
      if (step.afterMs > 0) await pause(step, options, signal);
      observation =
        step.action === 'submit'
          ? await submit(it, attempts++, options, signal)
          : { event: 'looked-up', fact: await lookUp(it, options, signal), now: options.now() };
    }
    if (observation.event === 'submitted' && observation.fact.kind === 'refused')
      refusal = observation.fact.refusal;
    options.observed(observation);
    ({ progress, step } = decide(progress, observation));
  }
  return step.outcome;
}

/** A submission must be waited out, a lookup comes with the next ledger. */
async function pause(
  { action, afterMs }: { action: 'submit' | 'look-up'; afterMs: number },
  { sleep, nextClose }: FollowOptions,
  signal: AbortSignal,
): Promise<void> {
  if (action === 'submit') return sleep(afterMs, signal);
  await first(signal, (either) => [sleep(afterMs, either), nextClose(either)]);
}

/** What is true first; the others are aborted. */
export async function first<T>(signal: AbortSignal, race: (signal: AbortSignal) => Promise<T>[]): Promise<T> {
  const over = new AbortController();
  const all = race(AbortSignal.any([signal, over.signal]));
  try {
    return await Promise.race(all);
  } finally {
    over.abort();
    for (const one of all) one.catch(() => undefined);
  }
}

/** The answer; or what a lookup finds before there is one, since each closed ledger is looked into meanwhile. */
async function submit(
  it: Followed,
  attempt: number,
  options: FollowOptions,
  signal: AbortSignal,
): Promise<Observation> {
  const { now, sleep, nextClose } = options;
  return first<Observation>(signal, (either) => [
    answered(it, attempt, options, either).then((fact) => ({ event: 'submitted', fact, now: now() })),
    sleep(SUBMIT_MS, either).then(() => ({ event: 'submitted', fact: { kind: 'unknown' }, now: now() })),
    (async () => {
      for (;;) {
        await nextClose(either);
        const fact = await lookUp(it, options, either);
        if (fact.kind === 'found') return { event: 'looked-up', fact, now: now() };
      }
    })(),
  ]);
}

/** Whatever goes wrong, it may have been taken. */
async function answered(
  { envelopeXdr }: Followed,
  attempt: number,
  { ledger }: FollowOptions,
  signal: AbortSignal,
): Promise<SubmitFact> {
  try {
    return factOf(await ledger.submit(envelopeXdr, signal, attempt));
  } catch {
    signal.throwIfAborted();
    return { kind: 'unknown' };
  }
}

function factOf(answer: Awaited<ReturnType<Ledger['submit']>>): SubmitFact {
  switch (answer.kind) {
    case 'included':
    case 'queued':
    case 'try-again':
    case 'unknown':
      return { kind: answer.kind };
    case 'failed': {
      const result = answer.resultXdr === undefined ? undefined : decodeResult(answer.resultXdr);
      return { kind: 'refused', refusal: { result, reason: 'the network refused it' } };
    }
    case 'malformed':
      return {
        kind: 'refused',
        refusal: { result: undefined, reason: `the server did not take it (${answer.reason})` },
      };
    default:
      return answer;
  }
}

async function lookUp(it: Followed, { ledger }: FollowOptions, signal: AbortSignal): Promise<LookupFact> {
  try {
    const answer = await ledger.transaction(it.hash, signal, it.maxTime * 1_000 - LONGEST_BOUND_MS);
    return 'found' in answer ? judge(answer.found, it) : { kind: 'absent', head: answer.absentAt };
  } catch (error) {
    signal.throwIfAborted();
    return { kind: isCoded(error, 'ledger-untrusted') ? 'untrusted' : 'unreachable' };
  }
}

function judge({ ledger, result }: LedgerTransaction, { plausible }: Followed): LookupFact {
  return plausible(result) ? { kind: 'found', found: { ledger, result } } : { kind: 'untrusted' };
}
