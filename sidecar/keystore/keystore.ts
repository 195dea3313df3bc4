import { CodedError } from '../../common/errors.ts';

/**
 * One Ed25519 key behind some backend (a PKCS#11 token; Vault transit is of the same shape). The private key is never
 * in this process.
 */
export interface Keystore {
  /** 32 bytes. */
  readonly publicKey: Buffer;
  /**
   * Pure Ed25519 (RFC 8032) over `message`, verified under `publicKey` before it is returned: 64 bytes.
   * @throws CodedError of `KeystoreFaultCode`, or the signal's reason
   */
  sign(message: Buffer, signal: AbortSignal): Promise<Buffer>;
  /** Waits for signatures under way and gives the backend back. */
  close(): Promise<void>;
}

/**
 * Why a key cannot be used. `FATAL_FAULTS` mean that the wrong or an unsafe key is there: the process ends. All others
 * can pass, so the signer stays up, says so, and tries again.
 */
export type KeystoreFaultCode =
  | 'module-unusable'
  | 'token-missing'
  | 'pin-missing'
  | 'pin-refused'
  | 'key-missing'
  | 'key-ambiguous'
  | 'key-unsafe'
  | 'wrong-account'
  | 'keystore-busy'
  | 'keystore-failed';

export const FATAL_FAULTS = ['key-ambiguous', 'key-unsafe', 'wrong-account'] as const;

export type KeystoreFault = CodedError<KeystoreFaultCode>;

/** The message is shown on /readyz and in logs: names of files, tokens and keys, no PIN and no key material. */
export function keystoreFault(code: KeystoreFaultCode, message: string, cause?: unknown): KeystoreFault {
  return new CodedError(code, message, { cause });
}
