import { randomBytes } from 'node:crypto';

/** A number in [0, 1), evenly spread, with 48 random bits of node:crypto: for jitter, where no secret hangs on it. */
export function uniform(): number {
  return randomBytes(6).readUIntBE(0, 6) / 2 ** 48;
}
