import { createRateLimit } from '../../common/rate.ts';
import type { JournalEvent } from './entry.ts';

type Refused = Extract<JournalEvent, { type: 'refused' }>;

const PER_SECOND = 1;
const BURST_SECONDS = 60;

/**
 * Which refusals get a line of their own: sixty at once and one a second from then on; the others are counted by code and
 * written in one line a second, so that a hostile client cannot fill the disk.
 */
export function createRefusals(write: (event: JournalEvent) => void, monotonicMs: () => number) {
  const rate = createRateLimit(monotonicMs, BURST_SECONDS);
  let counts: Record<string, number> = {};
  return {
    add(event: Refused): void {
      if (rate.has(PER_SECOND)) {
        rate.take();
        write(event);
      } else counts[event.code] = (counts[event.code] ?? 0) + 1;
    },
    /** To be called once a second. */
    flush(): void {
      if (Object.keys(counts).length === 0) return;
      write({ type: 'refusals', counts });
      counts = {};
    },
  };
}
