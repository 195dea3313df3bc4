import { isIP } from 'node:net';
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
/** A list without doubles (x-kubernetes-list-type: set). */
const set = <Item extends z.ZodType<string | number>>(item: Item, max: number) =>
  z
    .array(item)
    .max(max)
    .refine((list) => new Set(list).size === list.length, 'must not list anything twice');
export const account = z.string().regex(/^G[A-Z2-7]{55}$/, 'must be an account (G…)');
const credit = z.string().regex(/^[A-Za-z0-9]{1,12}:G[A-Z2-7]{55}$/, 'must be CODE:ISSUER');
export const asset = z.union([z.literal('XLM'), credit], { error: 'must be XLM or CODE:ISSUER' });
const decimal = z
  .string()
  // Aborts, since the rule about both ends of a collar must not see what is no number.
  .regex(/^(0|[1-9]\d{0,18})(\.\d{1,20})?$/, { error: 'must be a decimal as a string', abort: true })
  .transform(parseDecimal)
  .refine(({ n }) => n > 0n, 'must be above zero');

const price = z
  .strictObject({ min: decimal, max: decimal })
  .refine(({ min, max }) => compare(min, max) <= 0, 'min must not be above max');
const pair = z.tuple([asset, asset]).refine(([base, quote]) => base !== quote, 'needs two different assets');
const window = z.strictObject({ amount: windowStroops, seconds: z.int().min(1).max(604_800) });
const perAsset = z.record(asset, stroops);
const windowPerAsset = z.record(asset, window);

/** Kubernetes counts characters (code points) where JavaScript counts UTF-16. */
const text = z.string().refine((value) => [...value].length <= 28, 'must have at most 28 characters');
const memo = z
  .strictObject({
    kind: z.enum(['None', 'Any', 'Text']).default('None'),
    texts: set(text, 32).min(1).optional(),
  })
  .refine(({ kind, texts }) => (kind === 'Text') === (texts !== undefined), 'texts belong to kind Text');

/** `windows` is of the field that names windows by asset. */
const namesItsPair = (
  rule: { pair: string[]; maxAmount: object },
  windows: object | undefined,
  ctx: z.RefinementCtx,
  field: string,
): void => {
  if (Object.keys(rule.maxAmount).sort().join() !== [...rule.pair].sort().join())
    ctx.addIssue({
      code: 'custom',
      path: ['maxAmount'],
      message: 'must name exactly the two assets of the pair',
    });
  if (!Object.keys(windows ?? {}).every((name) => rule.pair.includes(name)))
    ctx.addIssue({ code: 'custom', path: [field], message: 'must name only assets of the pair' });
};

const swap = z
  .strictObject({ pair, price, maxAmount: perAsset, window: windowPerAsset.optional() })
  .superRefine((rule, ctx) => namesItsPair(rule, rule.window, ctx, 'window'));
const offer = z
  .strictObject({ pair, price, maxAmount: perAsset, turnover: windowPerAsset })
  .superRefine((rule, ctx) => namesItsPair(rule, rule.turnover, ctx, 'turnover'));
const payment = z.strictObject({
  asset,
  destinations: set(
    z.string().regex(/^(G[A-Z2-7]{55}|M[A-Z2-7]{68})$/, 'must be an account (G… or M…)'),
    32,
  ).min(1),
  maxAmount: stroops,
  window,
});

const egress = z.strictObject({
  enforcement: z.enum(['Required', 'Warn']).default('Required'),
  extra: z
    .array(
      z.strictObject({
        host: z.string().min(1).max(253),
        ports: set(z.int().min(1).max(65_535), 8).min(1),
        reason: z.string().min(1).max(256),
      }),
    )
    .max(16)
    .refine(
      (list) => new Set(list.map(({ host }) => host)).size === list.length,
      'a host must not be listed twice',
    )
    .optional(),
});

/** host:port, address:port or range:port, IPv6 in brackets. */
const endpoint = z
  .string()
  .max(260)
  .refine((text) => {
    const [, host, port] =
      /^([a-z0-9](?:[-a-z0-9.]*[a-z0-9])?|[0-9.]+(?:\/[0-9]{1,2})?|\[[0-9a-f:.]+(?:\/[0-9]{1,3})?\]):([1-9][0-9]{0,4})$/.exec(
        text,
      ) ?? [];
    if (host === undefined || Number(port) > 65_535) return false;
    if (host.startsWith('[')) return isRange(host.slice(1, -1), 6);
    return /^[0-9.]+(\/|$)/.test(host) ? isRange(host, 4) : true;
  }, 'must be host:port, address:port or range:port, IPv6 in brackets');

function isRange(text: string, family: 4 | 6): boolean {
  const [address = '', bits] = text.split('/');
  return isIP(address) === family && Number(bits ?? 0) <= (family === 4 ? 32 : 128);
}

function pairs<Rule extends z.ZodType<{ pair: string[] }>>(rule: Rule) {
  return z
    .array(rule)
    .max(50)
    .default([])
    .refine(
      (rules) => new Set(rules.map(({ pair: names }) => [...names].sort().join())).size === rules.length,
      'a pair must not be listed twice, in either order',
    );
}

const spec = z.strictObject({
  accounts: set(account, 64).min(1),
  channels: set(account, 100).default([]),
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
  swaps: pairs(swap),
  offers: pairs(offer),
  pools: pairs(swap),
  payments: z.array(payment).max(50).default([]),
  trustlines: set(credit, 100).default([]),
  /* The operator's part: where the pod may connect to and which PKCS#11 modules it may be given. */
  endpoints: set(endpoint, 64).optional(),
  egress: egress.prefault({}),
  modules: set(z.string().min(1).max(512), 32).optional(),
});

export const signingPolicy = z.strictObject({
  apiVersion: z.literal('stellar-connector.io/v1alpha1'),
  kind: z.literal('SigningPolicy'),
  metadata: z.looseObject({ name: z.string().min(1).max(63) }),
  spec,
  status: z.unknown().optional(),
});

export type PolicySpec = z.infer<typeof spec>;

/** A policy in force. */
export interface Policy {
  name: string;
  /** SHA-256 of the file's bytes, hexadecimal: what the operator compares. */
  hash: string;
  spec: PolicySpec;
}
