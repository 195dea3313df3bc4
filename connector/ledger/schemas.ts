import * as z from 'zod';
import { parseHorizonAmount } from '../market/amount.ts';
import { type AssetId, fromHorizonAsset, type HorizonAsset } from '../market/asset.ts';
import type { AccountState, Balance, PoolShares } from '../market/balance.ts';

/*
 * Horizon's answers, as far as they are used. Amounts are strings with seven decimals, 64-bit counts are strings in
 * most places and ledger numbers are JSON numbers. Fields that are not used are not looked at: Horizon adds some.
 */

const amount = z.string().transform((text, context) => {
  const stroops = parseHorizonAmount(text);
  if (stroops !== undefined) return stroops;
  context.addIssue({ code: 'custom', message: 'not an amount' });
  return z.NEVER;
});
const count = z
  .string()
  .regex(/^\d{1,19}$/)
  .transform(BigInt);
const ledger = z.int().min(1).max(0xffff_ffff);
const time = z.iso.datetime().transform((text) => Date.parse(text));
const xdr = z
  .string()
  .regex(/^[A-Za-z0-9+/]+={0,2}$/)
  .max(200_000);
const hash = z.string().regex(/^[0-9a-f]{64}$/);

export const root = z.object({
  network_passphrase: z.string(),
  history_latest_ledger: ledger,
  history_latest_ledger_closed_at: time,
});
export type Root = z.infer<typeof root>;

export const ledgerPage = z.object({
  _embedded: z.object({
    records: z
      .array(z.object({ sequence: ledger, closed_at: time, base_reserve_in_stroops: z.int().min(1) }))
      .max(1),
  }),
});

export const feeStats = z
  .object({ last_ledger_base_fee: count, max_fee: z.object({ p90: count }) })
  .transform((stats) => ({ baseFee: stats.last_ledger_base_fee, p90: stats.max_fee.p90 }));
export type FeeStats = z.infer<typeof feeStats>;

const balance = z.object({
  asset_type: z.string(),
  asset_code: z.string().optional(),
  asset_issuer: z.string().optional(),
  liquidity_pool_id: hash.optional(),
  balance: amount,
  limit: amount.optional(),
  buying_liabilities: amount.optional(),
  selling_liabilities: amount.optional(),
  is_authorized: z.boolean().optional(),
});

/** An account; pool shares stand beside its balances, not among them. */
export const account = z
  .object({
    account_id: z.string(),
    sequence: count,
    subentry_count: z.int().min(0),
    num_sponsoring: z.int().min(0),
    num_sponsored: z.int().min(0),
    balances: z.array(balance).max(2_000),
  })
  .transform((entry) => ({
    id: entry.account_id,
    state: {
      sequence: entry.sequence,
      subentries: entry.subentry_count,
      sponsoring: entry.num_sponsoring,
      sponsored: entry.num_sponsored,
      balances: entry.balances.flatMap((line): Balance[] => {
        const asset = fromHorizonAsset(line);
        if (asset === undefined) return [];
        return [
          {
            asset,
            balance: line.balance,
            limit: line.limit,
            buyingLiabilities: line.buying_liabilities ?? 0n,
            sellingLiabilities: line.selling_liabilities ?? 0n,
            authorized: line.is_authorized ?? true,
          },
        ];
      }),
      poolShares: entry.balances.flatMap(
        ({ liquidity_pool_id: poolId, balance, limit = 0n }): PoolShares[] =>
          poolId === undefined ? [] : [{ poolId, balance, limit }],
      ),
    } satisfies AccountState,
  }));

const pathAsset = z.object({
  asset_type: z.string(),
  asset_code: z.string().optional(),
  asset_issuer: z.string().optional(),
});

const toAsset = (entry: HorizonAsset, context: z.RefinementCtx): AssetId => {
  const asset = fromHorizonAsset(entry);
  if (asset !== undefined) return asset;
  context.addIssue({ code: 'custom', message: 'not an asset' });
  return z.NEVER;
};

export const paths = z
  .object({
    _embedded: z.object({
      records: z
        .array(
          z.object({
            source_asset_type: z.string(),
            source_asset_code: z.string().optional(),
            source_asset_issuer: z.string().optional(),
            source_amount: amount,
            destination_asset_type: z.string(),
            destination_asset_code: z.string().optional(),
            destination_asset_issuer: z.string().optional(),
            destination_amount: amount,
            path: z.array(pathAsset).max(5),
          }),
        )
        .max(200),
    }),
  })
  .transform(({ _embedded }, context) =>
    _embedded.records.map((record) => ({
      source: toAsset(
        {
          asset_type: record.source_asset_type,
          asset_code: record.source_asset_code,
          asset_issuer: record.source_asset_issuer,
        },
        context,
      ),
      destination: toAsset(
        {
          asset_type: record.destination_asset_type,
          asset_code: record.destination_asset_code,
          asset_issuer: record.destination_asset_issuer,
        },
        context,
      ),
      amountIn: record.source_amount,
      amountOut: record.destination_amount,
      path: record.path.map((entry) => toAsset(entry, context)),
    })),
  );

const level = z
  .object({ price_r: z.object({ n: z.int().min(1), d: z.int().min(1) }) })
  .transform(({ price_r }) => ({ numerator: BigInt(price_r.n), denominator: BigInt(price_r.d) }));

/** The best prices of a book, counter per base; the price as text is rounded, `price_r` is exact. */
export const orderBook = z
  .object({ bids: z.array(level), asks: z.array(level) })
  .transform(({ bids, asks }) => ({ bestBid: bids[0], bestAsk: asks[0] }));

export const transaction = z
  .object({
    hash,
    successful: z.boolean(),
    ledger,
    fee_charged: count,
    envelope_xdr: xdr,
    result_xdr: xdr,
  })
  .transform((record) => ({
    hash: record.hash,
    successful: record.successful,
    ledger: record.ledger,
    feeCharged: record.fee_charged,
    envelopeXdr: record.envelope_xdr,
    resultXdr: record.result_xdr,
  }));
export type TransactionRecord = z.infer<typeof transaction>;

/** Horizon's problem documents; `type` ends in the name of the error. */
export const problem = z
  .object({ type: z.string(), extras: z.object({ result_xdr: xdr.optional() }).optional() })
  .transform(({ type, extras }) => ({
    name: type.slice(type.lastIndexOf('/') + 1),
    resultXdr: extras?.result_xdr,
  }));
