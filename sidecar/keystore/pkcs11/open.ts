import type pkcs11js from 'pkcs11js';
import { sleep } from '../../../common/shutdown.ts';
import { type Key, type Keystore, type KeystoreFault, keystoreFault } from '../keystore.ts';
import { type Connection, type ConnectionOptions, connect, type Role } from './connection.ts';
import { createPinMemory } from './pin-memory.ts';
import { createRecovery } from './recovery.ts';
import { loadModule } from './token.ts';
import { type MechanismParameter, type PointEncoding, VENDORS, type VendorName } from './vendors.ts';

export interface Pkcs11Options
  extends Pick<ConnectionOptions, 'token' | 'key' | 'auditKey' | 'pinFile' | 'publicKey' | 'sessions'> {
  /** Path of the module. */
  module: string;
  /** Where refused PINs are remembered over restarts: a file of the journal's volume. */
  pinMemoryFile?: string;
  /** Row of the vendor table; default `generic`. */
  vendor?: VendorName;
  /** In place of the vendor's. */
  pointEncoding?: PointEncoding;
  mechanismParameter?: MechanismParameter;
  /** Milliseconds after which a C_Sign counts as hung; default 30 s. */
  hangMs?: number;
  /** Milliseconds within which a lost token may come back before requests fail; default 3 s. */
  recoveryMs?: number;
}

const HANG_MS = 30_000;
const RECOVERY_MS = 3_000;
const MAX_PENDING = 264;

/**
 * An opener of the keys in a PKCS#11 token, to be called again after a failure. It is the only one in the process that
 * initializes and finalizes the module. What an opened key store survives by itself: docs/signer/pkcs11.md.
 */
export function createPkcs11Opener(
  options: Pkcs11Options,
  load: (path: string) => pkcs11js.PKCS11 = loadModule,
): (signal: AbortSignal) => Promise<Keystore> {
  let lib: pkcs11js.PKCS11 | undefined;
  /** The first one seen: it is pinned nowhere else. */
  let auditKey: Buffer | undefined;
  const pins = createPinMemory(options.token, options.pinMemoryFile);
  const vendor = { ...VENDORS[options.vendor ?? 'generic'] };
  if (options.pointEncoding !== undefined) vendor.pointEncoding = options.pointEncoding;

  return async (signal) => {
    lib ??= load(options.module);
    const module = lib;
    const failed = Promise.withResolvers<KeystoreFault>();
    const connection: ConnectionOptions = {
      ...options,
      vendor,
      parameter: options.mechanismParameter ?? vendor.parameter,
      hangMs: options.hangMs ?? HANG_MS,
      onHang: failed.resolve,
    };
    const connectSame = async (end: AbortSignal): Promise<Connection> => {
      const opened = await connect(module, connection, pins, end);
      auditKey ??= opened.auditKey;
      if (auditKey === undefined || opened.auditKey?.equals(auditKey) === true) return opened;
      await opened.close();
      throw keystoreFault('key-unsafe', 'the audit key is refused: it is another one than before');
    };
    const hung = failed.promise.then((fault) => {
      throw fault;
    });
    // Nobody may be listening any more when it comes.
    hung.catch(() => undefined);
    const recovery = createRecovery(await Promise.race([connectSame(signal), hung]), {
      connect: connectSame,
      onFailed: failed.resolve,
      budgetMs: options.recoveryMs ?? RECOVERY_MS,
      maxPending: MAX_PENDING,
      now: () => performance.now(),
      sleep,
    });
    const key = (role: Role, publicKey: Buffer): Key => ({
      publicKey,
      sign: (message, callerSignal) =>
        recovery.run((used) => used.sign(role, message, callerSignal), callerSignal),
    });
    return {
      ...key('trading', options.publicKey),
      audit: auditKey === undefined ? undefined : key('audit', auditKey),
      failed: failed.promise,
      close: recovery.close,
    };
  };
}
