import type { sleep } from '../../common/shutdown.ts';
import type { HorizonClient } from './horizon/types.ts';
import type { Source } from './sources.ts';
import type { StreamHandlers } from './types.ts';

export interface WatchModules {
  /** Best first, without those in quarantine. */
  usable(): readonly Source[];
  sleep: typeof sleep;
}

/** While nobody can be asked, and between two servers that fail at once, milliseconds. */
const PAUSE_MS = 1_000;
/** How often it is looked whether the server of a stream went into quarantine, milliseconds. */
const LOOK_MS = 1_000;

/**
 * One stream over a choice of Horizons: begun at the best one, moved to the next when it is down, silent or in quarantine,
 * resumed at the last cursor. What comes twice is dropped by `after`; a new server may not have all since the cursor when
 * `start` begins at now, which `gaps` says.
 */
export function watch<T>(
  start: (client: HorizonClient, cursor: string, handlers: StreamHandlers<T>, signal: AbortSignal) => void,
  options: {
    cursor: string;
    /** Whether an event is later than a cursor; an event that is not is dropped. */
    after(cursor: string, value: T, last: string): boolean;
    /** True: a stream begins at now, so that events between two servers are lost. */
    gaps: boolean;
  },
  handlers: StreamHandlers<T>,
  { usable, sleep }: WatchModules,
  signal: AbortSignal,
): void {
  let cursor = options.cursor;
  let failed: Source | undefined;

  const follow = (source: Source, isFirst: boolean): Promise<string> =>
    new Promise((resolve) => {
      const leave = new AbortController();
      const own = AbortSignal.any([signal, leave.signal]);
      const end = (reason: string): void => {
        leave.abort();
        resolve(reason);
      };
      own.addEventListener('abort', () => resolve('it ended'), { once: true });
      void (async () => {
        while (!own.aborted) {
          await sleep(LOOK_MS, own);
          if (source.standing.quarantine !== undefined) end('the server was put in quarantine');
        }
      })().catch(() => undefined);
      start(
        source.horizon!,
        cursor,
        {
          event(value, its) {
            if (own.aborted || !options.after(its, value, cursor)) return;
            cursor = its;
            handlers.event(value, its);
          },
          open(gap) {
            if (own.aborted) return;
            failed = undefined;
            handlers.open?.(gap || (options.gaps && !isFirst));
          },
          down(reason) {
            if (!own.aborted) end(reason);
          },
        },
        own,
      );
    });

  const run = async (): Promise<void> => {
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      const choice = usable();
      const source = choice.find((it) => it !== failed) ?? choice[0];
      if (source !== undefined) {
        const reason = await follow(source, isFirst);
        if (signal.aborted) return;
        handlers.down?.(reason);
        // One that fails at once twice in a row is not dialled in a loop.
        if (failed !== undefined || choice.length === 1) await sleep(PAUSE_MS, signal);
        failed = source;
      } else await sleep(PAUSE_MS, signal);
    }
  };
  run().catch(() => undefined);
}

/** Horizon's trade cursors are `<operation>-<order>`, the same at every server of a network. */
export function tradeAfter(cursor: string, last: string): boolean {
  const [operation, order] = split(cursor);
  const [lastOperation, lastOrder] = split(last);
  return operation > lastOperation || (operation === lastOperation && order > lastOrder);
}

const split = (cursor: string): [bigint, bigint] => {
  const match = /^(\d{1,20})(?:-(\d{1,10}))?$/.exec(cursor);
  // `now` and what is no cursor come before everything.
  return match === null ? [-1n, -1n] : [BigInt(match[1]!), BigInt(match[2] ?? -1)];
};
