import { isCoded, messageOf } from '../../common/errors.ts';
import { aborted, sleep } from '../../common/shutdown.ts';
import { FATAL_FAULTS, type Keystore, type KeystoreFault, keystoreFault } from './keystore.ts';

export interface KeptKeystore extends Pick<Keystore, 'sign'> {
  /** Undefined while the key is usable, else why it is not. */
  fault(): string | undefined;
  /** Settles when `signal` is aborted and the backend is given back; rejects with a fatal fault. */
  readonly done: Promise<void>;
}

export interface OpeningOptions {
  /** Ends it all. */
  signal: AbortSignal;
  /** Milliseconds between attempts to open. */
  retryMs: number;
  /** Called with the fault, or undefined, when it changes. */
  onChange(fault: string | undefined): void;
}

/**
 * Keeps a backend open: a missing token or PIN file may still come, and a backend that failed twice in a row is closed
 * and opened anew (for PKCS#11 that is finalize, initialize, login, find). Meanwhile `sign` fails at once.
 */
export function keepOpen(
  open: (signal: AbortSignal) => Promise<Keystore>,
  { signal, retryMs, onChange }: OpeningOptions,
): KeptKeystore {
  let current: Keystore | undefined;
  let fault: string | undefined = 'the key store is being opened';
  let giveUp: () => void = () => undefined;

  const change = (next: string | undefined): void => {
    if (next === fault) return;
    fault = next;
    onChange(fault);
  };

  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      let opened: Keystore;
      try {
        opened = await open(signal);
      } catch (error) {
        if (isCoded(error, ...FATAL_FAULTS)) throw error;
        change(messageOf(error));
        await sleep(retryMs, signal).catch(() => undefined);
        continue;
      }
      current = opened;
      change(undefined);
      const lost = new Promise<void>((resolve) => {
        giveUp = resolve;
      });
      await Promise.race([lost, aborted(signal)]);
      current = undefined;
      await opened.close();
    }
  };

  const done = run();
  // Whoever awaits it hears of it; until then a rejection must not end the process without a word.
  done.catch(() => undefined);

  return {
    fault: () => fault,
    done,
    async sign(message, callerSignal) {
      const used = current;
      if (used === undefined)
        throw keystoreFault('keystore-failed', fault ?? 'the key store is being closed');
      try {
        return await used.sign(message, callerSignal);
      } catch (error) {
        if (isCoded<KeystoreFault['code']>(error, 'keystore-failed') && used === current) {
          current = undefined;
          change(error.message);
          giveUp();
        }
        throw error;
      }
    },
  };
}
