import { StrKey } from '@stellar/stellar-sdk/base';

/** `native`, or `CODE:ISSUER` (issuer as G… address). */
export type Asset = string;

/** An asset in SEP-51 JSON, as `toJson()` of the XDR types writes it. */
export type AssetJson =
  | 'native'
  | { credit_alphanum4: { asset_code: string; issuer: string } }
  | { credit_alphanum12: { asset_code: string; issuer: string } };

export interface Credit {
  code: string;
  issuer: string;
}

/** Code and issuer; undefined for the native asset. */
export function credit(asset: Asset): Credit | undefined {
  const colon = asset.indexOf(':');
  return colon < 0 ? undefined : { code: asset.slice(0, colon), issuer: asset.slice(colon + 1) };
}

export const issuerOf = (asset: Asset): string | undefined => credit(asset)?.issuer;

/** Core's rule for codes: 1 to 4, or 5 to 12, ASCII letters and digits. */
export function isValidAsset(asset: Asset): boolean {
  if (asset === 'native') return true;
  const parts = credit(asset);
  return (
    parts !== undefined &&
    /^[a-zA-Z0-9]{1,12}$/.test(parts.code) &&
    StrKey.isValidEd25519PublicKey(parts.issuer)
  );
}

/** A short code in the long form is kept apart, as it is no valid asset. */
export function assetFromJson(json: AssetJson): Asset {
  if (json === 'native') return 'native';
  const { asset_code, issuer } = 'credit_alphanum4' in json ? json.credit_alphanum4 : json.credit_alphanum12;
  const misfit = 'credit_alphanum12' in json && asset_code.length <= 4;
  return `${misfit ? 'credit_alphanum12/' : ''}${asset_code}:${issuer}`;
}

export function assetToJson(asset: Asset): AssetJson {
  const parts = credit(asset);
  if (!parts) return 'native';
  const value = { asset_code: parts.code, issuer: parts.issuer };
  return parts.code.length <= 4 ? { credit_alphanum4: value } : { credit_alphanum12: value };
}
