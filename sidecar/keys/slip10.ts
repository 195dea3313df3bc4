import { createHmac, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

const HARDENED = 0x80000000;
/** DER of PKCS#8 for an Ed25519 seed up to the seed itself (RFC 8410, section 7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** SEP-0005: m/44'/148'/index', all hardened. */
export const stellarPath = (index: number): number[] => [44, 148, index];

/**
 * SLIP-0010 for the curve ed25519: the private key (which is the 32-byte seed of RFC 8032) and the chain code at
 * `path`, whose indexes are all hardened, since the curve has no others. The caller overwrites what it gets.
 * @throws RangeError for an index outside 0 to 2^31 − 1
 */
export function deriveKey(masterSeed: Buffer, path: readonly number[]): { key: Buffer; chainCode: Buffer } {
  let node = createHmac('sha512', 'ed25519 seed').update(masterSeed).digest();
  for (const index of path) {
    if (!Number.isInteger(index) || index < 0 || index >= HARDENED) throw new RangeError('no such index');
    const data = Buffer.alloc(37);
    node.copy(data, 1, 0, 32);
    data.writeUInt32BE(HARDENED + index, 33);
    const child = createHmac('sha512', node.subarray(32)).update(data).digest();
    data.fill(0);
    node.fill(0);
    node = child;
  }
  return { key: node.subarray(0, 32), chainCode: node.subarray(32) };
}

/** PKCS#8 of a seed, DER. The caller overwrites it. */
export const pkcs8 = (seed: Buffer): Buffer => Buffer.concat([PKCS8_PREFIX, seed]);

/** The public key (32 bytes) of a seed. */
export function publicKeyOf(seed: Buffer): Buffer {
  const der = pkcs8(seed);
  try {
    return rawPublicKeyOf(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
  } finally {
    der.fill(0);
  }
}

/** The public key (32 bytes) of a private key that node:crypto holds. */
export const rawPublicKeyOf = (key: KeyObject): Buffer =>
  createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32);
