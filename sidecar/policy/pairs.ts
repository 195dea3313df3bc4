import type { AssetId } from '../transaction.ts';
import type { Limit, Refusal, SpecPath } from './check.ts';
import { isWithin, type Ratio } from './price.ts';

/* What swaps, offers and pools have in common: a pair with a collar and amounts. */

export interface PairRule {
  /** Base, quote. */
  pair: readonly [AssetId, AssetId];
  /** Quote per base. */
  price: { min: Ratio; max: Ratio };
  maxAmount: Readonly<Record<AssetId, bigint | undefined>>;
}

export type PairList = 'swaps' | 'offers' | 'pools';

/** A rule and where it stands. */
export interface Found<Rule> {
  rule: Rule;
  path: SpecPath;
}

/** The rule for two assets, whichever of them is written first. */
export function findPair<Rule extends PairRule>(
  list: PairList,
  rules: readonly Rule[],
  one: AssetId,
  other: AssetId,
): Found<Rule> | undefined {
  const index = rules.findIndex(
    ({ pair: [base, quote] }) => (base === one && quote === other) || (base === other && quote === one),
  );
  return index < 0 ? undefined : { rule: rules[index]!, path: [list, index] };
}

/** The name of the market in a window: both assets, sorted, so that both ways of writing it count together. */
export const marketOf = (one: AssetId, other: AssetId): string =>
  one < other ? `${one} ${other}` : `${other} ${one}`;

export const pairMissing = (one: AssetId, other: AssetId, field: string, list: PairList): Refusal => ({
  code: 'pair-not-allowed',
  message: `no rule of ${list} lists ${one} with ${other}`,
  field,
  rule: [list],
});

/**
 * Holds a price to the collar, exactly: `price` is units of the pair's other asset for one `per`. Of the side that is
 * not the base the inverse is compared, so nothing is ever divided or rounded.
 */
export function judgeCollar(
  { rule: { pair, price: collar }, path }: Found<PairRule>,
  per: AssetId,
  price: Ratio,
  field: string,
): Refusal | undefined {
  const quoted = per === pair[0] ? price : { n: price.d, d: price.n };
  return price.n > 0n && price.d > 0n && isWithin(quoted, collar)
    ? undefined
    : {
        code: 'price-out-of-collar',
        message: `${quoted.n}/${quoted.d} ${pair[1]} per ${pair[0]} is outside the collar`,
        field,
        rule: [...path, 'price'],
      };
}

/** Holds what leaves at most to the rule's amount of that asset. */
export function judgeAmount(
  { rule: { maxAmount }, path }: Found<PairRule>,
  asset: AssetId,
  amount: bigint,
  field: string,
): Refusal | undefined {
  const limit = maxAmount[asset] ?? 0n;
  return amount > limit
    ? {
        code: 'amount-too-large',
        message: `${amount} stroops of ${asset}, at most ${limit}`,
        field,
        rule: [...path, 'maxAmount', asset],
      }
    : undefined;
}

/** The rule's window of one asset, if it has one. */
export function pairLimit(
  kind: 'swap' | 'offer' | 'deposit',
  { rule: { pair }, path }: Found<PairRule>,
  name: 'window' | 'turnover',
  windows: Readonly<Record<AssetId, { amount: bigint; seconds: number } | undefined>> | undefined,
  asset: AssetId,
): Limit[] {
  const window = windows?.[asset];
  return window === undefined
    ? []
    : [{ key: { kind, asset, pair: marketOf(...pair) }, ...window, rule: [...path, name, asset] }];
}
