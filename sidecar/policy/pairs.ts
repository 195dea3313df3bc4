import type { AssetId } from '../transaction.ts';
import type { Refusal, SpecPath, Taken } from './check.ts';
import { isWithin, type Ratio } from './price.ts';

/* What swaps, offers and pools have in common: a pair with a collar and amounts. */

export interface PairRule {
  /** Base, quote. */
  pair: readonly [AssetId, AssetId];
  /** Quote per base. */
  price: { min: Ratio; max: Ratio };
  maxAmount: Readonly<Record<AssetId, bigint | undefined>>;
  /** Of offers `turnover`, of the others `window`; by asset. */
  window?: Windows | undefined;
  turnover?: Windows | undefined;
}

type Windows = Readonly<Record<AssetId, { amount: bigint; seconds: number } | undefined>>;

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

/** Holds what leaves at most to the rule's amount of that asset, and takes it from the rule's window, if there is one. */
export function takeAmount(
  kind: 'swap' | 'offer' | 'deposit',
  { rule, path }: Found<PairRule>,
  asset: AssetId,
  amount: bigint,
  field: string,
  offer?: string,
): Refusal | Taken {
  const limit = rule.maxAmount[asset] ?? 0n;
  if (amount > limit)
    return {
      code: 'amount-too-large',
      message: `${amount} stroops of ${asset}, at most ${limit}`,
      field,
      rule: [...path, 'maxAmount', asset],
    };
  const key = { kind, asset, pair: marketOf(...rule.pair) };
  const name = kind === 'offer' ? 'turnover' : 'window';
  const window = rule[name]?.[asset];
  return {
    spends: [{ ...key, ...(offer === undefined ? {} : { offer }), amount: amount.toString() }],
    limits: window === undefined ? [] : [{ key, ...window, rule: [...path, name, asset] }],
  };
}
