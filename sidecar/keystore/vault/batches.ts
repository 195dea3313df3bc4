import { keystoreFault } from '../keystore.ts';

export interface BatchesOptions {
  /** One result per message, in their order; a fault fails only its own message, a rejection all, also those that wait. */
  send(messages: readonly Buffer[]): Promise<readonly (Buffer | Error)[]>;
  /** How many messages at most in one. */
  size: number;
  /** How many messages may wait; one more is refused with `keystore-busy`. */
  maxWaiting: number;
}

export interface Batches {
  add(message: Buffer, signal: AbortSignal): Promise<Buffer>;
  /** Refuses new messages, waits for all others. */
  close(): Promise<void>;
}

interface Waiting {
  message: Buffer;
  resolve(result: Buffer): void;
  reject(reason: unknown): void;
}

/**
 * Sends the first message at once; what comes while it is under way waits and goes together in the next batch. One batch
 * at a time: two at once were measured and are slower, also with many waiting.
 */
export function createBatches({ send, size, maxWaiting }: BatchesOptions): Batches {
  const waiting: Waiting[] = [];
  let running: Promise<void> | undefined;
  let isClosed = false;

  const run = async (batch: readonly Waiting[]): Promise<void> => {
    try {
      const results = await send(batch.map(({ message }) => message));
      batch.forEach(({ resolve, reject }, i) => {
        const result = results[i];
        if (Buffer.isBuffer(result)) resolve(result);
        else reject(result);
      });
    } catch (error) {
      // What waits would meet the same, each batch after its own deadlines.
      for (const { reject } of [...batch, ...waiting.splice(0)]) reject(error);
    }
  };

  const sendAll = async (): Promise<void> => {
    while (waiting.length > 0) await run(waiting.splice(0, size));
    running = undefined;
  };

  return {
    add(message, signal) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        if (isClosed) return reject(keystoreFault('keystore-busy', 'the key store is being closed'));
        if (waiting.length >= maxWaiting)
          return reject(keystoreFault('keystore-busy', 'too many signatures are waiting for Vault'));
        const settled = (): void => signal.removeEventListener('abort', onAbort);
        const entry: Waiting = {
          message,
          resolve: (result) => {
            settled();
            resolve(result);
          },
          reject: (reason) => {
            settled();
            reject(reason);
          },
        };
        // What is under way already stays in its batch; only the caller is let go.
        const onAbort = (): void => {
          const at = waiting.indexOf(entry);
          if (at >= 0) waiting.splice(at, 1);
          reject(signal.reason);
        };
        signal.addEventListener('abort', onAbort, { once: true });
        waiting.push(entry);
        running ??= sendAll();
      });
    },
    async close() {
      isClosed = true;
      await running;
    },
  };
}
