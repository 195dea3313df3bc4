import * as z from 'zod';
import { CHAIN, type Context } from './context.ts';

/** Fields and answers that several routes share. */
export const chainNetwork = z.string().max(64);
export const assetName = z.string().max(80);
export const tokenSchema = z.strictObject({
  symbol: z.string(),
  address: z.string(),
  decimals: z.literal(7),
  name: z.string(),
});
export const message = z.strictObject({ message: z.string() });

/** `stellar/testnet`, as the contract's messages name a list. */
export const listName = ({ network }: Context): string => `${CHAIN}/${network}`;
