import type { sleep } from '../../common/shutdown.ts';
import { connectorError } from '../errors.ts';
import type { Intent, Receipt } from './types.ts';

/** An intent that nothing was signed for yet, and whoever waits for it. */
export interface Entry {
  intent: Intent;
  /** Counts until it is signed for. */
  signal: AbortSignal;
  /** With how many others it may share a transaction; halved each time that one of them was refused. */
  share: number;
  /** Deletions and others went before it once; the next turn is its own. */
  passed: boolean;
  /** It waited once for what was in flight to end, which left no funds for it. */
  short: boolean;
  /** Transactions that came to nothing with it inside, by no fault of its own. */
  tries: number;
  /** Until when (milliseconds since 1970) it waits for its turn. */
  until: number;
  /** Answered: its fate is then handed to its owner instead. */
  answered: boolean;
  resolve(receipt: Receipt): void;
  reject(error: unknown): void;
}

export interface Waiting {
  /** Puts it behind the others of its lane; it leaves by itself when its signal is aborted or it waits too long. */
  add(intent: Intent, signal: AbortSignal): Promise<Receipt>;
  /** Puts entries that were taken out before those that wait. */
  putBack(entries: readonly Entry[]): void;
  has(lane: Intent['lane']): boolean;
  /** Takes out what goes into one transaction. */
  take(lane: Intent['lane'] | 'both', limit: number): Entry[];
  get(id: string): Entry | undefined;
  readonly size: number;
  rejectAll(error: unknown): void;
}

/**
 * How long (milliseconds) an intent waits for its turn: longer than the signer holds the number of a transaction that came
 * to nothing (its time bound and a minute).
 */
const PATIENCE_MS = 120_000;

/** What waits for a free sequence number. `changed` is called when something was added. */
export function createWaiting(
  changed: () => void,
  { now, sleep: wait }: { now(): number; sleep: typeof sleep },
): Waiting {
  let entries: Entry[] = [];
  const timers = new Map<Entry, () => void>();

  const leave = (entry: Entry, error: unknown): void => {
    entries = entries.filter((other) => other !== entry);
    disarm(entry);
    entry.answered = true;
    entry.reject(error);
  };
  const arm = (entry: Entry): void => {
    const onAbort = (): void => leave(entry, entry.signal.reason);
    const over = new AbortController();
    wait(Math.max(entry.until - now(), 0), over.signal).then(
      () =>
        leave(entry, connectorError('rate-limited', 'other transactions of the account are still under way')),
      () => undefined,
    );
    entry.signal.addEventListener('abort', onAbort, { once: true });
    timers.set(entry, () => {
      over.abort();
      entry.signal.removeEventListener('abort', onAbort);
    });
  };
  const disarm = (entry: Entry): void => {
    timers.get(entry)?.();
    timers.delete(entry);
  };

  return {
    add: (intent, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const entry: Entry = {
          intent,
          signal,
          share: Number.POSITIVE_INFINITY,
          passed: false,
          short: false,
          tries: 0,
          until: now() + PATIENCE_MS,
          answered: false,
          resolve,
          reject,
        };
        entries.push(entry);
        arm(entry);
        changed();
      }),
    putBack(back) {
      const live = back.filter(({ answered }) => !answered);
      entries = [...live.filter(({ signal }) => !signal.aborted), ...entries];
      for (const entry of live) {
        if (entry.signal.aborted) leave(entry, entry.signal.reason);
        else arm(entry);
      }
      changed();
    },
    has: (lane) => entries.some(({ intent }) => intent.lane === lane),
    take(lane, limit) {
      const trades = lane === 'delete' ? [] : entries.filter(({ intent }) => intent.lane === 'trade');
      const deletions = lane === 'trade' ? [] : entries.filter(({ intent }) => intent.lane === 'delete');
      const ordered = trades[0]?.passed ? trades : [...deletions, ...trades];
      const taken: Entry[] = [];
      for (const entry of ordered) {
        const alone = !entry.intent.shared;
        // No trade may fail these a second time.
        const apart = taken.some(({ intent, tries }) => intent.lane === 'delete' && tries > 0);
        const room = Math.min(limit, entry.share, ...taken.map(({ share }) => share));
        if (taken.length >= room) break;
        // Turns are in order: those behind one that shares with nobody do not pass it.
        if (taken.length > 0 && (alone || (apart && entry.intent.lane === 'trade'))) break;
        taken.push(entry);
        if (alone) break;
      }
      // It is passed once at most, also where deletions fill every transaction.
      const [next] = trades;
      if (next !== undefined && !next.intent.shared && !taken.includes(next)) next.passed = true;
      entries = entries.filter((entry) => !taken.includes(entry));
      for (const entry of taken) disarm(entry);
      return taken;
    },
    get: (id) => entries.find(({ intent }) => intent.id === id),
    get size() {
      return entries.length;
    },
    rejectAll(error) {
      for (const entry of [...entries]) leave(entry, error);
    },
  };
}
