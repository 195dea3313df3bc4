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
/** Paths that are tried for one quote; more markets than that in a circle are no use. */
const MAX_PATHS = 200;

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
): Route[] {
  const routes: Route[] = [];
  for (const assets of paths(edges, from, to)) {
    const hops = assets.slice(1).map((next, at) => [assets[at]!, next] as const);
    let moved: bigint | undefined = amount;
    for (const [a, b] of side === 'SELL' ? hops : hops.toReversed()) {
      const exactly = side === 'SELL' ? 'send' : 'receive';
      const hop: { sent: bigint; received: bigint } | undefined = trade(
        edges.get(edgeKey(a, b))!,
        ...([a, exactly, moved, taker] as const),
      );
      moved = side === 'SELL' ? hop?.received : hop?.sent;
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

/** Simple paths, the short ones first. */
function paths(edges: ReadonlyMap<string, Edge>, from: AssetId, to: AssetId): AssetId[][] {
  const next = new Map<AssetId, AssetId[]>();
  for (const key of edges.keys()) {
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
