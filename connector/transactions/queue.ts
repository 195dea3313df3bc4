import { connectorError } from '../errors.ts';

export interface Queue {
  /**
   * Runs `task` when all earlier ones have settled. A caller that is aborted or waited longer than `waitMs`
   * milliseconds leaves the queue, and its task never starts.
   * @throws `rate-limited` when the wait was too long, the signal's reason when aborted; else what the task throws
   */
  run<T>(task: () => Promise<T>, waitMs: number, signal: AbortSignal): Promise<T>;
  /** Resolves when nothing runs or waits. */
  idle(): Promise<void>;
}

/** One at a time, in order: an account has one sequence number to give. */
export function createQueue(): Queue {
  let tail: Promise<unknown> = Promise.resolve();
  return {
    run(task, waitMs, signal) {
      const before = tail;
      const turn = waitTurn(before, waitMs, signal);
      const result = turn.then(task);
      // A caller that left must not open the way for those behind it before the one ahead is through.
      // It settles with nothing: else each result would hold on to all before it.
      tail = Promise.all([before, result.catch(() => undefined)]).then(() => undefined);
      return result;
    },
    async idle() {
      for (let seen: unknown; seen !== tail; ) {
        seen = tail;
        await tail;
      }
    },
  };
}

function waitTurn(before: Promise<unknown>, waitMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = (error: unknown): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      reject(error);
    };
    const onAbort = (): void => leave(signal.reason);
    const timer = setTimeout(
      () => leave(connectorError('rate-limited', 'another transaction of the account is still under way')),
      waitMs,
    );
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    void before.then(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
  });
}
