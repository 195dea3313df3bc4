import type { Ledger } from '../ledger/types.ts';

/** Waits for ledgers to close, for as many as want to, over one stream that ends with `end`. */
export function createHeads(ledger: Pick<Ledger, 'watchHeads'>, end: AbortSignal) {
  const waiting = new Set<() => void>();
  const closed = (): void => {
    for (const resolve of [...waiting]) resolve();
  };
  ledger.watchHeads({ event: closed }, end);
  /** Resolves when the next ledger closes; rejects with the signal. */
  return (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const leave = (): void => {
        waiting.delete(done);
        signal.removeEventListener('abort', gone);
      };
      const done = (): void => {
        leave();
        resolve();
      };
      const gone = (): void => {
        leave();
        reject(signal.reason);
      };
      waiting.add(done);
      signal.addEventListener('abort', gone, { once: true });
    });
}
