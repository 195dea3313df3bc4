import type { JournalEvent } from './entry.ts';

type Refused = Extract<JournalEvent, { type: 'refused' }>;

const BURST = 60;
const PER_SECOND = 1;

/**
 * Which refusals get a line of their own: sixty at once and one a second from then on; the others are counted by code and
 * written in one line a second, so that a hostile client cannot fill the disk.
 */
export function createRefusals(write: (event: JournalEvent) => void, monotonicMs: () => number) {
  let tokens = BURST;
  let lastMs = monotonicMs();
  let counts: Record<string, number> = {};
  return {
    add(event: Refused): void {
      const time = monotonicMs();
      tokens = Math.min(BURST, tokens + ((time - lastMs) / 1000) * PER_SECOND);
      lastMs = time;
      if (tokens >= 1) {
        tokens--;
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
