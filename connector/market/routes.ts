import type { PoolEntry } from '../ledger/types.ts';
import type { AssetId } from './asset.ts';
import { type Resting, trade } from './crossing.ts';
import type { Route, Side } from './quote.ts';

/** What can be traded directly from one asset to another: offers that sell the latter for the former, and the pool. */
export interface Edge {
  offers: readonly Resting[];
  pool: PoolEntry | undefined;
}

/** Assets a path may pass through beside its ends (PathPaymentStrictSendOp.path). */
const MAX_BETWEEN = 5;
/** Paths that are tried for one quote, the short ones first. */
const MAX_PATHS = 50;

/**
 * Every route between two assets with what the ledger would give, over edges by `from>to`. SELL sends exactly `amount`
 * of `from`, BUY receives exactly `amount` of `to`. `taker` meets none of its own offers: such a hop fails in the ledger.
 */
export function routesBetween(
  edges: ReadonlyMap<string, Edge>,
  {
    side,
    from,
    to,
    amount,
    taker,
  }: { side: Side; from: AssetId; to: AssetId; amount: bigint; taker: string },
  paths: readonly Path[] = pathsBetween(edges.keys(), from, to),
): Route[] {
  const routes: Route[] = [];
  for (const assets of paths) {
    const hops = hopsOf(assets);
    let moved: bigint | undefined = amount;
    let crossed = 0;
    for (const [a, b] of side === 'SELL' ? hops : hops.reverse()) {
      const exactly = side === 'SELL' ? 'send' : 'receive';
      const edge: Edge = edges.get(edgeKey(a, b))!;
      const hop: ReturnType<typeof trade> = trade(edge, a, exactly, moved, taker, crossed);
      moved = side === 'SELL' ? hop?.received : hop?.sent;
      crossed = hop?.crossed ?? crossed;
      // A strict send may bring nothing, which then cannot be sent on.
      if (moved === undefined || moved === 0n) break;
    }
    if (moved === undefined || moved === 0n) continue;
    const [amountIn, amountOut] = side === 'SELL' ? [amount, moved] : [moved, amount];
    routes.push({ amountIn, amountOut, path: assets.slice(1, -1) });
  }
  return routes;
}

export const edgeKey = (from: AssetId, to: AssetId): string => `${from}>${to}`;

/** Assets from one end to the other, both included. */
export type Path = readonly AssetId[];

export const hopsOf = (path: Path): (readonly [AssetId, AssetId])[] =>
  path.slice(1).map((next, at) => [path[at]!, next] as const);

/** Simple paths over edges named `from>to`, the short ones first. */
export function pathsBetween(edges: Iterable<string>, from: AssetId, to: AssetId): Path[] {
  const next = new Map<AssetId, AssetId[]>();
  for (const key of edges) {
    const [a, b] = key.split('>') as [AssetId, AssetId];
    next.set(a, [...(next.get(a) ?? []), b]);
  }
  const found: AssetId[][] = [];
  let open: AssetId[][] = [[from]];
  while (open.length > 0 && found.length < MAX_PATHS) {
    const longer: AssetId[][] = [];
    for (const path of open) {
      for (const asset of next.get(path.at(-1)!) ?? []) {
        if (path.includes(asset)) continue;
        if (asset === to) found.push([...path, asset]);
        else if (path.length <= MAX_BETWEEN) longer.push([...path, asset]);
      }
    }
    open = longer.slice(0, MAX_PATHS);
  }
  return found.slice(0, MAX_PATHS);
}
