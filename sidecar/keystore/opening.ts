import { isCoded, messageOf } from '../../common/errors.ts';
import { sleep } from '../../common/shutdown.ts';
import {
  BREAKING_FAULTS,
  FATAL_FAULTS,
  type Key,
  type Keystore,
  type KeystoreFault,
  type KeystoreFaultCode,
  keystoreFault,
} from './keystore.ts';

export interface KeptKeystore extends Pick<Keystore, 'sign'> {
  /** The audit key; its public half is undefined until the backend was open once, and when none is configured. */
  readonly audit: Pick<Key, 'sign'> & { publicKey(): Buffer | undefined };
  /** Undefined while the key is usable, else why it is not. */
  fault(): string | undefined;
  /** Settles when `signal` is aborted and the backend is given back; rejects with a fatal fault. */
  readonly done: Promise<void>;
}

export interface OpeningOptions {
  /** Ends it all. */
  signal: AbortSignal;
  /** Milliseconds until the backend is tried again after a failure; doubled each time, up to eight times as long. */
  retryMs: number;
  /** Called when the fault changes; with nothing when the key is usable again. */
  onChange(fault?: { code: KeystoreFaultCode | 'unknown'; message: string }): void;
}

const LONGEST_WAIT = 8;
/** Said until a signature succeeds; opening anew would not help. */
const LASTING = ['keystore-refused', 'vault-throttled'] as const;
/** Known without asking the backend, from a file: looked at again without growing waits. */
const OF_FILES = ['pin-missing', 'pin-refused', 'pin-memory-unusable', 'login-missing'] as const;

/**
 * Keeps a backend open: a missing token or PIN file may still come, and a backend that could not help itself is closed and
 * opened anew. Meanwhile signatures fail at once, and the backend hears of one attempt each `retryMs` or less often.
 */
export function keepOpen(
  open: (signal: AbortSignal) => Promise<Keystore>,
  { signal, retryMs, onChange }: OpeningOptions,
  pause: (ms: number, signal: AbortSignal) => Promise<void> = sleep,
): KeptKeystore {
  let current: Keystore | undefined;
  let fault: string | undefined = 'the key store is being opened';
  let auditKey: Buffer | undefined;
  let giveUp: (fault: KeystoreFault | undefined) => void = () => undefined;

  const change = (reason?: unknown): void => {
    const message = reason === undefined ? undefined : messageOf(reason);
    if (message === fault) return;
    fault = message;
    const code = isCoded<KeystoreFaultCode>(reason) ? reason.code : 'unknown';
    onChange(message === undefined ? undefined : { code, message });
  };

  /** Opens, and stays until the backend is lost. @returns why it is not open any more */
  const once = async (onOpen: () => void): Promise<unknown> => {
    let opened: Keystore;
    try {
      opened = await open(signal);
    } catch (error) {
      return error;
    }
    const lost = Promise.withResolvers<KeystoreFault | undefined>();
    giveUp = lost.resolve;
    opened.failed?.then(lost.resolve);
    // By hand, since racing against one promise for the whole life would keep something of each time it was open.
    const onAbort = (): void => lost.resolve(undefined);
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    current = opened;
    auditKey = opened.audit?.publicKey;
    onOpen();
    change();
    const reason = await lost.promise;
    signal.removeEventListener('abort', onAbort);
    current = undefined;
    // A call that hangs would keep `close` for ever; after the other fatal faults there is nothing to lose either.
    if (isCoded(reason, ...FATAL_FAULTS)) return reason;
    if (reason !== undefined) change(reason);
    const closing = opened.close().then(() => reason);
    // Also a call that was under way then may turn out to hang.
    const fatal = opened.failed?.then((fault) => (isCoded(fault, ...FATAL_FAULTS) ? fault : closing));
    return Promise.race([closing, fatal ?? closing]);
  };

  const run = async (): Promise<void> => {
    for (let failures = 0; !signal.aborted; ) {
      const reason = await once(() => {
        failures = 0;
      });
      if (signal.aborted && !isCoded(reason, ...FATAL_FAULTS)) return;
      change(reason);
      if (isCoded(reason, ...FATAL_FAULTS)) throw reason;
      const wait = isCoded(reason, ...OF_FILES) ? 1 : Math.min(2 ** failures++, LONGEST_WAIT);
      await pause(wait * retryMs, signal).catch(() => undefined);
    }
  };

  const done = run();
  // Whoever awaits it hears of it; until then a rejection must not end the process without a word.
  done.catch(() => undefined);

  const sign = async (key: 'trading' | 'audit', message: Buffer, caller: AbortSignal): Promise<Buffer> => {
    const used = current;
    const chosen = key === 'trading' ? used : used?.audit;
    if (used === undefined || chosen === undefined)
      throw keystoreFault(
        'keystore-failed',
        fault ?? (used === undefined ? 'the key store is being closed' : 'no audit key is configured'),
      );
    try {
      const signature = await chosen.sign(message, caller);
      if (key === 'trading' && used === current) change();
      return signature;
    } catch (error) {
      if (used !== current) throw error;
      if (isCoded<KeystoreFault['code']>(error, ...BREAKING_FAULTS)) {
        current = undefined;
        change(error);
        giveUp(error);
      } else if (key === 'trading' && isCoded(error, ...LASTING)) change(error);
      throw error;
    }
  };

  return {
    fault: () => fault,
    done,
    sign: (message, caller) => sign('trading', message, caller),
    audit: { publicKey: () => auditKey, sign: (message, caller) => sign('audit', message, caller) },
  };
}
