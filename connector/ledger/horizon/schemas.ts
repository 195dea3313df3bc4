import * as z from 'zod';
import { MAX_STROOPS } from '../../market/amount.ts';
import type { AccountState, Balance, PoolShares } from '../../market/balance.ts';
import type { BookLevel, LedgerTrade, OfferEntry, PoolEntry } from '../types.ts';
import * as f from './fields.ts';
import type { HorizonHead, HorizonRoot } from './types.ts';

/* Horizon's answers, as far as they are used. Fields that are not used are not looked at: Horizon adds some. */

export const root = z
  .object({
    network_passphrase: z.string().max(200),
    history_latest_ledger: f.ledger,
    history_latest_ledger_closed_at: f.time,
    history_elder_ledger: f.ledger,
  })
  .transform(
    (entry): HorizonRoot => ({
      networkPassphrase: entry.network_passphrase,
      historyLatest: entry.history_latest_ledger,
      historyClosedAt: entry.history_latest_ledger_closed_at,
      historyElder: entry.history_elder_ledger,
    }),
  );

const stroops = z.int().min(1).max(0xffff_ffff).transform(BigInt);

export const head = z
  .object({
    sequence: f.ledger,
    paging_token: f.id,
    hash: f.hash,
    prev_hash: f.hash,
    closed_at: f.time,
    base_fee_in_stroops: stroops,
    base_reserve_in_stroops: stroops,
  })
  // Not by refine, which zod also asks about a record that has not its form.
  .transform((entry, context): HorizonHead => {
    if (BigInt(entry.sequence) << 32n !== BigInt(entry.paging_token)) {
      context.addIssue({ code: 'custom', message: 'not its token' });
      return z.NEVER;
    }
    return {
      sequence: entry.sequence,
      closedAt: entry.closed_at,
      baseFee: entry.base_fee_in_stroops,
      baseReserve: entry.base_reserve_in_stroops,
      hash: entry.hash,
      previousHash: entry.prev_hash,
    };
  });

const PERCENTILES = [10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99] as const;
const bids = z.object(
  Object.fromEntries(PERCENTILES.map((each) => [`p${each}`, f.count])) as Record<
    `p${(typeof PERCENTILES)[number]}`,
    typeof f.count
  >,
);

export const feeStatistics = z
  .object({
    last_ledger_base_fee: f.positive,
    ledger_capacity_usage: z.string().regex(/^\d{1,3}(\.\d{1,20})?$/),
    max_fee: bids,
  })
  .transform((entry) => ({
    baseFee: entry.last_ledger_base_fee,
    capacityUsage: Math.min(1, Number(entry.ledger_capacity_usage)),
    bids: Object.fromEntries(PERCENTILES.map((each) => [each, entry.max_fee[`p${each}`]])),
  }));

const balance = z.object({
  ...f.assetParts(''),
  liquidity_pool_id: f.hash.optional(),
  balance: f.amount,
  limit: f.amount.optional(),
  buying_liabilities: f.amount.optional(),
  selling_liabilities: f.amount.optional(),
  is_authorized: z.boolean().optional(),
});

const small = z.int().min(0).max(0xffff_ffff);

export const account = z
  .object({
    account_id: f.account,
    sequence: f.count,
    subentry_count: small,
    num_sponsoring: small,
    num_sponsored: small,
    balances: z.array(balance).min(1).max(1_001),
  })
  .transform((entry, context) => {
    const shares = entry.balances.flatMap((line): PoolShares[] => {
      if (line.asset_type !== 'liquidity_pool_shares') return [];
      if (line.liquidity_pool_id !== undefined) {
        return [{ poolId: line.liquidity_pool_id, balance: line.balance, limit: line.limit ?? MAX_STROOPS }];
      }
      context.addIssue({ code: 'custom', message: 'shares of no pool' });
      return z.NEVER;
    });
    const balances = entry.balances
      .filter(({ asset_type }) => asset_type !== 'liquidity_pool_shares')
      .map(
        (line): Balance => ({
          asset: f.toAsset(line, context),
          balance: line.balance,
          limit: line.limit,
          buyingLiabilities: line.buying_liabilities ?? 0n,
          sellingLiabilities: line.selling_liabilities ?? 0n,
          authorized: line.is_authorized ?? true,
        }),
      );
    if (new Set(balances.map(({ asset }) => asset)).size !== balances.length) {
      context.addIssue({ code: 'custom', message: 'two lines of one asset' });
      return z.NEVER;
    }
    const state: AccountState = {
      sequence: entry.sequence,
      subentries: entry.subentry_count,
      sponsoring: entry.num_sponsoring,
      sponsored: entry.num_sponsored,
      balances,
      poolShares: shares,
    };
    return { id: entry.account_id, state };
  });

export const offer = z
  .object({
    id: f.id,
    seller: f.account,
    selling: f.asset,
    buying: f.asset,
    amount: f.amount,
    price_r: f.price,
  })
  .transform(({ price_r, ...entry }): OfferEntry => ({ ...entry, price: price_r }));

const level = z.object({ price_r: f.price, amount: f.amount });

/**
 * The book of a pair. Prices are quote per base on both sides (`price_r` is exact, the price as text is rounded). Horizon
 * gives the amount of a bid in what the bidder sells, the quote: here it is what the bid takes of base, rounded down.
 */
