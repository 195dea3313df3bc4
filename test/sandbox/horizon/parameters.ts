import { parseAmount } from '../amount.ts';
import { type Asset, credit, isValidAsset } from '../ledger/asset.ts';
import { badField } from './problems.ts';

/** The asset of `<prefix>_asset_type`, `_code` and `_issuer`; undefined where they do not name one. */
export function readAsset(query: URLSearchParams, prefix: string): Asset | undefined {
  const type = query.get(`${prefix}_asset_type`);
  if (type === 'native') return 'native';
  const code = query.get(`${prefix}_asset_code`) ?? '';
  const asset = `${code}:${query.get(`${prefix}_asset_issuer`) ?? ''}`;
  const fits =
    type === 'credit_alphanum4' ? code.length <= 4 : type === 'credit_alphanum12' && code.length > 4;
  return fits && isValidAsset(asset) ? asset : undefined;
}

/** Horizon takes at most this many assets in a list of the path endpoints. */
const MAX_ASSETS = 15;

/** `native,CODE:ISSUER,…` of a path endpoint. */
export function readAssets(query: URLSearchParams, field: string): Asset[] {
  const assets = (query.get(field) ?? '').split(',').filter((text) => text !== '');
  if (assets.length > MAX_ASSETS) throw badField(field, `list exceeds maximum length of ${MAX_ASSETS}`);
  const wrong = assets.find((asset) => !isValidAsset(asset));
  if (wrong !== undefined) throw badField(field, `${wrong} is not a valid asset`);
  return assets;
}

export function readAmount(query: URLSearchParams, field: string): bigint {
  const amount = parseAmount(query.get(field) ?? '');
  if (!amount) throw badField(field, 'Amount must be positive');
  return amount;
}

/** `limit` of a page or an order book; undefined where it is wrong. */
export function readLimit(query: URLSearchParams, fallback: number): number {
  const text = query.get('limit') || String(fallback);
  if (!/^-?\d+$/.test(text)) throw badField('limit', 'unparseable value');
  const limit = Number(text);
  if (limit <= 0) throw badField('limit', 'invalid limit: non-positive value provided');
  if (limit > 200) throw badField('limit', 'invalid limit: value provided that is over limit max of 200');
  return limit;
}

/** Type, code and issuer of an asset under `<prefix>asset_…`. */
export function assetFields(asset: Asset, prefix = ''): Record<string, string> {
  const parts = credit(asset);
  if (!parts) return { [`${prefix}asset_type`]: 'native' };
  return {
    [`${prefix}asset_type`]: parts.code.length <= 4 ? 'credit_alphanum4' : 'credit_alphanum12',
    [`${prefix}asset_code`]: parts.code,
    [`${prefix}asset_issuer`]: parts.issuer,
  };
}

/** RFC 3339 with seconds, as Horizon writes times. */
export const formatTime = (unixSeconds: number): string =>
  new Date(unixSeconds * 1000).toISOString().replace('.000Z', 'Z');
