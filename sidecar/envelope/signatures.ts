import type { DecodedEnvelope } from '../envelope.ts';
import type { Verifier } from '../keystore/ed25519.ts';

/**
 * An envelope may come with signatures only if they are ours: of another network or body they do not verify. The transaction
 * inside a bump must come with ours, since what is released is the bump as it came.
 * @returns the field of the first one that is not ours or is missing
 */
export function foreignSignature(decoded: DecodedEnvelope, verify: Verifier): string | undefined {
  const { signatures, innerSignatures, feeBump, hash } = decoded;
  const index = signatures.findIndex(({ signature }) => !verify(hash, signature));
  if (index >= 0) return `signatures[${index}]`;
  if (feeBump === undefined) return undefined;
  if (innerSignatures.length === 0) return 'innerTx.signatures';
  const inner = Buffer.from(feeBump.innerHash, 'hex');
  const foreign = innerSignatures.findIndex(({ signature }) => !verify(inner, signature));
  return foreign >= 0 ? `innerTx.signatures[${foreign}]` : undefined;
}
