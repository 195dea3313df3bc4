import { MAX_STROOPS } from './amount.ts';
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
 * What is left of an asset above what offers hold back and, of native, above the reserve; negative when that is more than
 * is there. Nothing of a frozen line. Undefined: the account holds no such asset.
 */
export function available(account: AccountState, asset: AssetId, baseReserve: bigint): bigint | undefined {
  const entry = account.balances.find((line) => line.asset === asset);
  if (entry === undefined) return undefined;
  const reserve = asset === NATIVE ? minimumBalance(account, baseReserve) : 0n;
  return entry.authorized ? entry.balance - entry.sellingLiabilities - reserve : 0n;
}

/** How much more of an asset the account can take; undefined: no trust line. */
export function room(account: AccountState, asset: AssetId): bigint | undefined {
  const entry = account.balances.find((line) => line.asset === asset);
  if (entry === undefined) return undefined;
  return (entry.limit ?? MAX_STROOPS) - entry.balance - entry.buyingLiabilities;
}

/**
 * What can be spent now, per asset held, never negative; of native, `buffer` (stroops) is kept back for fees. The client
 * takes the answer for total and available alike, so that only the spendable part may be shown.
 */
export function spendable(account: AccountState, baseReserve: bigint, buffer = 0n): Map<AssetId, bigint> {
  return new Map(
    account.balances.map(({ asset }) => {
      const left = available(account, asset, baseReserve)! - (asset === NATIVE ? buffer : 0n);
      return [asset, left > 0n ? left : 0n];
    }),
  );
}
