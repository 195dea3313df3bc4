import { StrKey } from '@stellar/stellar-sdk/base';
import * as z from 'zod';
import { MAX_STROOPS, parseHorizonAmount } from '../../market/amount.ts';
import { type AssetId, fromHorizonAsset, type HorizonAsset, parseAsset } from '../../market/asset.ts';

/*
 * The fields of Horizon's answers. Amounts are strings with seven decimals, 64-bit counts are strings in most places and
 * ledger numbers are JSON numbers. Nothing is taken that is negative or above what the ledger can hold.
 */

const parsed = <T>(what: string, parse: (text: string) => T | undefined) =>
  z
    .string()
    .max(1_000)
    .transform((text, context) => {
      const value = parse(text);
      if (value !== undefined) return value;
      context.addIssue({ code: 'custom', message: `not ${what}` });
      return z.NEVER;
    });

/** Stroops. */
export const amount = parsed('an amount', parseHorizonAmount);

/** A 64-bit number as text. */
export const count = parsed('a number', (text) => {
  const value = /^\d{1,19}$/.test(text) ? BigInt(text) : undefined;
  return value !== undefined && value <= MAX_STROOPS ? value : undefined;
});

export const positive = count.refine((value) => value > 0n, 'not above zero');

/** An id that is kept as text: 64-bit numbers. */
export const id = z.string().regex(/^[1-9]\d{0,18}$/);

export const ledger = z.int().min(1).max(0xffff_ffff);

export const time = z.iso
  .datetime()
  .max(40)
  .transform((text) => Date.parse(text));

export const xdr = z
  .string()
  .max(200_000)
  .regex(/^[A-Za-z0-9+/]+={0,2}$/);

export const hash = z.string().regex(/^[0-9a-f]{64}$/);

export const account = z
  .string()
  .max(60)
  .refine((text) => StrKey.isValidEd25519PublicKey(text), 'not an account');

/** The ledger's price: two positive 32-bit numbers. */
export const price = z
  .object({ n: z.int().min(1).max(0x7fff_ffff), d: z.int().min(1).max(0x7fff_ffff) })
  .transform(({ n, d }) => ({ numerator: BigInt(n), denominator: BigInt(d) }));

/** `native` or CODE:ISSUER, as pools write it. */
export const assetId = parsed('an asset', parseAsset);

/** The three parts of an asset, whose names begin with `prefix`. */
export const assetParts = <P extends string>(prefix: P) =>
  ({
    [`${prefix}asset_type`]: z.string().max(40),
    [`${prefix}asset_code`]: z.string().max(12).optional(),
    [`${prefix}asset_issuer`]: z.string().max(60).optional(),
  }) as { [K in `${P}asset_type`]: z.ZodString } & {
    [K in `${P}asset_code` | `${P}asset_issuer`]: z.ZodOptional<z.ZodString>;
  };

/** The asset of three parts whose type, code and issuer agree. */
export function toAsset(parts: HorizonAsset, context: z.RefinementCtx): AssetId {
  const asset = fromHorizonAsset(parts);
  const type =
    parts.asset_code === undefined
      ? 'native'
      : parts.asset_code.length <= 4
        ? 'credit_alphanum4'
        : 'credit_alphanum12';
  if (asset !== undefined && parts.asset_type === type) return asset;
  context.addIssue({ code: 'custom', message: 'not an asset' });
  return z.NEVER;
}

export const asset = z.object(assetParts('')).transform(toAsset);

/** A page of records. */
export const page = <T extends z.ZodType>(record: T, most = 200) =>
  z
    .object({ _embedded: z.object({ records: z.array(record).max(most) }) })
    .transform(({ _embedded }) => _embedded.records);
