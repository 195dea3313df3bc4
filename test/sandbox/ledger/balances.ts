import { type Asset, issuerOf } from './asset.ts';
import { INT64_MAX, offerLiabilities } from './exchange.ts';
import type { Account, LedgerState, Offer } from './state.ts';

/** Stroops for each entry that an account owns; the account itself counts as two. */
export const BASE_RESERVE = 5_000_000n;
/** Stroops for each operation. */
export const BASE_FEE = 100n;

const atLeastZero = (value: bigint): bigint => (value > 0n ? value : 0n);

export const minimumBalance = (account: Account): bigint => BigInt(2 + account.subentries) * BASE_RESERVE;

/** What an account may spend of its lumens above reserve and selling liabilities; negative if it is below them. */
export const spendable = (account: Account): bigint =>
  account.balance - minimumBalance(account) - account.sellingLiabilities;

/** The most that the owner of an offer can deliver; an issuer has its own asset without bound. */
export function canSell(state: LedgerState, owner: string, asset: Asset): bigint {
  if (asset === 'native') {
    const account = state.account(owner);
    return account ? atLeastZero(spendable(account)) : 0n;
  }
  if (issuerOf(asset) === owner) return INT64_MAX;
  const line = state.trustline(owner, asset);
  return line && line.authorization !== 'none' ? atLeastZero(line.balance - line.sellingLiabilities) : 0n;
}

/** The most that the owner of an offer can take in. */
export function canBuy(state: LedgerState, owner: string, asset: Asset): bigint {
  if (asset === 'native') {
    const account = state.account(owner);
    return account ? atLeastZero(INT64_MAX - account.balance - account.buyingLiabilities) : 0n;
  }
  if (issuerOf(asset) === owner) return INT64_MAX;
  const line = state.trustline(owner, asset);
  return line && line.authorization !== 'none'
    ? atLeastZero(line.limit - line.balance - line.buyingLiabilities)
    : 0n;
}

/**
 * Adds `delta` stroops (negative: takes away). False, and nothing changed, where limit, reserve or liabilities
 * forbid it or the holding does not exist. An issuer's own asset comes from and goes to nowhere.
 */
export function addBalance(state: LedgerState, owner: string, asset: Asset, delta: bigint): boolean {
  if (asset === 'native') {
    const account = state.account(owner);
    if (!account) return false;
    if (delta === 0n) return true;
    const balance = account.balance + delta;
    const floor = account.sellingLiabilities + minimumBalance(account);
    if (balance < 0n || (delta < 0n && balance < floor)) return false;
    if (balance > INT64_MAX - account.buyingLiabilities) return false;
    state.put({ account: { ...account, balance } });
    return true;
  }
  if (issuerOf(asset) === owner) return true;
  const line = state.trustline(owner, asset);
  if (!line) return false;
  if (delta === 0n) return true;
  const balance = line.balance + delta;
  if (balance < line.sellingLiabilities || balance > line.limit - line.buyingLiabilities) return false;
  state.put({ trustline: { ...line, balance } });
  return true;
}

function addLiabilities(
  state: LedgerState,
  owner: string,
  asset: Asset,
  delta: { buying: bigint; selling: bigint },
): void {
  const entry = asset === 'native' ? state.account(owner) : state.trustline(owner, asset);
  if (!entry) {
    if (issuerOf(asset) === owner) return;
    throw new Error(`${owner} has an offer but no trust line of ${asset}`);
  }
  const liabilities = {
    buyingLiabilities: entry.buyingLiabilities + delta.buying,
    sellingLiabilities: entry.sellingLiabilities + delta.selling,
  };
  if ('address' in entry) state.put({ account: { ...entry, ...liabilities } });
  else state.put({ trustline: { ...entry, ...liabilities } });
}

/** Reserves (`1n`) or sets free (`-1n`) what an offer may have to deliver and take in. */
export function changeLiabilities(state: LedgerState, offer: Offer, sign: 1n | -1n): void {
  const { selling, buying } = offerLiabilities(offer.price, offer.amount);
  addLiabilities(state, offer.seller, offer.selling, { selling: sign * selling, buying: 0n });
  addLiabilities(state, offer.seller, offer.buying, { selling: 0n, buying: sign * buying });
}
