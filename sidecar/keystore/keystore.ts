import { CodedError } from '../../common/errors.ts';

/** One Ed25519 key whose private half is in no process of ours. */
export interface Key {
  /** 32 bytes. */
  readonly publicKey: Buffer;
  /**
   * Pure Ed25519 (RFC 8032) over `message`, verified under `publicKey` before it is returned: 64 bytes.
   * @throws CodedError of `KeystoreFaultCode`, or the signal's reason
   */
  sign(message: Buffer, signal: AbortSignal): Promise<Buffer>;
}

/** The account's key behind some backend: a PKCS#11 token or Vault transit. */
export interface Keystore extends Key {
  /** The second key of the same token or mount, which signs the journal's checkpoints; undefined when none is configured. */
  readonly audit: Key | undefined;
  /** Resolves with the reason when the backend cannot go on, whether or not anybody waits for a signature. */
  readonly failed?: Promise<KeystoreFault>;
  /** Waits for signatures under way and gives the backend back. */
  close(): Promise<void>;
}

/**
 * Why a key cannot be used. `FATAL_FAULTS` mean that the wrong or an unsafe key is there, or that a call into the token's
 * library never returned: the process ends. All others can pass, so the signer stays up, says so, and tries again.
 */
export const KEYSTORE_FAULT_CODES = [
  'module-unusable',
  'token-missing',
  'pin-missing',
  'pin-refused',
  /** The record of refused PINs cannot be read or written: no PIN is tried. */
  'pin-memory-unusable',
  'key-missing',
  'key-ambiguous',
  'key-unsafe',
  'wrong-account',
  'keystore-busy',
  'keystore-failed',
  /** The token works and refused this signature: trying again, or opening anew, would change nothing. */
  'keystore-refused',
  /** PKCS#11: a call has not returned. `process.exit` waits for its thread: only SIGKILL ends the process. */
  'keystore-hung',
  /** Vault: nothing answers at the address, or not in time, or not with TLS that is trusted. */
  'vault-unreachable',
  'vault-sealed',
  /** Vault answered 429. */
  'vault-throttled',
  /** Vault answered 403 also after a fresh login. */
  'vault-denied',
  /** The file of the login (projected token, secret id, token) is absent or empty. */
  'login-missing',
  'login-refused',
] as const;
export type KeystoreFaultCode = (typeof KEYSTORE_FAULT_CODES)[number];

export const FATAL_FAULTS = ['key-ambiguous', 'key-unsafe', 'wrong-account', 'keystore-hung'] as const;

/**
 * Faults of a signature that the next one would meet too: the backend is closed, opened anew when it can be, and until then
 * signatures fail at once. Neither a busy nor a throttling backend is helped by being opened anew.
 */
export const BREAKING_FAULTS = [
  'keystore-failed',
  'key-missing',
  'vault-unreachable',
  'vault-sealed',
  'vault-denied',
  'login-missing',
  'login-refused',
] as const;

export type KeystoreFault = CodedError<KeystoreFaultCode>;

/** The message is shown on /readyz and in logs: names of files, tokens and keys, no PIN and no key material. */
export function keystoreFault(code: KeystoreFaultCode, message: string, cause?: unknown): KeystoreFault {
  return new CodedError(code, message, { cause });
}
