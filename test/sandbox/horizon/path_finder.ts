import type { Asset } from '../ledger/asset.ts';
import type { Offer } from '../ledger/entries.ts';
import { divideUp, INT64_MAX, min } from '../ledger/exchange.ts';
import { quotePool } from '../ledger/pool.ts';
import type { LedgerState } from '../ledger/state.ts';
import { sortKey } from './parameters.ts';
import { compare } from './state_list.ts';

/**
 * Paths as Horizon finds them in its own graph of books and pools (stellar/go, exp/orderbook and price). It only reads
 * and rounds in its own way: the ledger may then differ by a stroop for each offer that is crossed.
 */

export interface FoundPath {
  source: Asset;
  sourceAmount: bigint;
  destination: Asset;
  destinationAmount: bigint;
  /** The assets between. */
  path: Asset[];
}

/** Horizon's default for `--max-path-length`, and how many paths it gives to each asset. */
const MAX_HOPS = 3;
const MAX_PATHS_PER_ASSET = 5;

interface Search {
  strictSend: boolean;
  start: Asset;
  amount: bigint;
  /** Where paths may end, and the most that may be needed there. */
  ends: ReadonlyMap<Asset, bigint>;
  /** Whose offers are left out. */
  taker: string | undefined;
}

interface Route {
  assets: Asset[];
  amount: bigint;
}

const fits = (amount: bigint): bigint | undefined => (amount <= INT64_MAX ? amount : undefined);

/** What a whole offer sells of at most `wanted`, and what that costs. */
function takeFrom({ amount, price }: Offer, wanted: bigint): { sold: bigint; cost: bigint } {
  const [n, d] = [BigInt(price.n), BigInt(price.d)];
  const sold = min(n > d ? amount : divideUp(((amount * n) / d) * d, n), wanted);
  return { sold, cost: divideUp(sold * n, d) };
}

/** What the offers give for exactly `amount`; undefined where they do not take all of it. */
function sendThrough(offers: readonly Offer[], amount: bigint): bigint | undefined {
  let [left, received] = [amount, 0n];
  for (const offer of offers) {
    const wanted = (left * BigInt(offer.price.d)) / BigInt(offer.price.n);
    if (wanted === 0n) return undefined;
    if (wanted <= offer.amount) return fits(received + wanted);
    const { sold, cost } = takeFrom(offer, offer.amount);
    received += sold;
    left -= cost;
    if (left <= 0n) return fits(received);
  }
  return undefined;
}

/** What exactly `amount` costs; undefined where the offers do not have it. */
function receiveThrough(
  offers: readonly Offer[],
  amount: bigint,
  taker: string | undefined,
): bigint | undefined {
  let [left, spent] = [amount, 0n];
  for (const offer of offers) {
    if (offer.seller === taker) continue;
    const { sold, cost } = takeFrom(offer, left);
    spent += cost;
    left -= sold;
    if (left === 0n) return fits(spent);
  }
  return undefined;
}

/** The better of book and pool for one hop, each alone. */
function hop(
  state: LedgerState,
  { strictSend, taker }: Search,
  here: Asset,
  next: Asset,
  amount: bigint,
): bigint | undefined {
  if (strictSend) {
    const pool = quotePool(state, here, next, 'strict_send', amount)?.trade.received ?? 0n;
    const book = sendThrough(state.book(next, here), amount) ?? 0n;
    return book > pool ? book : pool || undefined;
  }
  const pool = quotePool(state, next, here, 'strict_receive', amount)?.trade.sent;
  const book = receiveThrough(state.book(here, next), amount, taker);
  return pool !== undefined && book !== undefined ? min(pool, book) : (pool ?? book);
}

/** Where a hop can lead: what can be had for an asset, or what it can be had for. */
function neighbours(state: LedgerState, strictSend: boolean): Map<Asset, Set<Asset>> {
  const edges = new Map<Asset, Set<Asset>>();
  const add = (from: Asset, to: Asset): void => {
    edges.set(from, (edges.get(from) ?? new Set()).add(to));
  };
  for (const [selling, buying] of state.books()) strictSend ? add(buying, selling) : add(selling, buying);
  for (const { assetA, assetB } of state.pools()) {
    add(assetA, assetB);
    add(assetB, assetA);
  }
  return edges;
}

/**
 * Each round lengthens the best route to every asset by one hop; what does not beat the best that is known is
 * forgotten, so that the work is bounded by rounds times edges.
 */
function search(state: LedgerState, wanted: Search): Route[] {
  const { strictSend, start, ends } = wanted;
  const edges = neighbours(state, strictSend);
  const found: Route[] = [];
  const include = (route: Route): void => {
    const most = ends.get(route.assets.at(-1)!);
    if (most !== undefined && route.amount <= most) found.push(route);
  };
  const beats = (amount: bigint, known: Route | undefined): boolean =>
    known === undefined || (strictSend ? amount > known.amount : amount < known.amount);

  let best = new Map<Asset, Route>([[start, { assets: [start], amount: wanted.amount }]]);
  include(best.get(start)!);
  for (let round = 1; round <= MAX_HOPS; round += 1) {
    const better = new Map(best);
    for (const [here, { assets, amount }] of best) {
      for (const next of edges.get(here) ?? []) {
        if (assets.includes(next) || (round === MAX_HOPS && !ends.has(next))) continue;
        const reached = hop(state, wanted, here, next, amount);
        if (reached === undefined || !beats(reached, better.get(next))) continue;
        const route = { assets: [...assets, next], amount: reached };
        better.set(next, route);
        include(route);
      }
    }
    best = better;
  }
  return found;
}

/** By asset at the far end, the best first, of equals the shortest. */
function pick(
  paths: FoundPath[],
  end: 'source' | 'destination',
  best: (a: FoundPath, b: FoundPath) => number,
) {
  const sorted = paths.toSorted(
    (a, b) => compare(sortKey(a[end]), sortKey(b[end])) || best(a, b) || a.path.length - b.path.length,
  );
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
  const ends = new Map(destinations.map((asset) => [asset, INT64_MAX]));
  const found = search(state, { strictSend: true, start: source, amount, ends, taker: undefined });
  const paths = found.map((route) => ({
    source,
    sourceAmount: amount,
    destination: route.assets.at(-1)!,
    destinationAmount: route.amount,
    path: route.assets.slice(1, -1),
  }));
  return pick(paths, 'destination', (a, b) => compare(b.destinationAmount, a.destinationAmount));
}

/**
 * What receiving exactly `amount` would cost, for each asset of `sources` the cheapest first; `sources` says how much
 * of each there is. Offers of `taker` are left out.
 */
export function findStrictReceive(
  state: LedgerState,
  destination: Asset,
  amount: bigint,
  sources: ReadonlyMap<Asset, bigint>,
  taker: string | undefined,
): FoundPath[] {
  const found = search(state, { strictSend: false, start: destination, amount, ends: sources, taker });
  const paths = found.map((route) => ({
    source: route.assets.at(-1)!,
    sourceAmount: route.amount,
    destination,
    destinationAmount: amount,
    path: route.assets.slice(1, -1).reverse(),
  }));
  return pick(paths, 'source', (a, b) => compare(a.sourceAmount, b.sourceAmount));
}
