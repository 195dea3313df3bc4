/** Account addresses by their checksum (SEP-23). The operator may not depend on the Stellar SDK, and needs only this. */

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Version byte of an account's public key. */
const publicKey = 6 << 3;

/** Whether `address` (56 characters, by the CRD's rule) is an account: version byte and checksum are right. */
export function isAccount(address: string): boolean {
  const bytes: number[] = [];
  let [bits, value] = [0, 0];
  for (const character of address) {
    value = ((value << 5) | alphabet.indexOf(character)) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((value >> bits) & 255);
    }
  }
  const [low = 0, high = 0] = bytes.slice(33);
  return bytes.length === 35 && bytes[0] === publicKey && crc16(bytes.slice(0, 33)) === ((high << 8) | low);
}

/** CRC-16/XMODEM. */
function crc16(bytes: readonly number[]): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc;
}
