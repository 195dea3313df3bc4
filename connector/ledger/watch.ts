import { connectorError } from '../errors.ts';
import type { HorizonClient } from './horizon/types.ts';
import type { Source, Sources } from './sources.ts';
import type { StreamHandlers } from './types.ts';

/**
 * One stream over all Horizons. The stream itself resumes at its cursor, which means the same at each of them, and asks
 * `choose` at every dial; here it is seen to that it is dialled at another server when one is down, stale or put in quarantine.
 */
export function overSources<T>(
  sources: Sources,
  handlers: StreamHandlers<T>,
  now: () => number,
): { choose: () => HorizonClient; handlers: StreamHandlers<T> } {
  let dialled: Source | undefined;
  const choose = (): HorizonClient => {
    const [best] = sources.usable('horizon');
    if (best === undefined) throw connectorError('ledger-untrusted', 'every Horizon is in quarantine');
    return Object.create(best.horizon!, {
      transport: {
        get() {
          dialled = best;
          return best.horizon!.transport;
        },
      },
    }) as HorizonClient;
  };
  return {
    choose,
    handlers: {
      event(value, cursor) {
        // Refusing the event drops the stream, and the next server sends it again.
        if (dialled?.standing.quarantine !== undefined) {
          throw connectorError('ledger-untrusted', `${dialled.url} is in quarantine`);
        }
        handlers.event(value, cursor);
      },
      open(gap) {
        handlers.open?.(gap);
      },
      down(reason) {
        if (dialled !== undefined) dialled.failed = { at: now(), reason };
        handlers.down?.(reason);
      },
    },
  };
}
