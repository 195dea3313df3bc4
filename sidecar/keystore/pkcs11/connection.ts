import graphene from 'graphene-pk11';
import type pkcs11js from 'pkcs11js';
import { readSecretFile } from '../../../common/config.ts';
import { isCoded, messageOf } from '../../../common/errors.ts';
import type { Secret } from '../../../common/secret.ts';
import { createVerifier } from '../ed25519.ts';
import { type KeystoreFault, keystoreFault } from '../keystore.ts';
import { probeMessage } from '../probe.ts';
import { type FoundKey, findKey, type KeyName } from './key.ts';
import { codeOf, nextRung } from './ladder.ts';
import type { PinMemory } from './pin-memory.ts';
import { createSessionPool } from './sessions.ts';
import { createSign, InvalidSignature, type SigningKey } from './sign.ts';
import { finalize, findSlot, initialize, login, type TokenName } from './token.ts';
import { type MechanismParameter, parameterBytes, sessionCount, type Vendor } from './vendors.ts';

export type Role = 'trading' | 'audit';

/** One C_Initialize with its login, its sessions and the handles of its keys; of no use after `close`. */
export interface Connection {
  /** The audit key's public half, read from the token; undefined when none is configured. */
  readonly auditKey: Buffer | undefined;
  /** One attempt, verified. @throws PoolClosed, InvalidSignature, the signal's reason, or an error of the binding */
  sign(role: Role, message: Buffer, signal: AbortSignal): Promise<Buffer>;
  /** Lets no session that stands idle be used again. */
  freshen(): void;
  /** Waits for signatures under way, then C_Finalize: sessions, login and handles end with it. */
  close(): Promise<void>;
}

export interface ConnectionOptions {
  token: TokenName;
  key: KeyName;
  auditKey?: KeyName;
  pinFile: string;
  /** The pinned account's, 32 bytes. */
  publicKey: Buffer;
  vendor: Vendor;
  parameter: MechanismParameter;
  sessions?: number;
  hangMs: number;
  onHang(fault: KeystoreFault): void;
}

/**
 * Everything from C_Initialize to a verified probe signature of each key. It is the only place that initializes; on
 * failure it finalizes again.
 * @throws KeystoreFault, or the signal's reason
 */
export async function connect(
  lib: pkcs11js.PKCS11,
  options: ConnectionOptions,
  pins: PinMemory,
  signal: AbortSignal,
): Promise<Connection> {
  const pin = readPin(options.pinFile);
  try {
    if (pins.has(pin)) throw pinRefused(options.pinFile, pins);
    initialize(lib);
    try {
      return await connectInitialized(lib, options, pin, pins, signal);
    } catch (error) {
      finalize(lib);
      throw signal.aborted ? error : asFault(error);
    }
  } finally {
    pin.erase();
  }
}

async function connectInitialized(
  lib: pkcs11js.PKCS11,
  options: ConnectionOptions,
  pin: Secret,
  pins: PinMemory,
  signal: AbortSignal,
): Promise<Connection> {
  const slot = findSlot(lib, options.token);
  // The anchor: a login ends with the last session of the process, and key handles with it.
  const anchor = slot.open(graphene.SessionFlag.SERIAL_SESSION);
  if (!pins.guard(pin, () => login(anchor, pin))) throw pinRefused(options.pinFile, pins);
  const trading = findKey(anchor, options.key, 'key', options.vendor);
  if (trading.publicKey?.equals(options.publicKey) === false)
    throw keystoreFault('wrong-account', 'the public key in the token is not that of STELLAR_ACCOUNT');
  const keys: Partial<Record<Role, SigningKey>> = {
    trading: { handle: trading.handle, verify: createVerifier(options.publicKey) },
  };
  const audit = findAuditKey(anchor, options, trading);
  if (audit !== undefined) keys.audit = { handle: audit.handle, verify: createVerifier(audit.publicKey) };

  const { vendor } = options;
  const parameter = parameterBytes(options.parameter);
  const signOnce = createSign(lib, {
    mechanism: {
      mechanism: firstListed(lib, slot.handle, vendor.mechanisms),
      ...(parameter === undefined ? {} : { parameter }),
    },
    hangMs: options.hangMs,
    onHang: options.onHang,
  });
  const pool = createSessionPool({
    open: () => lib.C_OpenSession(slot.handle, graphene.SessionFlag.SERIAL_SESSION),
    close: (session) => lib.C_CloseSession(session),
    size: sessionCount(options.sessions, vendor.maxSessions, process.env.UV_THREADPOOL_SIZE),
  });
  const connection: Connection = {
    auditKey: audit?.publicKey,
    sign: (role, message, callerSignal) =>
      pool.use((session) => signOnce(session, keys[role]!, message), callerSignal),
    freshen: pool.freshen,
    async close() {
      await pool.close();
      finalize(lib);
    },
  };
  for (const role of Object.keys(keys) as Role[])
    await connection.sign(role, probeMessage(), signal).catch(async (error: unknown) => {
      // After an abort the call is still in the library, which must not be finalized under it.
      await pool.close();
      // What the token showed was compared; where it shows nothing, only this tells.
      if (error instanceof InvalidSignature && role === 'trading' && trading.publicKey === undefined)
        throw keystoreFault('wrong-account', 'the key in the token does not sign for STELLAR_ACCOUNT', error);
      throw error;
    });
  return connection;
}

function findAuditKey(
  anchor: graphene.Session,
  { auditKey, publicKey, vendor }: ConnectionOptions,
  trading: FoundKey,
): { handle: Buffer; publicKey: Buffer } | undefined {
  if (auditKey === undefined) return undefined;
  const found = findKey(anchor, auditKey, 'audit key', vendor);
  if (found.handle.equals(trading.handle) || found.publicKey?.equals(publicKey) === true)
    throw keystoreFault(
      'key-unsafe',
      'the audit key is refused: it is the trading key, a second one is needed',
    );
  if (found.publicKey === undefined)
    throw keystoreFault(
      'key-missing',
      'the audit key’s public half is missing: the token shows no CKA_EC_POINT under its name',
    );
  return { handle: found.handle, publicKey: found.publicKey };
}

/** The first of several numbers of one mechanism that the token lists. One needs no list: its use tells. */
function firstListed(lib: pkcs11js.PKCS11, slot: Buffer, mechanisms: readonly number[]): number {
  const [standard] = mechanisms;
  if (mechanisms.length === 1) return standard!;
  const listed = lib.C_GetMechanismList(slot);
  return mechanisms.find((mechanism) => listed.includes(mechanism)) ?? standard!;
}

/** What went wrong with the token, as a fault: `keystore-refused` when trying again would change nothing. */
export function asFault(error: unknown): Error {
  if (isCoded(error)) return error;
  const refused = nextRung(codeOf(error), 0).rung === 'refuse';
  return keystoreFault(
    refused ? 'keystore-refused' : 'keystore-failed',
    `the token ${refused ? 'refused' : 'failed'}: ${messageOf(error)}`,
    error,
  );
}

function readPin(file: string): Secret {
  try {
    return readSecretFile(file);
  } catch (cause) {
    throw keystoreFault('pin-missing', messageOf(cause), cause);
  }
}

const pinRefused = (file: string, { file: memory }: PinMemory): Error =>
  keystoreFault(
    'pin-refused',
    `the token refused the PIN in ${file}; it is not tried again until that file holds another` +
      (memory === undefined
        ? ''
        : `, or ${memory} is removed (when the PIN was right and is unlocked again)`),
  );
