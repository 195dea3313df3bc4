import { isCoded } from '../../common/errors.ts';
import { type ErrorCode, errorRow } from '../errors.ts';
import { endingOf } from './endings.ts';
import type { Records, StoredEnding, StoredIntent } from './records.ts';
import type { EngineModules, EngineOptions } from './types.ts';
import type { Entry } from './waiting.ts';

/** When (milliseconds) an ending that could not be written is written again. */
const UNSAVED_MS = 30_000;

/** An intent with its end; without an entry it is of an earlier process. */
export interface Over {
  intent: StoredIntent;
  entry: Entry | undefined;
  ending: StoredEnding;
}

/** Writes down how transactions and their intents ended, with what the owners write of it. */
export function createEnds(
  { recovered, events }: Pick<EngineOptions, 'recovered' | 'events'>,
  { state, sleep }: Pick<EngineModules, 'state' | 'sleep'>,
  records: Records,
  cut: AbortSignal,
) {
  /** Ending and what the owner writes of it are kept together or not at all; again later where that fails. */
  function keep(hash: string, whole: StoredEnding, envelopeXdr: string, over: readonly Over[]): void {
    try {
      state.transact(() => {
        records.settle(
          hash,
          whole,
          over.map(({ intent: { id }, ending }) => ({ id, ending })),
        );
        for (const { intent, entry, ending } of over) {
          const told = endingOf(hash, ending, envelopeXdr)!;
          if (entry === undefined) recovered(intent, told);
          else entry.intent.ended?.(told);
        }
      });
    } catch (error) {
      events.unsaved(hash, error);
      sleep(UNSAVED_MS, cut).then(
        () => keep(hash, whole, envelopeXdr, over),
        () => undefined,
      );
    }
  }

  /** The end of one that was to be tried again and is not: its transaction is over, and it has no ending. */
  function keepAbandoned(
    intent: StoredIntent,
    entry: Entry | undefined,
    code: ErrorCode,
    message: string,
  ): void {
    const { outcome, envelopeXdr } = records.get(intent.hash)!;
    // Without an outcome it could not be written yet, and has no ending either.
    if (outcome === undefined) return;
    keep(intent.hash, outcome, envelopeXdr, [{ intent, entry, ending: { ...outcome, code, message } }]);
  }

  return {
    keep,
    /** One that is told `error` in the place of another try. */
    giveUp(id: string, entry: Entry | undefined, error: unknown): void {
      try {
        const message = isCoded(error) ? error.message : 'internal error';
        keepAbandoned(records.intent(id)!, entry, errorRow(error).code, message);
      } catch (unread) {
        events.unsaved('', unread);
      }
    },
    /** Those that an earlier process was to try again. @throws where they cannot be read */
    endAbandoned(): void {
      for (const intent of records.abandoned()) {
        const why = 'another order in it could not be done, so nothing of it was';
        keepAbandoned(intent, undefined, 'transaction-failed', `Transaction ${intent.hash}: ${why}`);
      }
    },
  };
}
