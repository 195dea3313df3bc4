import * as z from 'zod';
import { connectorError } from '../errors.ts';
import { CHAIN, type Context } from './context.ts';

/** Named only so that a key sent by mistake gets the words for it, unread. */
const privateKey = z.unknown().optional().describe('Refused: this connector takes no keys');

export const walletBody = z.strictObject({
  chain: z.literal(CHAIN),
  /** Optional here, so that a call with a key is refused as that, whatever else is missing. */
  address: z.string().max(80).optional(),
  setDefault: z.boolean().optional(),
  privateKey,
});

/** @throws `keys-refused` for a call with a key, and for every account but the signer's */
export function requireSigner(
  body: { address?: string | undefined; privateKey?: unknown },
  { file }: Context,
): void {
  if (body.privateKey === undefined) {
    if (body.address === file.account) return;
    if (body.address === undefined) throw connectorError('invalid-params', 'address: is required');
  }
  throw connectorError(
    'keys-refused',
    `This connector takes no keys and trades for the account of its signer only, ${file.account}. ` +
      'If you sent a private key, treat it as exposed.',
  );
}
