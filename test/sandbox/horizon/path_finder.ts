import type { Asset } from '../ledger/asset.ts';
import { tradeHop } from '../ledger/path_payment.ts';
import type { LedgerState } from '../ledger/state.ts';

export interface FoundPath {
  source: Asset;
  sourceAmount: bigint;
  destination: Asset;
  destinationAmount: bigint;
  /** The assets between. */
  path: Asset[];
}

/** Horizon looks at no more than three assets between the two ends, and gives five paths to each. */
const MAX_BETWEEN = 3;
const MAX_PATHS_PER_ASSET = 5;

interface Search {
  rounding: 'strict_send' | 'strict_receive';
  start: Asset;
  amount: bigint;
  /** Where paths may end. */
  ends: readonly Asset[];
  /** Whose own offers must not be crossed. */
  taker: string | undefined;
}

interface Route {
  assets: Asset[];
  amount: bigint;
}

/** Where a hop from `here` can lead: what can be had for it, or what it can be had for. */
function neighbours(state: LedgerState, here: Asset, strictSend: boolean): Set<Asset> {
  const found = new Set<Asset>();
  for (const [selling, buying] of state.books()) {
    if ((strictSend ? buying : selling) === here) found.add(strictSend ? selling : buying);
  }
  for (const { assetA, assetB } of state.pools()) {
    if (assetA === here) found.add(assetB);
    else if (assetB === here) found.add(assetA);
  }
  return found;
}

/**
 * Tries every route from `start` with the ledger's own arithmetic and rolls each trade back, so that what is found is
 * what a path payment would get in the next ledger.
 */
function* routes(state: LedgerState, search: Search, assets: Asset[], amount: bigint): Generator<Route> {
  const here = assets.at(-1)!;
  if (search.ends.includes(here)) yield { assets, amount };
  if (assets.length > MAX_BETWEEN + 1) return;
  const strictSend = search.rounding === 'strict_send';
  for (const next of neighbours(state, here, strictSend)) {
    if (assets.includes(next)) continue;
    const before = state.savepoint();
    const hop = strictSend ? { send: here, receive: next, amount } : { send: next, receive: here, amount };
    const trade = tradeHop(state, search.taker, hop, search.rounding, 0);
    if (trade.ok && trade.amount > 0n) yield* routes(state, search, [...assets, next], trade.amount);
    state.rollback(before);
  }
}

/** Asset as Horizon sorts them. */
const sortKey = (asset: Asset): string => {
  if (asset === 'native') return asset;
  const [code = '', issuer] = asset.split(':');
  return `${code.length <= 4 ? 'credit_alphanum4' : 'credit_alphanum12'}/${code}/${issuer}`;
};

const compare = <T>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);

function pick(
  paths: FoundPath[],
  end: 'source' | 'destination',
  best: (a: FoundPath, b: FoundPath) => number,
) {
  const sorted = paths.toSorted((a, b) => compare(sortKey(a[end]), sortKey(b[end])) || best(a, b));
  const counts = new Map<Asset, number>();
  return sorted.filter((path) => {
    const count = (counts.get(path[end]) ?? 0) + 1;
    counts.set(path[end], count);
    return count <= MAX_PATHS_PER_ASSET;
  });
}

/** What sending exactly `amount` would bring, for each asset of `destinations` the most first. */
export function findStrictSend(
  state: LedgerState,
  source: Asset,
  amount: bigint,
  destinations: readonly Asset[],
): FoundPath[] {
  const search: Search = {
    rounding: 'strict_send',
    start: source,
    amount,
    ends: destinations,
    taker: undefined,
  };
  const found = [...routes(state, search, [source], amount)].map((route) => ({
    source,
    sourceAmount: amount,
    destination: route.assets.at(-1)!,
    destinationAmount: route.amount,
    path: route.assets.slice(1, -1),
  }));
  return pick(found, 'destination', (a, b) => compare(b.destinationAmount, a.destinationAmount));
}

/** What receiving exactly `amount` would cost, for each asset of `sources` the cheapest first. */
export function findStrictReceive(
  state: LedgerState,
  destination: Asset,
  amount: bigint,
  sources: readonly Asset[],
  taker: string | undefined,
): FoundPath[] {
  const search: Search = { rounding: 'strict_receive', start: destination, amount, ends: sources, taker };
  const found = [...routes(state, search, [destination], amount)].map((route) => ({
    source: route.assets.at(-1)!,
    sourceAmount: route.amount,
    destination,
    destinationAmount: amount,
    path: route.assets.slice(1, -1).reverse(),
  }));
  return pick(found, 'source', (a, b) => compare(a.sourceAmount, b.sourceAmount));
}