export const orderBook = z
  .object({
    bids: z.array(level).max(200),
    asks: z.array(level).max(200),
    base: f.asset,
    counter: f.asset,
  })
  .transform(({ bids, asks, base, counter }) => {
    const turned = bids.map(({ price_r: price, amount }) => {
      const taken = (amount * price.denominator) / price.numerator;
      // More than the ledger could hold, at a price next to zero.
      if (taken > MAX_STROOPS) return { price, amount: MAX_STROOPS };
      return { price, amount: taken };
    });
    const sold = asks.map(({ price_r: price, amount }) => ({ price, amount }));
    const hasAmount = ({ amount }: BookLevel): boolean => amount > 0n;
    return {
      ...{ base, counter },
      book: {
        bids: turned.filter(hasAmount).sort((a, b) => byPrice(b, a)),
        asks: sold.filter(hasAmount).sort(byPrice),
      },
    };
  });

/** Exact; Horizon sorts by the rounded price. */
export function byPrice(
  { price: a }: Pick<BookLevel, 'price'>,
  { price: b }: Pick<BookLevel, 'price'>,
): number {
  const difference = a.numerator * b.denominator - b.numerator * a.denominator;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

export const pool = z
  .object({
    id: f.hash,
    fee_bp: z.literal(30),
    type: z.literal('constant_product'),
    total_shares: f.amount,
    reserves: z.tuple([
      z.object({ asset: f.assetId, amount: f.amount }),
      z.object({ asset: f.assetId, amount: f.amount }),
    ]),
  })
  .transform(
    ({ id, fee_bp, total_shares, reserves: [a, b] }): PoolEntry => ({
      id,
      assets: [a.asset, b.asset],
      reserves: [a.amount, b.amount],
      totalShares: total_shares,
      feeBps: fee_bp,
    }),
  );

export const path = z
  .object({
    ...f.assetParts('source_'),
    source_amount: f.amount,
    ...f.assetParts('destination_'),
    destination_amount: f.amount,
    path: z.array(f.asset).max(5),
  })
  .transform((entry, context) => ({
    source: f.toAsset(parts(entry, 'source_'), context),
    destination: f.toAsset(parts(entry, 'destination_'), context),
    route: { amountIn: entry.source_amount, amountOut: entry.destination_amount, path: entry.path },
  }));

export const tradeToken = z.string().regex(/^\d{1,19}-\d{1,10}$/);

export const trade = z
  .object({
    paging_token: tradeToken,
    ledger_close_time: f.time,
    ...f.assetParts('base_'),
    base_amount: f.amount,
    base_account: f.account.optional(),
    base_offer_id: f.id.optional(),
    base_liquidity_pool_id: f.hash.optional(),
    ...f.assetParts('counter_'),
    counter_amount: f.amount,
    counter_account: f.account.optional(),
    counter_offer_id: f.id.optional(),
    counter_liquidity_pool_id: f.hash.optional(),
    base_is_seller: z.boolean(),
    price: z.object({ n: f.positive, d: f.positive }),
  })
  .transform(
    (entry, context): LedgerTrade => ({
      cursor: entry.paging_token,
      at: entry.ledger_close_time,
      baseAsset: f.toAsset(parts(entry, 'base_'), context),
      quoteAsset: f.toAsset(parts(entry, 'counter_'), context),
      baseAmount: entry.base_amount,
      quoteAmount: entry.counter_amount,
      price: { numerator: entry.price.n, denominator: entry.price.d },
      baseIsSeller: entry.base_is_seller,
      baseAccount: entry.base_account,
      baseOfferId: entry.base_offer_id,
      quoteAccount: entry.counter_account,
      quoteOfferId: entry.counter_offer_id,
      poolId: entry.base_liquidity_pool_id ?? entry.counter_liquidity_pool_id,
    }),
  );

/** The three parts of an asset without the prefix of their names. */
function parts<P extends string>(
  entry: { [K in `${P}asset_type`]: string } & {
    [K in `${P}asset_code` | `${P}asset_issuer`]?: string | undefined;
  },
  prefix: P,
) {
  const field = (name: string) => (entry as Record<string, string | undefined>)[`${prefix}${name}`];
  return {
    asset_type: field('asset_type') ?? '',
    asset_code: field('asset_code'),
    asset_issuer: field('asset_issuer'),
  };
}

export const transaction = z
  .object({
    hash: f.hash,
    successful: z.boolean(),
    ledger: f.ledger,
    fee_charged: f.count,
    envelope_xdr: f.xdr,
    result_xdr: f.xdr,
  })
  .transform((entry) => ({
    hash: entry.hash,
    successful: entry.successful,
    ledger: entry.ledger,
    feeCharged: entry.fee_charged,
    envelopeXdr: entry.envelope_xdr,
    resultXdr: entry.result_xdr,
  }));

/** Horizon's problem documents; `type` ends in the name of the error. */
export const problem = z
  .object({
    type: z.string().max(200),
    extras: z.object({ result_xdr: f.xdr.optional() }).optional(),
  })
  .transform(({ type, extras }) => ({
    name: type.slice(type.lastIndexOf('/') + 1),
    resultXdr: extras?.result_xdr,
  }));

/** Core's answer, handed on by `POST /transactions_async`. */
export const asyncAnswer = z
  .object({
    tx_status: z.enum(['PENDING', 'DUPLICATE', 'TRY_AGAIN_LATER', 'ERROR']),
    hash: f.hash,
    error_result_xdr: f.xdr.optional(),
  })
  .transform((entry) => ({ status: entry.tx_status, hash: entry.hash, resultXdr: entry.error_result_xdr }));
