import type pkcs11js from 'pkcs11js';
import type { Verifier } from '../ed25519.ts';
import { type KeystoreFault, keystoreFault } from '../keystore.ts';

const SIGNATURE_BYTES = 64;

/** The token returned something that is not the key's signature over the message. */
export class InvalidSignature extends Error {}

export interface SigningKey {
  handle: Buffer;
  verify: Verifier;
}

export interface SignOptions {
  mechanism: pkcs11js.Mechanism;
  /** Milliseconds after which a C_Sign that has not returned counts as hung. */
  hangMs: number;
  /** Called then, whoever still waits for the signature. */
  onHang(fault: KeystoreFault): void;
}

/**
 * One signature in one session: C_SignInit, C_Sign on a libuv thread, verification.
 *
 * The native worker of pkcs11js keeps no reference to its buffers (pkcs11js issue 121): input that the collector takes
 * meanwhile gives a signature over other bytes. graphene's callback form copies into Node's buffer pool and cannot be
 * used safely at all. So the buffers are our own, not of the pool, held here until the call has ended; and nothing is
 * returned that does not verify.
 *
 * A call that hangs cannot be cancelled and keeps its thread. Its promise never settles, so that nobody closes the
 * session under it; `onHang` has to end the process.
 */
export function createSign(
  lib: Pick<pkcs11js.PKCS11, 'C_SignInit' | 'C_SignAsync'>,
  { mechanism, hangMs, onHang }: SignOptions,
): (session: Buffer, key: SigningKey, message: Buffer) => Promise<Buffer> {
  const held = new Set<Buffer>();
  return async (session, key, message) => {
    const input = Buffer.alloc(message.length);
    message.copy(input);
    const output = Buffer.alloc(SIGNATURE_BYTES);
    held.add(input).add(output);
    let turn: NodeJS.Immediate | undefined;
    const timer = setTimeout(() => {
      // After a call that blocked the event loop, timers come before results: let those that are there be taken first.
      turn = setImmediate(() =>
        onHang(keystoreFault('keystore-hung', `C_Sign has not returned for ${hangMs / 1000} s`)),
      );
    }, hangMs);
    try {
      lib.C_SignInit(session, mechanism, key.handle);
      const signature = Buffer.from(await lib.C_SignAsync(session, input, output));
      if (!key.verify(message, signature)) throw new InvalidSignature('the signature does not verify');
      return signature;
    } finally {
      clearTimeout(timer);
      clearImmediate(turn);
      held.delete(input);
      held.delete(output);
    }
  };
}
