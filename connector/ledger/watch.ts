import { connectorError } from '../errors.ts';
import type { HorizonClient } from './horizon/types.ts';
import type { Source, Sources } from './sources.ts';
import type { Clock } from './transport.ts';
import type { StreamHandlers } from './types.ts';

/** Handlers that also hear which server told. */
export interface SourceHandlers<T> extends Omit<StreamHandlers<T>, 'event'> {
  event(value: T, cursor: string, source: Source): void;
}

/**
 * One stream over all Horizons. The stream itself resumes at its cursor, which means the same at each of them, and asks
 * `choose` at every dial: it moves when its server is down, put in quarantine (which cuts it at once), or streams badly
 * though its reads are well.
 */
export function overSources<T>(
  sources: Sources,
  handlers: SourceHandlers<T>,
  clock: Pick<Clock, 'now'>,
): { choose: () => HorizonClient; handlers: StreamHandlers<T> } {
  let dialled: Source | undefined;
  const brokeAt = new Map<Source | undefined, number>();
  const lastBreak = (source: Source): number => brokeAt.get(source) ?? Number.NEGATIVE_INFINITY;
  return {
    choose() {
      const [best] = sources.usable('horizon').sort((a, b) => compare(lastBreak(a), lastBreak(b)));
      if (best === undefined) throw connectorError('ledger-untrusted', 'every Horizon is in quarantine');
      const client = best.horizon!;
      return {
        ...client,
        transport: {
          ...client.transport,
          stream(path, headers, signal) {
            dialled = best;
            return client.transport.stream(path, headers, AbortSignal.any([signal, best.trust.signal]));
          },
        },
      };
    },
    handlers: {
      event: (value, cursor) => handlers.event(value, cursor, dialled!),
      open: (gap) => handlers.open?.(gap),
      down(reason) {
        brokeAt.set(dialled, clock.now());
        handlers.down?.(reason);
      },
    },
  };
}

const compare = (a: number, b: number): number => (a < b ? -1 : a > b ? 1 : 0);
