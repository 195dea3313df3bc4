import { Asset as SdkAsset, StrKey } from '@stellar/stellar-sdk/base';
import type { Asset as XdrAsset } from '@stellar/stellar-sdk/xdr';
import { connectorError } from '../errors.ts';

/** Canonical text of an asset: `native`, or `CODE:ISSUER` as Horizon's path endpoints write it. */
export type AssetId = string;

export const NATIVE: AssetId = 'native';
export const NATIVE_SYMBOL = 'XLM';

export interface Market {
  base: AssetId;
  quote: AssetId;
}

/** A market as the key of a map or of a row. */
export const marketKey = ({ base, quote }: Market): string => `${base} ${quote}`;

/** One asset of the listed markets, as `GET /tokens` shows it. */
export interface Token {
  symbol: string;
  address: AssetId;
  decimals: 7;
  name: string;
}

/** Canonical asset of `XLM`, `native` or `CODE:ISSUER`; undefined for anything else. The issuer's checksum is checked. */
export function parseAsset(text: string): AssetId | undefined {
  if (text === NATIVE || text === NATIVE_SYMBOL) return NATIVE;
  const match = /^([a-zA-Z0-9]{1,12}):(G[A-Z2-7]{55})$/.exec(text);
  return match !== null && StrKey.isValidEd25519PublicKey(match[2]!) ? text : undefined;
}

export const assetCode = (asset: AssetId): string =>
  asset === NATIVE ? NATIVE_SYMBOL : asset.slice(0, asset.indexOf(':'));

const assetIssuer = (asset: AssetId): string => asset.slice(asset.indexOf(':') + 1);

/** The tokens of the listed markets; a code that two of them share is no symbol, they go by `CODE:ISSUER`. */
export function listTokens(markets: readonly Market[]): Token[] {
  const assets = [...new Set([NATIVE, ...markets.flatMap(({ base, quote }) => [base, quote])])];
  const times = (code: string): number => assets.filter((other) => assetCode(other) === code).length;
  return assets.map((asset) => {
    const code = assetCode(asset);
    return {
      symbol: asset === NATIVE || times(code) === 1 ? code : asset,
      address: asset,
      decimals: 7,
      name: asset === NATIVE ? 'Stellar Lumens' : `${code} of ${assetIssuer(asset)}`,
    };
  });
}

/**
 * The asset that a client means. A bare code resolves among the listed tokens only, so that a look-alike of another
 * issuer is never meant by it; `CODE:ISSUER` always works.
 * @throws `invalid-params`
 */
export function resolveAsset(text: string, tokens: readonly Token[], field: string): AssetId {
  const listed = tokens.find(({ symbol }) => symbol === text);
  const asset = listed?.address ?? parseAsset(text);
  if (asset !== undefined) return asset;
  throw connectorError(
    'invalid-params',
    `${field} is neither a listed symbol (${tokens.map(({ symbol }) => symbol).join(', ')}) nor CODE:ISSUER`,
    { field },
  );
}

/** Horizon's three-part form of an asset. */
export interface HorizonAsset {
  asset_type: string;
  asset_code?: string | undefined;
  asset_issuer?: string | undefined;
}

/** Undefined for pool shares and anything that is not a valid asset. */
export function fromHorizonAsset(asset: HorizonAsset): AssetId | undefined {
  if (asset.asset_type === 'native') return NATIVE;
  return parseAsset(`${asset.asset_code}:${asset.asset_issuer}`);
}

/** Query parameters `<prefix>_asset_type` … of Horizon. */
export function horizonAssetQuery(prefix: string, asset: AssetId): Record<string, string> {
  if (asset === NATIVE) return { [`${prefix}_asset_type`]: 'native' };
  const code = assetCode(asset);
  return {
    [`${prefix}_asset_type`]: code.length <= 4 ? 'credit_alphanum4' : 'credit_alphanum12',
    [`${prefix}_asset_code`]: code,
    [`${prefix}_asset_issuer`]: assetIssuer(asset),
  };
}

export function toXdrAsset(asset: AssetId): XdrAsset {
  return (
    asset === NATIVE ? SdkAsset.native() : new SdkAsset(assetCode(asset), assetIssuer(asset))
  ).toXdrObject();
}

export function fromXdrAsset(asset: XdrAsset): AssetId {
  const decoded = SdkAsset.fromOperation(asset);
  return decoded.isNative() ? NATIVE : `${decoded.getCode()}:${decoded.getIssuer()}`;
}
