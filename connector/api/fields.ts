import * as z from 'zod';
import { connectorError } from '../errors.ts';
import type { Context } from '../gateway/context.ts';
import { MAX_STROOPS, parseAmount, parseDecimal } from '../market/amount.ts';
import { type Market, resolveAsset, type Token } from '../market/asset.ts';
import type { Price } from '../market/quote.ts';
import { ID } from './route.ts';

export const text = z.string();
export const marketName = z.string().min(3).max(161);
export const clientOrderId = z.string().regex(ID, 'must be 1 to 64 of A-Z a-z 0-9 _ -');
/** Units of an asset: the ledger keeps seven decimals, so more are refused, not cut. */
export const amountText = z
  .string()
  .regex(/^\d{1,12}(\.\d{1,7})?$/, 'must be decimal text with at most 7 decimals');
const int32 = z.int().min(1).max(2_147_483_647);
/** Quote per base: decimal text, or the ledger's own fraction. */
export const priceField = z.union([
  z.string().regex(/^\d{1,12}(\.\d{1,16})?$/, 'must be decimal text or a fraction {n, d}'),
  z.strictObject({ n: int32, d: int32 }),
]);
export const side = z.enum(['BUY', 'SELL']);

/** A number of the query string. */
export const limit = (most: number, usual: number) =>
  z
    .string()
    .regex(/^\d{1,4}$/, `must be 1 to ${most}`)
    .default(String(usual))
    .transform(Number)
    .refine((value) => value >= 1 && value <= most, `must be 1 to ${most}`);

/** @throws `invalid-params` for zero and what int64 cannot hold */
export function readAmount(value: string, field: string): bigint {
  return parseAmount(value, field);
}

/** Exact, whatever its form. @throws `invalid-params` for zero */
export function readPrice(value: z.infer<typeof priceField>, field: string): Price {
  if (typeof value !== 'string') return { numerator: BigInt(value.n), denominator: BigInt(value.d) };
  const { digits, scale } = parseDecimal(value, field);
  if (digits > 0n && digits <= MAX_STROOPS * 10n ** 16n)
    return { numerator: digits, denominator: 10n ** BigInt(scale) };
  throw connectorError('invalid-params', `${field} must be above zero`, { field });
}

/** `BASE-QUOTE` by the symbols of the token list; `CODE:ISSUER` where a symbol would not be unique. */
export function nameMarket({ base, quote }: Market, tokens: readonly Token[]): string {
  const symbol = (asset: string): string => tokens.find(({ address }) => address === asset)?.symbol ?? asset;
  return `${symbol(base)}-${symbol(quote)}`;
}

/** The listed market of that name. @throws `not-found`, `invalid-params` */
export function readMarket(name: string, { market, tokens }: Pick<Context, 'market' | 'tokens'>): Market {
  const [base, quote, ...more] = name.split('-');
  if (base === undefined || quote === undefined || more.length > 0) {
    throw connectorError('invalid-params', 'market must be BASE-QUOTE', { field: 'market' });
  }
  const [b, q] = [resolveAsset(base, tokens, 'market'), resolveAsset(quote, tokens, 'market')];
  const found = market.markets.find((one) => one.base === b && one.quote === q);
  if (found !== undefined) return found;
  const names = market.markets.map((one) => nameMarket(one, tokens)).join(', ');
  throw connectorError('not-found', `market: this connector trades ${names}`, { field: 'market' });
}

export const optionalMarket = (name: string | undefined, context: Context): Market | undefined =>
  name === undefined ? undefined : readMarket(name, context);
