import type pkcs11js from 'pkcs11js';
import type { Verifier } from '../ed25519.ts';

/** CKM_EDDSA of PKCS#11 3.0, section 6.3.13; without a parameter it is pure Ed25519. Neither binding names it. */
const CKM_EDDSA = 0x1057;
const SIGNATURE_BYTES = 64;

/** The token returned something that is not the key's signature over the message. */
export class InvalidSignature extends Error {}

/**
 * One signature in one session: C_SignInit, C_Sign on a libuv thread, verification.
 *
 * The native worker of pkcs11js keeps no reference to its buffers (pkcs11js issue 121): input that the collector takes
 * meanwhile gives a signature over other bytes. graphene's callback form copies into Node's buffer pool and cannot be
 * used safely at all. So the buffers are our own, not of the pool, held here until the call has ended; and nothing is
 * returned that does not verify.
 */
export function createSign(
  lib: Pick<pkcs11js.PKCS11, 'C_SignInit' | 'C_SignAsync'>,
  key: Buffer,
  verify: Verifier,
): (session: Buffer, message: Buffer) => Promise<Buffer> {
  const held = new Set<Buffer>();
  return async (session, message) => {
    const input = Buffer.alloc(message.length);
    message.copy(input);
    const output = Buffer.alloc(SIGNATURE_BYTES);
    held.add(input).add(output);
    try {
      lib.C_SignInit(session, { mechanism: CKM_EDDSA }, key);
      const signature = Buffer.from(await lib.C_SignAsync(session, input, output));
      if (!verify(message, signature)) throw new InvalidSignature('the signature does not verify');
      return signature;
    } finally {
      held.delete(input);
      held.delete(output);
    }
  };
}
