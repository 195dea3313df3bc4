import type { DecodedEnvelope, DecoratedSignature } from '../envelope.ts';
import type { Verifier } from '../keystore/ed25519.ts';

/**
 * An envelope may come with our one signature or with none: of another network or body it does not verify, and a second copy
 * would void the transaction (txBAD_AUTH_EXTRA). The transaction inside a bump must come with it, since what is released is
 * the bump as it came.
 * @returns the field of what is foreign, too much or missing
 */
export function foreignSignature(decoded: DecodedEnvelope, verify: Verifier): string | undefined {
  const { signatures, innerSignatures, feeBump, hash } = decoded;
  const foreign = (list: readonly DecoratedSignature[], over: Buffer): number =>
    list.findIndex(({ signature }, i) => i > 0 || !verify(over, signature));
  const index = foreign(signatures, hash);
  if (index >= 0) return `signatures[${index}]`;
  if (feeBump === undefined) return undefined;
  if (innerSignatures.length === 0) return 'innerTx.signatures';
  const inner = foreign(innerSignatures, Buffer.from(feeBump.innerHash, 'hex'));
  return inner >= 0 ? `innerTx.signatures[${inner}]` : undefined;
}
