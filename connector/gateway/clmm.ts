import * as z from 'zod';
import { connectorError } from '../errors.ts';
import { formatAmount, MAX_STROOPS, parseDecimal, STROOPS_PER_UNIT } from '../market/amount.ts';
import type { Market } from '../market/asset.ts';
import { formatPrice, type Price } from '../market/quote.ts';
import type { LocalBook } from '../market/types.ts';
import { MAX_LEVELS } from '../orders/positions.ts';
import { isFresh, lastPrice, middle } from '../orders/safety.ts';
import type { Position, PositionChange } from '../orders/types.ts';
import { type Context, decimal } from './context.ts';
import { booksConnector, chainNetwork, swapFields, walletAddress } from './fields.ts';
import { marketAddress } from './lists/pools.ts';
import { listedMarket, readSwap, type Swap } from './swap-request.ts';

/** Fields that the routes of ladders share. */
export const clmmFields = { connector: booksConnector, chainNetwork };
export const poolAddress = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'must be the address of a market, 64 lower-case hex digits');
export const positionAddress = z
  .string()
  .regex(/^[0-9a-f]{1,64}$/, 'must be the address of a position, lower-case hex digits');
const levels = z
  .union([
    z.int(),
    z
      .string()
      .regex(/^\d{1,3}$/)
      .transform(Number),
  ])
  .refine((count) => count >= 1 && count <= MAX_LEVELS, `must be 1 to ${MAX_LEVELS}`);
/** Fields of a call to a position that stands. */
export const onPosition = { ...clmmFields, positionAddress, walletAddress };
export const ranged = {
  poolAddress,
  lowerPrice: decimal,
  upperPrice: decimal,
  baseTokenAmount: decimal.optional(),
  quoteTokenAmount: decimal.optional(),
  /** Of the contract; offers stand at their own price, so that nothing slips. */
  slippagePct: decimal.optional(),
  /** Offers a side. */
  levels: levels.optional(),
};
/** Stroops; the base reserve of every Stellar network, which its validators could change. */
const USUAL_RESERVE = 5_000_000n;
/** Offers a side, when the client does not say. */
const DEFAULT_LEVELS = 5;

/** The listed market of an address. @throws `not-found` */
export function marketAt(address: string, { market }: Context): Market {
  const found = market.markets.find((listed) => marketAddress(listed) === address);
  if (found !== undefined) return found;
  throw connectorError('not-found', 'Pool not found: no listed market has this address', {
    field: 'poolAddress',
  });
}

/** A book that may be shown as the market, and its middle. @throws `ledger-stale`, `no-route-found` when nobody knows a price */
export function readMarket(of: Market, { market, now, file }: Context): { book: LocalBook; price: Price } {
  const book = market.book(of);
  if (!isFresh(book, now(), file.trading.staleSeconds * 1000)) {
    throw connectorError('ledger-stale', 'the book of this market is not known well enough now');
  }
  const price = middle(book, lastPrice(market, of));
  if (price === undefined)
    throw connectorError('no-route-found', 'the market has no offers and no trades yet');
  return { book, price };
}

/** A price above zero, exactly. @throws `invalid-params` */
function parsePrice(value: string | number, field: string): Price {
  const { digits, scale } = parseDecimal(String(value), field);
  if (digits === 0n) throw connectorError('invalid-params', `${field} must be above zero`, { field });
  return { numerator: digits, denominator: 10n ** BigInt(scale) };
}

type Given = string | number | undefined;

/** Stroops; absent and zero are none. @throws `invalid-params` above int64 */
function parseOptional(value: Given, field: string): bigint {
  const { digits, scale } = parseDecimal(String(value ?? 0), field);
  const stroops = (digits * STROOPS_PER_UNIT) / 10n ** BigInt(scale);
  if (stroops <= MAX_STROOPS) return stroops;
  throw connectorError('invalid-params', `${field} is above the largest amount`, { field });
}

