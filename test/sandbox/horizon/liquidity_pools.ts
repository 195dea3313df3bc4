import { formatAmount } from '../amount.ts';
import { isValidAsset } from '../ledger/asset.ts';
import type { Pool } from '../ledger/entries.ts';
import { POOL_FEE } from '../ledger/pool.ts';
import type { View } from '../network.ts';
import { link, ok, PAGE, type Route, template } from './http.ts';
import { pageOf } from './page.ts';
import { modifiedFields, poolIdOf } from './parameters.ts';
import { badField, problem } from './problems.ts';
import { stateList } from './state_list.ts';

/** What a pool is, besides its id. */
export const poolFields = ({ lines, shares, assetA, assetB, reserveA, reserveB }: Pool) => ({
  fee_bp: Number(POOL_FEE),
  type: 'constant_product',
  total_trustlines: String(lines),
  total_shares: formatAmount(shares),
  reserves: [
    { asset: assetA, amount: formatAmount(reserveA) },
    { asset: assetB, amount: formatAmount(reserveB) },
  ],
});

function resource(network: View, base: string, pool: Pool) {
  const self = `${base}/liquidity_pools/${pool.id}`;
  return {
    _links: {
      self: link(self),
      transactions: template(`${self}/transactions${PAGE}`),
      operations: template(`${self}/operations${PAGE}`),
    },
    id: pool.id,
    paging_token: pool.id,
    ...poolFields(pool),
    ...modifiedFields(network, pool),
  };
}

/** GET /liquidity_pools */
export const liquidityPools: Route = {
  method: 'GET',
  pattern: /^\/liquidity_pools$/,
  fromState: true,
  handle(request) {
    const { network, base, query } = request;
    const reserves = (query.get('reserves') ?? '').split(',').filter((asset) => asset !== '');
    if (!reserves.every(isValidAsset)) {
      throw badField(
        'reserves',
        'Invalid reserves, should be comma-separated list of assets in canonical form',
      );
    }
    const owner = query.get('account') || undefined;
    const { state } = network;
    const isWanted = ({ id, assetA, assetB }: Pool): boolean =>
      reserves.every((asset) => asset === assetA || asset === assetB) &&
      (owner === undefined || state.trustline(owner, `pool:${id}`) !== undefined);
    const list = stateList(request, 'texts', {
      entries: () => [...state.pools()].filter(isWanted),
      tokenOf: ({ id }) => id,
      render: (pool) => resource(network, base, pool),
    });
    return ok(pageOf(request, list));
  },
};

/** GET /liquidity_pools/{liquidity_pool_id} */
export const liquidityPool: Route = {
  method: 'GET',
  pattern: /^\/liquidity_pools\/(\w+)$/,
  fromState: true,
  handle({ network, base, parameters: [id = ''] }) {
    const pool = network.state.pool(poolIdOf('liquidity_pool_id', id));
    if (!pool) throw problem('not_found');
    return ok(resource(network, base, pool));
  },
};
