import * as z from 'zod';
import { connectorError } from '../errors.ts';
import { parseSlippage, type Slippage } from '../market/quote.ts';
import { CHAIN, CONNECTOR, type Context, decimal, POOLS_CONNECTOR } from './context.ts';

/** Fields and answers that several routes share. */
export const chainNetwork = z.string().max(64);
export const walletAddress = z.string().max(80);
export const assetName = z.string().max(80);
/** `connector` of the routes of books, and of those of pools. */
export const booksConnector = z.literal(CONNECTOR, `this is ${CONNECTOR}`);
export const poolsConnector = z.literal(POOLS_CONNECTOR, `pools are ${POOLS_CONNECTOR}`);
export const tokenSchema = z.strictObject({
  symbol: z.string(),
  address: z.string(),
  decimals: z.literal(7),
  name: z.string(),
});
export const message = z.strictObject({ message: z.string() });

/** What every swap takes, beside its `connector`. */
export const swapFields = {
  chainNetwork,
  baseToken: assetName,
  quoteToken: assetName,
  amount: decimal,
  side: z.enum(['BUY', 'SELL']),
  slippagePct: decimal.optional(),
};

/** Of a position: above 0, at most all. @throws `invalid-params` */
export function readShare(percent: string | number): Slippage {
  const field = 'percentageToRemove';
  const share = parseSlippage(percent, field);
  if (share.numerator > 0n) return share;
  throw connectorError('invalid-params', `${field} must be above 0`, { field });
}

/** An answer of the contract to a change that a ledger has. */
export const changed = <Data extends z.ZodRawShape>(data: Data) =>
  z.strictObject({
    ...{ signature: z.string(), status: z.literal(1) },
    data: z.strictObject({ fee: z.string(), ...data }),
  });

/** Whether `search` stands in one of the texts, capitals or not; without it always. */
export const matches = (search: string | undefined, texts: readonly string[]): boolean =>
  texts.some((text) => text.toLowerCase().includes((search ?? '').toLowerCase()));

/** `stellar/testnet`, as the contract's messages name a list. */
export const listName = ({ network }: Context): string => `${CHAIN}/${network}`;

/** What saving into a list came to, in the contract's words. */
export const savedMessage = (
  what: string,
  list: 'token' | 'pool',
  added: boolean,
  context: Context,
): string =>
  `${what} ${added ? 'has been added to' : 'already exists in'} the ${list} list for ${listName(context)}`;
