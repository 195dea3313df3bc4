import { StrKey } from '@stellar/stellar-sdk/base';
import { formatAmount } from '../amount.ts';
import type { Asset } from '../ledger/asset.ts';
import { canSell } from '../ledger/balances.ts';
import { isPoolShare } from '../ledger/entries.ts';
import { trustlinesOf } from '../ledger/entries_of.ts';
import type { LedgerState } from '../ledger/state.ts';
import { ok, type Route } from './http.ts';
import { assetFields, readAmount, readAsset, readAssets } from './parameters.ts';
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

const heldBy = (state: LedgerState, owner: string): Asset[] =>
  state.account(owner)
    ? ['native', ...trustlinesOf(state, owner).flatMap(({ asset }) => (isPoolShare(asset) ? [] : [asset]))]
    : [];

/** One of a list of assets and an account that names them by what it can hold. */
function readEnds(
  query: URLSearchParams,
  state: LedgerState,
  end: 'source' | 'destination',
): { assets: Asset[]; account: string | undefined } {
  const account = query.get(`${end}_account`) || undefined;
  const assets = readAssets(query, `${end}_assets`);
  if ((account === undefined) === (assets.length === 0)) {
    const detail = `The request requires either a list of ${end} assets or a ${end} account. Both fields cannot be present.`;
    throw problem('bad_request', undefined, detail);
  }
  if (account !== undefined && !StrKey.isValidEd25519PublicKey(account)) {
    throw badField(`${end}_account`, 'Account ID must start with `G` and contain 56 alphanum characters');
  }
  return { assets: account === undefined ? assets : heldBy(state, account), account };
}

function readEnd(query: URLSearchParams, end: 'source' | 'destination'): Asset {
  const asset = readAsset(query, end);
  if (!asset) throw badField(`${end}_asset_type`, 'Asset type, code or issuer is invalid');
  return asset;
}

/** GET /paths/strict-send */
export const strictSendPaths: Route = {
  method: 'GET',
  pattern: /^\/paths\/strict-send$/,
  fromState: true,
  handle({ network: { state }, query }) {
    const { assets } = readEnds(query, state, 'destination');
    const amount = readAmount(query, 'source_amount');
    return page(findStrictSend(state, readEnd(query, 'source'), amount, assets));
  },
};

/** GET /paths/strict-receive; of a source account only what it can pay. */
export const strictReceivePaths: Route = {
  method: 'GET',
  pattern: /^\/paths\/strict-receive$/,
  fromState: true,
  handle({ network: { state }, query }) {
    const { assets, account } = readEnds(query, state, 'source');
    const amount = readAmount(query, 'destination_amount');
    const paths = findStrictReceive(state, readEnd(query, 'destination'), amount, assets, account);
    const payable = ({ source, sourceAmount }: FoundPath): boolean =>
      account === undefined || sourceAmount <= canSell(state, account, source);
    return page(paths.filter(payable));
  },
};