/** The sides of a ladder, stroops. */
export const readSides = (fields: { baseTokenAmount?: Given; quoteTokenAmount?: Given }) => ({
  base: parseOptional(fields.baseTokenAmount, 'baseTokenAmount'),
  quote: parseOptional(fields.quoteTokenAmount, 'quoteTokenAmount'),
});

/** The ladder that is asked for. @throws `invalid-params` */
export const readRange = (fields: z.infer<z.ZodObject<typeof ranged>>) => ({
  lower: parsePrice(fields.lowerPrice, 'lowerPrice'),
  upper: parsePrice(fields.upperPrice, 'upperPrice'),
  ...readSides(fields),
  levels: fields.levels ?? DEFAULT_LEVELS,
});

/** @throws `not-found` with the words that the client takes for "gone" */
export function positionAt(address: string, { orders }: Context): Position {
  const position = orders.position(address);
  if (position !== undefined) return position;
  throw connectorError('not-found', `Position not found: ${address}`, { field: 'positionAddress' });
}

const text = z.string();
export const positionSchema = z.strictObject({
  ...{ address: text, poolAddress: text, baseTokenAddress: text, quoteTokenAddress: text },
  ...{ baseTokenAmount: text, quoteTokenAmount: text, baseFeeAmount: text, quoteFeeAmount: text },
  ...{ lowerBinId: z.int(), upperBinId: z.int(), lowerPrice: text, upperPrice: text, price: text },
});

/**
 * A ladder as the contract's position. Bins are its levels, 0 the lowest. Fees are zero: a maker on the order book earns by
 * its price, which is in the amounts.
 */
export function showPosition(position: Position, context: Context): z.infer<typeof positionSchema> {
  const { address, market, lower, upper, base, quote, levels } = position;
  return {
    ...{ address, poolAddress: marketAddress(market) },
    ...{ baseTokenAddress: market.base, quoteTokenAddress: market.quote },
    ...{ baseTokenAmount: formatAmount(base), quoteTokenAmount: formatAmount(quote) },
    ...{ baseFeeAmount: formatAmount(0n), quoteFeeAmount: formatAmount(0n) },
    ...{ lowerBinId: 0, upperBinId: 2 * levels - 1 },
    ...{ lowerPrice: formatPrice(lower), upperPrice: formatPrice(upper) },
    price: formatPrice(readMarket(market, context).price),
  };
}

/**
 * What the offers of a ladder keep of the reserve while they stand, stroops: free again once they are gone. Told of a change
 * that a ledger has, so that it never fails: the client would take the change for failed.
 */
export async function reserveOf(
  { position }: PositionChange,
  context: Context,
  signal: AbortSignal,
): Promise<bigint> {
  const head = await context.ledger.head(signal).catch(() => undefined);
  return BigInt(position.orders.length) * (head?.baseReserve ?? USUAL_RESERVE);
}

/** Fields of a swap that names a market. */
export const clmmSwapFields = {
  ...swapFields,
  connector: booksConnector.optional(),
  poolAddress: poolAddress.optional(),
};

/**
 * A swap of the assets of a listed market, either way round.
 * @throws `invalid-params`, also when the address is of another market
 */
export function readClmmSwap(
  fields: z.infer<z.ZodObject<typeof clmmSwapFields>>,
  context: Context,
): Swap & { poolAddress: string } {
  const swap = readSwap(fields, context);
  const listed = listedMarket(swap.request.base, swap.request.quote, context);
  if (listed === undefined) {
    throw connectorError('no-route-found', 'baseToken and quoteToken are no listed market');
  }
  const address = marketAddress(listed);
  if (fields.poolAddress !== undefined && fields.poolAddress !== address) {
    const message = 'poolAddress is not the market of baseToken and quoteToken';
    throw connectorError('invalid-params', message, { field: 'poolAddress' });
  }
  return { ...swap, poolAddress: address };
}
