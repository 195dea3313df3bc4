import { type AssetId, NATIVE } from './asset.ts';

/** What the ledger says of one balance of an account; stroops. */
export interface Balance {
  asset: AssetId;
  balance: bigint;
  sellingLiabilities: bigint;
  /** Balance plus buying liabilities may not pass it; undefined for native. */
  limit: bigint | undefined;
  buyingLiabilities: bigint;
  /** False: the issuer froze the line, nothing can be sent. */
  authorized: boolean;
}

/** The line that holds shares of a pool. It counts as two sub-entries. */
export interface PoolShares {
  poolId: string;
  /** Ten-millionths of a share, as stroops are of a unit. */
  balance: bigint;
  limit: bigint;
}

export interface AccountState {
  sequence: bigint;
  subentries: number;
  sponsoring: number;
  sponsored: number;
  balances: Balance[];
  /** Absent: the source does not tell. */
  poolShares?: readonly PoolShares[];
}

/** What the account must keep in native to exist: (2 + sub-entries + sponsoring − sponsored) × base reserve, stroops. */
export function minimumBalance(account: AccountState, baseReserve: bigint): bigint {
  return BigInt(2 + account.subentries + account.sponsoring - account.sponsored) * baseReserve;
}

/**
 * What can be spent now, per asset held: balance − selling liabilities − reserve, never negative. The client takes
 * the answer for total and available alike, so that only the spendable part may be shown. `buffer` of native is kept back
 * for fees.
 */
export function spendable(account: AccountState, baseReserve: bigint, buffer = 0n): Map<AssetId, bigint> {
  return new Map(
    account.balances.map((entry) => {
      const reserve = entry.asset === NATIVE ? minimumBalance(account, baseReserve) + buffer : 0n;
      const left = entry.authorized ? entry.balance - entry.sellingLiabilities - reserve : 0n;
      return [entry.asset, left > 0n ? left : 0n];
    }),
  );
}
