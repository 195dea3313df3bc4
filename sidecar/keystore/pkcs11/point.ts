import type { PointEncoding } from './vendors.ts';

/** What stands before the 32 bytes: nothing, tag and length, or tag, length and the number of unused bits. */
const PREFIXES = {
  Raw: Buffer.alloc(0),
  DerOctetString: Buffer.from('0420', 'hex'),
  BitString: Buffer.from('032100', 'hex'),
};

/**
 * The raw public key (32 bytes) of CKA_EC_POINT in the given encoding.
 * @returns undefined for anything else
 */
export function rawPublicKey(point: Buffer, encoding: PointEncoding = 'Auto'): Buffer | undefined {
  const prefixes = encoding === 'Auto' ? Object.values(PREFIXES) : [PREFIXES[encoding]];
  const found = prefixes.find(
    (prefix) => point.length === prefix.length + 32 && point.subarray(0, prefix.length).equals(prefix),
  );
  return found === undefined ? undefined : point.subarray(found.length);
}
