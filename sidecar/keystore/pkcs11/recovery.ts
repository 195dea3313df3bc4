import { isCoded } from '../../../common/errors.ts';
import { type KeystoreFault, keystoreFault } from '../keystore.ts';
import { asFault, type Connection } from './connection.ts';
import { codeOf, nextRung } from './ladder.ts';
import { orAborted, PoolClosed } from './sessions.ts';

export interface RecoveryOptions {
  connect(signal: AbortSignal): Promise<Connection>;
  /** Called once, when nothing more can be done here: every request fails with it from then on. */
  onFailed(fault: KeystoreFault): void;
  /** How long to try to connect anew, in milliseconds. */
  budgetMs: number;
  /** How many requests may be under way, waiting ones included; one more is refused with `keystore-busy`. */
  maxPending: number;
  /** Milliseconds of a clock that never jumps. */
  now(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export interface Recovery {
  /**
   * Runs `attempt`, again as the ladder says, over the connection that is in force then.
   * @throws KeystoreFault, or the signal's reason
   */
  run<Result>(attempt: (connection: Connection) => Promise<Result>, signal: AbortSignal): Promise<Result>;
  close(): Promise<void>;
}

/** Faults of connecting that may pass within the budget. Never a refused PIN. */
const PASSING = ['keystore-failed', 'token-missing', 'module-unusable'] as const;
const FIRST_WAIT_MS = 10;
const LONGEST_WAIT_MS = 50;

/**
 * Keeps requests alive while connections come and go. One recovery runs at a time: who fails over a connection that has
 * been replaced meanwhile takes the new one, and who comes during a recovery waits for it. The old connection is closed
 * before another is opened, so that no session of an old login is left.
 */
export function createRecovery(first: Connection, options: RecoveryOptions): Recovery {
  const end = new AbortController();
  let active: Connection | undefined = first;
  let current: Promise<Connection> = Promise.resolve(first);
  let pending = 0;

  const reconnect = async (lost: Connection): Promise<Connection> => {
    await lost.close();
    const deadline = options.now() + options.budgetMs;
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
      end.signal.throwIfAborted();
      try {
        active = await options.connect(end.signal);
        return active;
      } catch (error) {
        if (!isCoded(error, ...PASSING) || options.now() + wait > deadline) throw error;
      }
      await options.sleep(wait, end.signal);
    }
  };

  const replace = (lost: Connection): void => {
    // A connection made after the end would be nobody's, and a login beside that of who opens the key store next.
    if (active !== lost || end.signal.aborted) return;
    active = undefined;
    current = reconnect(lost);
    current.catch((error: unknown) => {
      if (isCoded<KeystoreFault['code']>(error)) options.onFailed(error);
    });
  };

  const climb = async <Result>(
    attempt: (connection: Connection) => Promise<Result>,
    signal: AbortSignal,
  ): Promise<Result> => {
    for (let steps = 0; ; ) {
      const used = await orAborted(current, signal);
      try {
        return await attempt(used);
      } catch (error) {
        if (signal.aborted || isCoded(error)) throw error;
        if (error instanceof PoolClosed) continue;
        const next = nextRung(codeOf(error), steps);
        steps = next.steps;
        if (next.rung === 'fresh-session') used.freshen();
        else if (next.rung === 'reconnect') replace(used);
        else if (next.rung !== 'other-session') throw asFault(error);
      }
    }
  };

  return {
    async run(attempt, signal) {
      if (pending >= options.maxPending)
        throw keystoreFault('keystore-busy', 'too many signatures are waiting for the token');
      pending++;
      try {
        return await climb(attempt, signal);
      } finally {
        pending--;
      }
    },
    async close() {
      end.abort();
      const last = current;
      current = Promise.reject(keystoreFault('keystore-failed', 'the key store is being closed'));
      current.catch(() => undefined);
      await last.then((connection) => connection.close()).catch(() => undefined);
    },
  };
}
