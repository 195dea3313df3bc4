/**
 * The raw public key (32 bytes) of CKA_EC_POINT. PKCS#11 3.x texts and vendors differ: the bytes alone (32), a DER
 * OCTET STRING (34: `04 20` first) or a DER BIT STRING (35: `03 21 00` first).
 * @returns undefined for anything else
 */
export function rawPublicKey(point: Buffer): Buffer | undefined {
  if (point.length === 32) return point;
  if (point.length === 34 && point[0] === 0x04 && point[1] === 0x20) return point.subarray(2);
  if (point.length === 35 && point[0] === 0x03 && point[1] === 0x21 && point[2] === 0x00)
    return point.subarray(3);
  return undefined;
}
