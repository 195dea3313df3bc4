import * as z from 'zod';
import { compare, parseDecimal } from './price.ts';

/*
 * SigningPolicy as the CRD has it, read again here: the signer believes its own eyes and not the API server's. Unknown
 * fields refuse the policy, since a limit that this version does not know must not be silently absent. Defaults are the
 * CRD's, so that a policy means the same from a file.
 */

const INT64_MAX = 9_223_372_036_854_775_807n;

/** Stroops as a string of digits → bigint. */
const stroops = z
  .string()
  .regex(/^(0|[1-9]\d{0,18})$/, 'must be whole stroops as a string')
  .transform(BigInt)
  .refine((amount) => amount <= INT64_MAX, 'must be at most 9223372036854775807');
const windowStroops = z
  .string()
  .regex(/^(0|[1-9]\d{0,23})$/, 'must be whole stroops as a string')
  .transform(BigInt);
const account = z.string().regex(/^G[A-Z2-7]{55}$/, 'must be an account (G…)');
const credit = z.string().regex(/^[A-Za-z0-9]{1,12}:G[A-Z2-7]{55}$/, 'must be CODE:ISSUER');
const asset = z.union([z.literal('XLM'), credit]);
const decimal = z
  .string()
  .regex(/^(0|[1-9]\d{0,18})(\.\d{1,20})?$/, 'must be a decimal as a string')
  .transform(parseDecimal)
  .refine(({ n }) => n > 0n, 'must be above zero');

const price = z
  .strictObject({ min: decimal, max: decimal })
  .refine(({ min, max }) => compare(min, max) <= 0, 'min must not be above max');
const pair = z.tuple([asset, asset]).refine(([base, quote]) => base !== quote, 'needs two different assets');
const window = z.strictObject({ amount: windowStroops, seconds: z.int().min(1).max(604_800) });
const perAsset = z.record(asset, stroops);
const windowPerAsset = z.record(asset, window);

const memo = z
  .strictObject({
    kind: z.enum(['None', 'Any', 'Text']).default('None'),
    texts: z.array(z.string().max(28)).min(1).max(32).optional(),
  })
  .refine(({ kind, texts }) => (kind === 'Text') === (texts !== undefined), 'texts belong to kind Text');

const swap = z
  .strictObject({ pair, price, maxAmount: perAsset, window: windowPerAsset.optional() })
  .refine(
    (rule) => Object.keys(rule.maxAmount).sort().join() === [...rule.pair].sort().join(),
    'maxAmount must name exactly the two assets of the pair',
  )
  .refine(
    (rule) => Object.keys(rule.window ?? {}).every((name) => (rule.pair as string[]).includes(name)),
    'window must name only assets of the pair',
  );

const unorderedPair = (names: readonly string[]): string => [...names].sort().join();

const spec = z.strictObject({
  accounts: z.array(account).min(1).max(64),
  channels: z.array(account).max(100).default([]),
  killSwitch: z.boolean().default(false),
  maxOperations: z.int().min(1).max(100).default(100),
  maxTimeBoundSeconds: z.int().min(1).max(120).default(110),
  memo: memo.prefault({}),
  signaturesPerSecond: z.int().min(1).max(1000).default(5),
  fees: z
    .strictObject({
      perOperation: stroops.prefault('20000'),
      perTransaction: stroops.prefault('2020000'),
      window: window.prefault({ amount: '500000000', seconds: 86_400 }),
    })
    .prefault({}),
  swaps: z
    .array(swap)
    .max(50)
    .default([])
    .refine(
      (rules) => new Set(rules.map((rule) => unorderedPair(rule.pair))).size === rules.length,
      'a pair must not be listed twice',
    ),
  /*
   * These would allow operations that this version does not judge yet and therefore refuses: their shape is checked as
   * far as the lists go, and none of them allows anything.
   */
  offers: z.array(z.unknown()).max(50).default([]),
  pools: z.array(z.unknown()).max(50).default([]),
  payments: z.array(z.unknown()).max(50).default([]),
  trustlines: z.array(credit).max(100).default([]),
  /* The operator's part: where the pod may connect to and which PKCS#11 modules it may be given. */
  endpoints: z.array(z.string()).optional(),
  egress: z.unknown().optional(),
  modules: z.array(z.string()).optional(),
});

export const signingPolicy = z.strictObject({
  apiVersion: z.literal('stellar-connector.io/v1alpha1'),
  kind: z.literal('SigningPolicy'),
  metadata: z.looseObject({ name: z.string().min(1).max(63) }),
  spec,
  status: z.unknown().optional(),
});

export type PolicySpec = z.infer<typeof spec>;
export type SwapRule = PolicySpec['swaps'][number];

/** A policy in force. */
export interface Policy {
  name: string;
  /** SHA-256 of the file's bytes, hexadecimal: what the operator compares. */
  hash: string;
  spec: PolicySpec;
}
