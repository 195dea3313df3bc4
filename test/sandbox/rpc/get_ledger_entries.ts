import { xdr } from '@stellar/stellar-sdk/base';
import { type AssetJson, assetFromJson } from '../ledger/asset.ts';
import type { Entry } from '../ledger/entries.ts';
import { entryToXdr } from '../ledger/entry_xdr.ts';
import { poolIdFromJson, poolShare } from '../ledger/pool.ts';
import type { LedgerState } from '../ledger/state.ts';
import { refusal, rpcError } from './errors.ts';
import { checkFormat, method } from './method.ts';

const MAX_KEYS = 200;

/** LedgerKey in SEP-51 JSON, as far as there are such entries here. */
interface KeyJson {
  account?: { account_id: string };
  trustline?: { account_id: string; asset: AssetJson | { pool_share: string } };
  offer?: { seller_id: string; offer_id: string };
  data?: { account_id: string; data_name: string };
  liquidity_pool?: { liquidity_pool_id: string };
}

/** @throws RpcError for a kind of entries that the sandbox has none of */
function find(state: LedgerState, key: xdr.LedgerKey): Entry | undefined {
  const json = key.toJson() as unknown as KeyJson;
  if (json.account) return state.account(json.account.account_id);
  if (json.offer) return state.offer(json.offer.seller_id, BigInt(json.offer.offer_id));
  if (json.data) return state.data(json.data.account_id, json.data.data_name);
  if (json.liquidity_pool) return state.pool(poolIdFromJson(json.liquidity_pool.liquidity_pool_id));
  if (!json.trustline) throw refusal(Object.keys(json)[0]!);
  const { account_id, asset } = json.trustline;
  const isShare = typeof asset === 'object' && 'pool_share' in asset;
  return state.trustline(
    account_id,
    isShare ? poolShare(poolIdFromJson(asset.pool_share)) : assetFromJson(asset),
  );
}

function parseKey(text: string, index: number): xdr.LedgerKey {
  const bytes = Buffer.from(text, 'base64');
  try {
    if (bytes.toString('base64') !== text) throw new Error('not base64');
    return xdr.LedgerKey.fromXdr(bytes);
  } catch {
    throw rpcError('invalid_params', `cannot unmarshal key value ${text} at index ${index}`);
  }
}

function record(key: xdr.LedgerKey, entry: Entry, asJson: boolean) {
  const { data, ext, lastModifiedLedgerSeq } = entryToXdr(entry);
  return asJson
    ? { keyJson: key.toJson(), dataJson: data.toJson(), lastModifiedLedgerSeq, extJson: ext.toJson() }
    : {
        ...{ key: key.toXdr('base64'), xdr: data.toXdr('base64') },
        ...{ lastModifiedLedgerSeq, extXdr: ext.toXdr('base64') },
      };
}

/** What is not in the ledger is left out. */
export const getLedgerEntries = method(
  'getLedgerEntries',
  { keys: '[]string', xdrFormat: 'string' },
  ({ network }, { keys, xdrFormat }) => {
    checkFormat(xdrFormat);
    if (keys.length > MAX_KEYS)
      throw rpcError('invalid_params', `key count (${keys.length}) exceeds maximum supported (${MAX_KEYS})`);
    const parsed = keys.map((text, index) => {
      const key = parseKey(text, index);
      if (key.type === 'ttl')
        throw rpcError('invalid_params', 'ledger ttl entries cannot be queried directly');
      return [text, key] as const;
    });
    if (keys.length === 0)
      throw rpcError('internal', 'could not query captive core: no keys specified in request');
    // Each key once, where it was named last.
    const unique = [...new Map(parsed.toReversed())].toReversed();
    const entries = unique.flatMap(([, key]) => {
      const entry = find(network.state, key);
      return entry ? [record(key, entry, xdrFormat === 'json')] : [];
    });
    return { entries, latestLedger: network.latest.sequence };
  },
);
