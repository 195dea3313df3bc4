import { createHmac, randomBytes } from 'node:crypto';
import graphene from 'graphene-pk11';
import type pkcs11js from 'pkcs11js';
import { readSecretFile } from '../../../common/config.ts';
import { isCoded, messageOf } from '../../../common/errors.ts';
import type { Secret } from '../../../common/secret.ts';
import { createVerifier } from '../ed25519.ts';
import { type Keystore, keystoreFault } from '../keystore.ts';
import { probeMessage } from '../probe.ts';
import { findKey, type KeyName } from './key.ts';
import { createSessionPool } from './sessions.ts';
import { createSign, InvalidSignature } from './sign.ts';
import { finalize, findSlot, initialize, loadModule, login, type TokenName } from './token.ts';

export interface Pkcs11Options {
  /** Path of the module. */
  module: string;
  token: TokenName;
  key: KeyName;
  pinFile: string;
  /** The pinned account's, 32 bytes. */
  publicKey: Buffer;
}

/** As many as libuv has threads by default: more would only wait there. */
const SESSIONS = 4;
const MAX_WAITING = 256;

/**
 * An opener of the key in a PKCS#11 token, to be called again after a failure. It is the only one in the process that
 * initializes and finalizes the module. A PIN that the token refused is never sent again until the file holds another:
 * tokens lock after a few tries.
 */
export function createPkcs11Opener(
  options: Pkcs11Options,
  load: (path: string) => pkcs11js.PKCS11 = loadModule,
): (signal: AbortSignal) => Promise<Keystore> {
  let lib: pkcs11js.PKCS11 | undefined;
  const refusedPins = createPinMemory();
  return async (signal) => {
    lib ??= load(options.module);
    const pin = readPin(options.pinFile);
    if (refusedPins.has(pin)) throw pinRefused(options.pinFile);
    initialize(lib);
    try {
      return await openInitialized(lib, options, pin, refusedPins, signal);
    } catch (error) {
      finalize(lib);
      throw error;
    } finally {
      pin.erase();
    }
  };
}

async function openInitialized(
  lib: pkcs11js.PKCS11,
  options: Pkcs11Options,
  pin: Secret,
  refusedPins: PinMemory,
  signal: AbortSignal,
): Promise<Keystore> {
  const slot = findSlot(lib, options.token);
  // The anchor: a login ends with the last session of the process, and key handles with it.
  const anchor = slot.open(graphene.SessionFlag.SERIAL_SESSION);
  if (!login(anchor, pin)) {
    refusedPins.add(pin);
    throw pinRefused(options.pinFile);
  }
  const key = findKey(anchor, options.key, options.publicKey);
  const pool = createSessionPool({
    open: () => lib.C_OpenSession(slot.handle, graphene.SessionFlag.SERIAL_SESSION),
    close: (session) => lib.C_CloseSession(session),
    size: SESSIONS,
    maxWaiting: MAX_WAITING,
  });
  const signOnce = createSign(lib, key.handle, createVerifier(options.publicKey));
  const sign = async (message: Buffer, callerSignal: AbortSignal): Promise<Buffer> => {
    const attempt = () => pool.use((session) => signOnce(session, message), callerSignal);
    try {
      return await attempt();
    } catch (error) {
      if (callerSignal.aborted || isCoded(error)) throw error;
      return attempt();
    }
  };
  await sign(probeMessage(), signal).catch((error: unknown) => {
    if (error instanceof InvalidSignature && !key.compared)
      throw keystoreFault('wrong-account', 'the key in the token does not sign for STELLAR_ACCOUNT', error);
    throw asFault(error);
  });
  return {
    publicKey: options.publicKey,
    audit: undefined,
    sign: (message, callerSignal) =>
      sign(message, callerSignal).catch((error: unknown) => {
        throw callerSignal.aborted || isCoded(error) ? error : asFault(error);
      }),
    async close() {
      await pool.close();
      finalize(lib);
    },
  };
}

const asFault = (error: unknown): Error =>
  isCoded(error) ? error : keystoreFault('keystore-failed', `the token failed: ${messageOf(error)}`, error);

function readPin(file: string): Secret {
  try {
    return readSecretFile(file);
  } catch (cause) {
    throw keystoreFault('pin-missing', messageOf(cause), cause);
  }
}

const pinRefused = (file: string): Error =>
  keystoreFault(
    'pin-refused',
    `the token refused the PIN in ${file}; it is not tried again until the file changes`,
  );

interface PinMemory {
  add(pin: Secret): void;
  has(pin: Secret): boolean;
}

/** Remembers PINs as an HMAC under a key of this process, so that no PIN stays in memory for it. */
function createPinMemory(): PinMemory {
  const key = randomBytes(32);
  const refused = new Set<string>();
  const digest = (pin: Secret): string => createHmac('sha256', key).update(pin.reveal()).digest('hex');
  return { add: (pin) => void refused.add(digest(pin)), has: (pin) => refused.has(digest(pin)) };
}
