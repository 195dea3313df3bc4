/** How a token writes CKA_EC_POINT: PKCS#11 3.x texts and vendors differ. `Auto` tells the forms apart by their length. */
export type PointEncoding = 'Auto' | 'Raw' | 'DerOctetString' | 'BitString';

/** What goes with CKM_EDDSA; each of them means pure Ed25519 (PKCS#11 3.1, section 6.3.17). */
export type MechanismParameter = 'None' | 'Empty' | 'EddsaParams';

/** What differs between PKCS#11 libraries. Where each value comes from: docs/signer/pkcs11.md. */
export interface Vendor {
  pointEncoding: PointEncoding;
  /** CKM_EDDSA by number; with more than one, the first that the token lists is used. */
  mechanisms: readonly number[];
  parameter: MechanismParameter;
  /** Values of CKA_KEY_TYPE that mean a key on an Edwards curve. */
  keyTypes: readonly number[];
  /** CKM_EC_EDWARDS_KEY_PAIR_GEN by number, as above, and CKA_EC_PARAMS for it. */
  keyPairMechanisms: readonly number[];
  ecParams: Buffer;
  /** The most sessions that one process should open. */
  maxSessions: number;
  /** Attributes that this library reports as true of every key, although it has no function to use them. */
  alwaysTrue: readonly string[];
}

/** CKM_EDDSA, CKM_EC_EDWARDS_KEY_PAIR_GEN and CKK_EC_EDWARDS of PKCS#11 3.0; neither binding names them. */
const CKM_EDDSA = 0x1057;
const CKM_EC_EDWARDS_KEY_PAIR_GEN = 0x1055;
const CKK_EC_EDWARDS = 0x40;

/** The two forms of CKA_EC_PARAMS for Ed25519: DER of the OID 1.3.101.112, and of the PrintableString `edwards25519`. */
export const ED25519_OID = Buffer.from('06032b6570', 'hex');
export const ED25519_NAME = Buffer.from('130c656477617264733235353139', 'hex');

const STANDARD: Vendor = {
  pointEncoding: 'Auto',
  mechanisms: [CKM_EDDSA],
  parameter: 'None',
  keyTypes: [CKK_EC_EDWARDS],
  keyPairMechanisms: [CKM_EC_EDWARDS_KEY_PAIR_GEN],
  ecParams: ED25519_OID,
  maxSessions: 1024,
  alwaysTrue: [],
};

export const VENDORS = {
  generic: STANDARD,
  softhsm: { ...STANDARD, pointEncoding: 'DerOctetString' },
  // The device has 16 sessions of its own for all its clients.
  yubihsm2: { ...STANDARD, pointEncoding: 'DerOctetString', maxSessions: 16 },
  // Clients older than PKCS#11 3.0 have numbers of Thales' own.
  luna: {
    ...STANDARD,
    mechanisms: [CKM_EDDSA, 0x80000c03],
    keyTypes: [CKK_EC_EDWARDS, 0x80000012],
    keyPairMechanisms: [CKM_EC_EDWARDS_KEY_PAIR_GEN, 0x80000c01],
  },
  // Its PKCS#11 library lists no EdDSA mechanism: the standard numbers, for the day it does.
  cloudhsm: STANDARD,
  // CKA_DERIVE is written into the module for every elliptic key; C_DeriveKey is not there.
  nethsm: { ...STANDARD, pointEncoding: 'DerOctetString', alwaysTrue: ['CKA_DERIVE'] },
} as const satisfies Record<string, Vendor>;

export type VendorName = keyof typeof VENDORS;

/** sizeof(CK_EDDSA_PARAMS) on 64-bit Linux. All zero: not prehashed, no context, which is pure Ed25519. */
const EDDSA_PARAMS_BYTES = 24;

/** The mechanism's parameter as the binding takes it. */
export function parameterBytes(parameter: MechanismParameter): Buffer | undefined {
  if (parameter === 'None') return undefined;
  return Buffer.alloc(parameter === 'Empty' ? 0 : EDDSA_PARAMS_BYTES);
}

const DEFAULT_SESSIONS = 8;
/** What libuv takes when `UV_THREADPOOL_SIZE` is not set. */
const DEFAULT_THREADS = 4;

/** Left to the journal's writes, and to names and files, where nobody says how many sessions there should be. */
const OTHER_THREADS = 2;

/**
 * How many sessions sign at once: what was asked for, at most the vendor's limit and at most the threads of libuv's pool.
 * Each signature waits in one of them, so a session more would only stand idle.
 */
export function sessionCount(
  asked: number | undefined,
  maxSessions: number,
  threadPoolSize: string | undefined,
): number {
  const threads = threadPoolSize === undefined ? DEFAULT_THREADS : Number.parseInt(threadPoolSize, 10) || 1;
  const wanted = asked ?? Math.min(DEFAULT_SESSIONS, threads - OTHER_THREADS);
  return Math.max(1, Math.min(wanted, maxSessions, threads));
}
