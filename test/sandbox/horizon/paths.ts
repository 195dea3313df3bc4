import { formatAmount } from '../amount.ts';
import type { Asset } from '../ledger/asset.ts';
import { isPoolShare } from '../ledger/entries.ts';
import { trustlinesOf } from '../ledger/entries_of.ts';
import { INT64_MAX } from '../ledger/exchange.ts';
import type { LedgerState } from '../ledger/state.ts';
import { type HorizonRequest, ok, type Route } from './http.ts';
import { assetFields, readAccountId, readAmount, readAssets, readLongAsset } from './parameters.ts';
import { type FoundPath, findStrictReceive, findStrictSend } from './path_finder.ts';
import { badField, problem } from './problems.ts';

const page = (paths: FoundPath[]) =>
  ok({
    _embedded: {
      records: paths.map((path) => ({
        ...assetFields(path.source, 'source_'),
        source_amount: formatAmount(path.sourceAmount),
        ...assetFields(path.destination, 'destination_'),
        destination_amount: formatAmount(path.destinationAmount),
        path: path.path.map((asset) => assetFields(asset)),
      })),
    },
  });

/** What an account holds of each asset, all of it: Horizon does not ask how much it can spend. */
function heldBy(state: LedgerState, owner: string): Map<Asset, bigint> {
  const account = state.account(owner);
  if (!account) return new Map();
  const lines = trustlinesOf(state, owner).filter(({ asset }) => !isPoolShare(asset));
  return new Map([
    ...lines.map(({ asset, balance }): [Asset, bigint] => [asset, balance]),
    ['native', account.balance],
  ]);
}

/** The end of a path that is one of a list of assets, or what an account holds. */
function readEnds(
  { network: { state }, query }: HorizonRequest,
  end: 'source' | 'destination',
): Map<Asset, bigint> {
  const account = readAccountId(query, `${end}_account`);
  if ((account === undefined) === !query.get(`${end}_assets`)) {
    const detail = `The request requires either a list of ${end} assets or a ${end} account. Both fields cannot be present.`;
    throw problem('bad_request', undefined, detail);
  }
  const assets = readAssets(query, `${end}_assets`);
  return account === undefined ? new Map(assets.map((asset) => [asset, INT64_MAX])) : heldBy(state, account);
}

function readEnd(query: URLSearchParams, end: 'source' | 'destination'): Asset {
  const asset = readLongAsset(query, end);
  if (asset === undefined) throw badField(`${end}_asset_type`, 'Missing required field');
  return asset;
}

/** GET /paths/strict-send */
export const strictSendPaths: Route = {
  method: 'GET',
  pattern: /^\/paths\/strict-send$/,
  fromState: true,
  handle(request) {
    const { network, query } = request;
    const amount = readAmount(query, 'source_amount');
    const ends = readEnds(request, 'destination');
    return page(findStrictSend(network.state, readEnd(query, 'source'), amount, [...ends.keys()]));
  },
};

/** GET /paths/strict-receive, and by its old name /paths; of a source account only what it holds enough of. */
export const strictReceivePaths: Route = {
  method: 'GET',
  pattern: /^\/paths(\/strict-receive)?$/,
  fromState: true,
  handle(request) {
    const { network, query } = request;
    readAccountId(query, 'destination_account');
    const amount = readAmount(query, 'destination_amount');
    const ends = readEnds(request, 'source');
    const taker = query.get('source_account') || undefined;
    return page(findStrictReceive(network.state, readEnd(query, 'destination'), amount, ends, taker));
  },
};
