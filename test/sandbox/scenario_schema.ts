import { z } from 'zod';
import { parseAmount } from './amount.ts';
import { faultRequestSchema } from './faults/schema.ts';
import {
  AUTH_CLAWBACK,
  AUTH_IMMUTABLE,
  AUTH_REQUIRED,
  AUTH_REVOCABLE,
  AUTHORIZED,
  CLAWBACK_ENABLED,
  MAINTAIN_LIABILITIES,
} from './ledger/entries.ts';
import { seedKey } from './signed.ts';

/** Decimal text with at most seven places, as stroops. */
const amount = z.string().transform((text, context) => {
  const stroops = parseAmount(text);
  if (stroops === undefined)
    context.addIssue({ code: 'custom', message: `${text} is no amount; quote it, seven decimals at most` });
  return stroops ?? 0n;
});
const int32 = z.number().int().min(1).max(0x7fffffff);

const count = z.number().int().min(1);
/** Text that is its own escaped form. */
const printable = z.string().regex(/^[ -[\]-~]*$/, 'ASCII without a backslash');
const byte = z.number().int().min(0).max(255);

const LINE_FLAGS = {
  authorized: AUTHORIZED,
  maintain_liabilities: MAINTAIN_LIABILITIES,
  clawback_enabled: CLAWBACK_ENABLED,
};
const ACCOUNT_FLAGS = {
  required: AUTH_REQUIRED,
  revocable: AUTH_REVOCABLE,
  immutable: AUTH_IMMUTABLE,
  clawback: AUTH_CLAWBACK,
};
type FlagTable = Record<string, number>;
const flags = <T extends FlagTable>(table: T) =>
  z
    .array(z.enum(Object.keys(table) as [keyof T & string]))
    .transform((names) => names.reduce((bits, name) => bits | table[name]!, 0));

const accountSchema = z
  .strictObject({
    name: z.string().optional(),
    address: z.string().optional(),
    /** Instead of an address: the key's seed is the SHA-256 of this. */
    seed: z.string().min(1).optional(),
    balance: amount,
    trustlines: z
      .array(
        z.strictObject({
          asset: z.string(),
          limit: amount.optional(),
          balance: amount,
          flags: flags(LINE_FLAGS).optional(),
        }),
      )
      .default([]),
    signers: z.array(z.strictObject({ key: z.string(), weight: byte })).optional(),
    thresholds: z
      .strictObject({
        master: byte.optional(),
        low: byte.optional(),
        medium: byte.optional(),
        high: byte.optional(),
      })
      .optional(),
    flags: flags(ACCOUNT_FLAGS).optional(),
    homeDomain: printable.max(32).optional(),
    data: z.record(printable.min(1).max(64), z.string().min(1).max(64)).optional(),
  })
  .transform(({ address, seed, ...account }, context) => {
    if ((address === undefined) === (seed === undefined))
      context.addIssue({ code: 'custom', message: 'either address or seed', path: ['address'] });
    return { ...account, address: seed === undefined ? (address ?? '') : seedKey(seed).publicKey() };
  });

/** A market as YAML writes it. */
export const scenarioSchema = z.strictObject({
  networkPassphrase: z.string().min(1),
  /** Operations a ledger, and stroops an operation. */
  maxTxSetSize: count.max(100_000).optional(),
  baseFee: count.max(1_000_000).optional(),
  accounts: z.array(accountSchema),
  offers: z
    .array(
      z.strictObject({
        seller: z.string(),
        selling: z.string(),
        buying: z.string(),
        amount,
        price: z.strictObject({ n: int32, d: int32 }),
      }),
    )
    .default([]),
  pools: z
    .array(
      z.strictObject({ owner: z.string(), a: z.string(), b: z.string(), amountA: amount, amountB: amount }),
    )
    .optional(),
  crowd: z
    .strictObject({
      seed: z.union([z.string(), z.number()]).transform(String),
      makers: count.max(50),
      takers: z.number().int().min(0).max(200),
      pairs: z
        .array(
          z.strictObject({
            base: z.string(),
            counter: z.string(),
            /** Counter for one base. */
            mid: z.number().min(0.001).max(1000),
            levels: count.max(10).default(3),
            /** Base that each maker quotes at each level. */
            amount,
          }),
        )
        .min(1)
        .max(5),
    })
    .optional(),
  faults: z.array(faultRequestSchema).optional(),
});

export type Scenario = z.infer<typeof scenarioSchema>;
