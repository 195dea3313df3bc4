import type { AssetId } from '../../transaction.ts';
import { marketOf, type PairList, type PairRule } from '../pairs.ts';
import type { Ratio } from '../price.ts';
import { compare } from '../price.ts';
import type { Policy } from '../schema.ts';

/* What several policies allow together: of a limit the smaller, of a list what stands in all. */

export interface Span {
  /** Stroops. */
  amount: bigint;
  seconds: number;
}

export interface Market {
  base: AssetId;
  quote: AssetId;
  /** Quote per base; `min` may be above `max`: then nothing is allowed. */
  min: Ratio;
  max: Ratio;
  maxAmount: Record<AssetId, bigint>;
  /** All windows of an asset; each holds. */
  windows: Record<AssetId, Span[]>;
}

/** The pairs that every policy lists, as the first one writes them. */
export function markets(list: PairList, policies: readonly Policy[]): Market[] {
  const [first, ...others] = policies.map(({ spec }) => spec[list] as readonly PairRule[]);
  return (first ?? []).flatMap((rule) => {
    const name = marketOf(...rule.pair);
    const same = others.map((rules) => rules.find(({ pair }) => marketOf(...pair) === name));
    return same.includes(undefined) ? [] : [merge([rule, ...(same as PairRule[])])];
  });
}

function merge(rules: readonly PairRule[]): Market {
  const [base, quote] = rules[0]!.pair;
  const collars = rules.map(({ pair, price: { min, max } }) =>
    pair[0] === base ? { min, max } : { min: inverse(max), max: inverse(min) },
  );
  const smallest = (asset: AssetId) => least(rules.map(({ maxAmount }) => maxAmount[asset] ?? 0n))!;
  const windowsOf = (asset: AssetId) =>
    rules.flatMap(({ window, turnover }) => {
      const span = (window ?? turnover)?.[asset];
      return span === undefined ? [] : [span];
    });
  return {
    base,
    quote,
    min: collars.map(({ min }) => min).reduce((one, other) => (compare(one, other) > 0 ? one : other)),
    max: collars.map(({ max }) => max).reduce((one, other) => (compare(one, other) < 0 ? one : other)),
    maxAmount: { [base]: smallest(base), [quote]: smallest(quote) },
    windows: { [base]: windowsOf(base), [quote]: windowsOf(quote) },
  };
}

const inverse = ({ n, d }: Ratio): Ratio => ({ n: d, d: n });

/** The most that windows let through in any `seconds`, or undefined without a window. */
export function mostIn(seconds: number, spans: readonly Span[]): bigint | undefined {
  return least(spans.map((span) => span.amount * BigInt(Math.ceil(seconds / span.seconds))));
}

/** Math.min for stroops too; undefined of nothing. */
export const least = <Value extends bigint | number>(values: readonly Value[]): Value | undefined =>
  values.toSorted((one, other) => (one < other ? -1 : one > other ? 1 : 0))[0];

/** What stands in all lists. */
export const inAll = <Item>(lists: readonly (readonly Item[])[]): Item[] =>
  (lists[0] ?? []).filter((item) => lists.every((list) => list.includes(item)));
