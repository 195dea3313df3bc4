import { StrKey } from '@stellar/stellar-sdk/base';
import { formatAmount, parseAmount } from '../amount.ts';
import { type Asset, credit, isValidAsset } from '../ledger/asset.ts';
import type { Account } from '../ledger/entries.ts';
import { INT64_MAX, type Price } from '../ledger/exchange.ts';
import type { View } from '../network.ts';
import { badField } from './problems.ts';

/** How long a code may be, by type of asset. */
const LONGEST: Record<string, number> = { native: 0, credit_alphanum4: 4, credit_alphanum12: 12 };

/** A short code in the long form names an asset that nobody can hold. */
const assetOf = (longest: number, code: string, issuer: string): Asset =>
  `${longest === 12 && code.length <= 4 ? 'credit_alphanum12/' : ''}${code}:${issuer}`;

/**
 * The asset of `<prefix>_asset_type`, `_code` and `_issuer` of an order book, which looks at no letter of a code;
 * undefined where they do not name one.
 */
export function readAsset(query: URLSearchParams, prefix: string): Asset | undefined {
  const [type = '', code = '', issuer = ''] = ['type', 'code', 'issuer'].map(
    (part) => query.get(`${prefix}_asset_${part}`) ?? '',
  );
  if (type === 'native') return 'native';
  const longest = LONGEST[type];
  if (longest === undefined || code.length > longest) return undefined;
  return StrKey.isValidEd25519PublicKey(issuer) ? assetOf(longest, code, issuer) : undefined;
}

const ACCOUNT_ID = 'Account ID must start with `G` and contain 56 alphanum characters';

/** An account in `field`; undefined where it is not given. */
export function readAccountId(query: URLSearchParams, field: string): string | undefined {
  const address = query.get(field) || undefined;
  return address === undefined ? undefined : accountId(field, address);
}

export function accountId(field: string, address: string): string {
  if (!StrKey.isValidEd25519PublicKey(address)) throw badField(field, ACCOUNT_ID);
  return address;
}

export function offerId(id: string): bigint {
  if (/^\d{1,19}$/.test(id) && BigInt(id) > 0n && BigInt(id) <= INT64_MAX) return BigInt(id);
  throw badField('offer_id', 'Offer ID must be an integer higher than 0');
}

/** Lower-case hex of 32 bytes. */
export function poolIdOf(field: string, id: string): string {
  if (!/^[0-9a-f]{64}$/.test(id)) throw badField(field, `${id} does not validate as sha256`);
  return id;
}

/** `native` or `CODE:ISSUER` in `field`; undefined where it is not given. */
export function readShortAsset(query: URLSearchParams, field: string): Asset | undefined {
  const asset = query.get(field) || undefined;
  if (asset !== undefined && !isValidAsset(asset)) {
    throw badField(
      field,
      'Asset must be the string "native" or a string of the form "Code:IssuerAccountID" for issued assets.',
    );
  }
  return asset;
}

/** The asset of `<prefix>_asset_type`, `_code` and `_issuer` with Horizon's words for each fault; undefined without any. */
export function readLongAsset(query: URLSearchParams, prefix: string): Asset | undefined {
  const [typeField, codeField, issuerField] = ['type', 'code', 'issuer'].map(
    (part) => `${prefix}_asset_${part}`,
  ) as [string, string, string];
  const [type, code, issuer] = [typeField, codeField, issuerField].map((field) => query.get(field) ?? '') as [
    string,
    string,
    string,
  ];
  const longest = LONGEST[type];
  if (type !== '' && longest === undefined) {
    throw badField(typeField, 'Asset type must be native, credit_alphanum4 or credit_alphanum12');
  }
  readAccountId(query, issuerField);
  if (longest === undefined) {
    if (code !== '' || issuer !== '') throw badField(typeField, 'Missing parameter');
    return undefined;
  }
  if (type === 'native') {
    if (code !== '') throw badField(codeField, 'native asset does not have a code');
    if (issuer !== '') throw badField(issuerField, 'native asset does not have an issuer');
    return 'native';
  }
  if (code === '' || code.length > longest) {
    throw badField(codeField, 'Asset code must be 1-12 alphanumeric characters');
  }
  if (issuer === '') throw badField(issuerField, 'Missing parameter');
  return assetOf(longest, code, issuer);
}

/** Horizon takes at most this many assets in a list of the path endpoints, and names the longest path for it. */
const MAX_ASSETS = 15;

/** `native,CODE:ISSUER,…` of a path endpoint. */
export function readAssets(query: URLSearchParams, field: string): Asset[] {
  const assets = (query.get(field) ?? '').split(',').filter((text) => text !== '');
  for (const asset of assets) {
    if (isValidAsset(asset)) continue;
    const [code = '', ...issuers] = asset.split(':');
    const fault = /^[a-zA-Z0-9]{1,12}$/.test(code) ? 'issuer' : 'asset code';
    const why = issuers.length === 1 ? `, it contains an invalid ${fault}` : '';
    throw badField(field, `${asset} is not a valid asset${why}`);
  }
  if (assets.length > MAX_ASSETS) throw badField(field, 'list of assets exceeds maximum length of 3');
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
    [`${prefix}asset_code`]: parts.code.replace('credit_alphanum12/', ''),
    [`${prefix}asset_issuer`]: parts.issuer,
  };
}

/** Type, code and issuer, by which Horizon sorts assets. */
export const sortKey = (asset: Asset): string => Object.values(assetFields(asset)).join('/');

/** Rounded half up to seven places. */
export const formatPrice = ({ n, d }: Price): string =>
  formatAmount((BigInt(n) * 20_000_000n + BigInt(d)) / (2n * BigInt(d)));

/** RFC 3339 with seconds, as Horizon writes times. */
export const formatTime = (unixSeconds: number): string =>
  new Date(unixSeconds * 1000).toISOString().replace('.000Z', 'Z');

/** When an entry was written last; no time where that ledger is before the server's history. */
export function modifiedFields({ ledgers }: View, { modified }: Pick<Account, 'modified'>) {
  const ledger = ledgers[modified - ledgers[0]!.sequence];
  return { last_modified_ledger: modified, last_modified_time: ledger ? formatTime(ledger.closeTime) : null };
}
