import { keystoreFault } from '../keystore.ts';

export interface BatchesOptions {
  /** One result per message, in their order; a fault fails only its own message, a rejection all. */
  send(messages: readonly Buffer[]): Promise<readonly (Buffer | Error)[]>;
  /** How many batches may be under way. */
  inFlight: number;
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

/** Sends at once what can be sent; what comes while all places are taken waits and goes together in the next batch. */
export function createBatches({ send, inFlight, size, maxWaiting }: BatchesOptions): Batches {
  const waiting: Waiting[] = [];
  const running = new Set<Promise<void>>();
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
      for (const { reject } of batch) reject(error);
    }
  };

  const pump = (): void => {
    while (waiting.length > 0 && running.size < inFlight) {
      const batch: Promise<void> = run(waiting.splice(0, size)).then(() => {
        running.delete(batch);
        pump();
      });
      running.add(batch);
    }
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
        pump();
      });
    },
    async close() {
      isClosed = true;
      while (running.size > 0) await Promise.all(running);
    },
  };
}
