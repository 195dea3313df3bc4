import { StrKey } from '@stellar/stellar-sdk/base';
import * as xdr from '@stellar/stellar-sdk/xdr';
import { type AssetId, fromXdrAsset, NATIVE, toXdrAsset } from '../../market/asset.ts';
import type { AccountState, Balance } from '../../market/balance.ts';

/*
 * Ledger keys and entries (Stellar-ledger-entries.x) of what the connector asks RPC for. Pure; decoding throws a plain
 * Error for bytes that are no such entry.
 */

/** `AUTHORIZED_FLAG` of a trust line: without it nothing can be sent or received. */
const AUTHORIZED = 1;

const publicKey = (account: string): xdr.PublicKey =>
  xdr.PublicKey.publicKeyTypeEd25519(StrKey.decodeEd25519PublicKey(account));

export const accountKey = (account: string): string =>
  xdr.LedgerKey.account(new xdr.LedgerKeyAccount({ accountId: publicKey(account) })).toXdr('base64');

/** @param asset not native, which has no line */
export function trustLineKey(account: string, asset: AssetId): string {
  const line = xdr.TrustLineAsset.fromXdr(toXdrAsset(asset).toXdr());
  const key = new xdr.LedgerKeyTrustLine({ accountId: publicKey(account), asset: line });
  return xdr.LedgerKey.trustline(key).toXdr('base64');
}

/** The ledger has no negative amounts, though the bytes could say them. */
function amounts(...values: readonly bigint[]): void {
  if (values.some((value) => value < 0n)) throw new Error('a negative amount');
}

const decode = (bytes: string): xdr.LedgerEntryData => xdr.LedgerEntryData.fromXdr(bytes, 'base64');

/** The key that an entry is kept under, rebuilt from its own bytes: it must be the one that was asked for. */
export function keyOf(bytes: string): string {
  const entry = decode(bytes);
  switch (entry.type) {
    case 'account':
      return xdr.LedgerKey.account(new xdr.LedgerKeyAccount({ accountId: entry.account.accountId })).toXdr(
        'base64',
      );
    case 'trustline': {
      const { accountId, asset } = entry.trustLine;
      return xdr.LedgerKey.trustline(new xdr.LedgerKeyTrustLine({ accountId, asset })).toXdr('base64');
    }
    default:
      throw new Error(`an entry of the kind ${entry.type}`);
  }
}

/** An account from its entry and those of its lines. Shares of pools are not among them. */
export function decodeAccount(account: string, lines: readonly string[]): AccountState {
  const entry = decode(account);
  if (entry.type !== 'account') throw new Error('no account');
  const { balance, seqNum, numSubEntries, ext } = entry.account;
  const v1 = ext.type === 'v1' ? ext.v1 : undefined;
  const v2 = v1?.ext.type === 'v2' ? v1.ext.v2 : undefined;
  amounts(balance, seqNum, v1?.liabilities.buying ?? 0n, v1?.liabilities.selling ?? 0n);
  const native: Balance = {
    asset: NATIVE,
    balance,
    limit: undefined,
    buyingLiabilities: v1?.liabilities.buying ?? 0n,
    sellingLiabilities: v1?.liabilities.selling ?? 0n,
    authorized: true,
  };
  return {
    sequence: seqNum,
    subentries: numSubEntries,
    sponsoring: v2?.numSponsoring ?? 0,
    sponsored: v2?.numSponsored ?? 0,
    balances: [native, ...lines.map(decodeLine)],
  };
}

function decodeLine(bytes: string): Balance {
  const entry = decode(bytes);
  if (entry.type !== 'trustline' || entry.trustLine.asset.type === 'assetTypePoolShare') {
    throw new Error('no trust line of an asset');
  }
  const { asset, balance, limit, flags, ext } = entry.trustLine;
  const v1 = ext.type === 'v1' ? ext.v1 : undefined;
  amounts(balance, limit, v1?.liabilities.buying ?? 0n, v1?.liabilities.selling ?? 0n);
  return {
    asset: fromXdrAsset(xdr.Asset.fromXdr(asset.toXdr())),
    balance,
    limit,
    buyingLiabilities: v1?.liabilities.buying ?? 0n,
    sellingLiabilities: v1?.liabilities.selling ?? 0n,
    authorized: (flags & AUTHORIZED) !== 0,
  };
}
