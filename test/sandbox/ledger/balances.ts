import { type Asset, issuerOf } from './asset.ts';
import { type Account, isPoolShare, maintainsLiabilities, type Offer, type Trustline } from './entries.ts';
import { INT64_MAX, offerLiabilities } from './exchange.ts';
import type { Header, LedgerState } from './state.ts';

/** The most entries that an account may own. */
const MAX_SUBENTRIES = 1000;

const atLeastZero = (value: bigint): bigint => (value > 0n ? value : 0n);

/** Stroops that an account must keep; it counts as two entries itself. */
export const minimumBalance = ({ baseReserve }: Header, account: Account): bigint =>
  BigInt(2 + account.subentries + account.sponsoring - account.sponsored) * baseReserve;

/** What an account may spend of its lumens above reserve and selling liabilities; negative if it is below them. */
export const spendable = (header: Header, account: Account): bigint =>
  account.balance - minimumBalance(header, account) - account.liabilities.selling;

/** What an account can take in; negative if it has promised more than it can hold. */
const accountRoom = (account: Account): bigint => INT64_MAX - account.balance - account.liabilities.buying;
const lineRoom = (line: Trustline): bigint => line.limit - line.balance - line.liabilities.buying;
const lineSpendable = (line: Trustline): bigint => line.balance - line.liabilities.selling;

/**
 * What a holder of an asset could give, as it is: negative where reserves were raised above the balance. An issuer has
 * its own asset without bound; undefined where there is no holding.
 */
export function available(state: LedgerState, owner: string, asset: Asset): bigint | undefined {
  if (asset === 'native') {
    const account = state.account(owner);
    return account && spendable(state.header, account);
  }
  if (issuerOf(asset) === owner) return INT64_MAX;
  const line = state.trustline(owner, asset);
  return line && lineSpendable(line);
}

/** What a holder of an asset could take, as it is; undefined where there is no holding. */
export function room(state: LedgerState, owner: string, asset: Asset): bigint | undefined {
  if (asset === 'native') {
    const account = state.account(owner);
    return account && accountRoom(account);
  }
  if (issuerOf(asset) === owner) return INT64_MAX;
  const line = state.trustline(owner, asset);
  return line && lineRoom(line);
}

const unauthorized = (state: LedgerState, owner: string, asset: Asset): boolean => {
  if (asset === 'native' || issuerOf(asset) === owner) return false;
  const line = state.trustline(owner, asset);
  return !line || !maintainsLiabilities(line);
};

/** The most that the owner of an offer can deliver. */
export const canSell = (state: LedgerState, owner: string, asset: Asset): bigint =>
  unauthorized(state, owner, asset) ? 0n : atLeastZero(available(state, owner, asset) ?? 0n);

/** The most that the owner of an offer can take in. */
export const canBuy = (state: LedgerState, owner: string, asset: Asset): bigint =>
  unauthorized(state, owner, asset) ? 0n : atLeastZero(room(state, owner, asset) ?? 0n);

/**
 * Adds `delta` stroops (negative: takes away). False, and nothing changed, where limit, reserve or liabilities
 * forbid it or the holding does not exist. An issuer's own asset comes from and goes to nowhere. An entry is written
 * even where `delta` is zero, as core does.
 */
export function addBalance(state: LedgerState, owner: string, asset: Asset, delta: bigint): boolean {
  if (asset === 'native') {
    const account = state.account(owner);
    if (!account) return false;
    const balance = account.balance + delta;
    const floor = minimumBalance(state.header, account) + account.liabilities.selling;
    if (balance < 0n || (delta < 0n && balance < floor)) return false;
    if (delta !== 0n && balance > INT64_MAX - account.liabilities.buying) return false;
    state.put({ ...account, balance });
    return true;
  }
  if (issuerOf(asset) === owner) return true;
  const line = state.trustline(owner, asset);
  return line !== undefined && addLineBalance(state, line, delta);
}

/** The same for a trust line, also one of pool shares. */
export function addLineBalance(state: LedgerState, line: Trustline, delta: bigint): boolean {
  const balance = line.balance + delta;
  if (delta !== 0n) {
    if (!isPoolShare(line.asset) && !maintainsLiabilities(line)) return false;
    if (balance < line.liabilities.selling || balance > line.limit - line.liabilities.buying) return false;
  }
  state.put({ ...line, balance });
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
    buying: entry.liabilities.buying + delta.buying,
    selling: entry.liabilities.selling + delta.selling,
  };
  // An entry gets its extension with its first liabilities.
  const first = entry.extension === 0 && (delta.buying !== 0n || delta.selling !== 0n);
  state.put(first ? { ...entry, extension: 1, liabilities } : { ...entry, liabilities });
}

/** Reserves (`1n`) or sets free (`-1n`) what an offer may have to deliver and take in. */
export function changeLiabilities(state: LedgerState, offer: Offer, sign: 1n | -1n): void {
  const { selling, buying } = offerLiabilities(offer.price, offer.amount);
  addLiabilities(state, offer.seller, offer.buying, { selling: 0n, buying: sign * buying });
  addLiabilities(state, offer.seller, offer.selling, { selling: sign * selling, buying: 0n });
}

export type SubentryRefusal = 'low_reserve' | 'op_too_many_subentries';

/** Counts `entries` more of an account; a code, and nothing changed, where it cannot have them. */
export function addSubentries(
  state: LedgerState,
  account: Account,
  entries: number,
): SubentryRefusal | undefined {
  if (account.subentries + entries > MAX_SUBENTRIES) return 'op_too_many_subentries';
  if (spendable(state.header, account) < BigInt(entries) * state.header.baseReserve) return 'low_reserve';
  state.put({ ...account, subentries: account.subentries + entries });
  return undefined;
}

/** Counts `entries` fewer of an account that has them. */
export function removeSubentries(state: LedgerState, owner: string, entries: number): void {
  const account = state.account(owner);
  if (!account || account.subentries < entries)
    throw new Error(`${owner} owns fewer than ${entries} entries`);
  state.put({ ...account, subentries: account.subentries - entries });
}

/** Takes an offer off the book with its liabilities and its reserve. */
export function removeOffer(state: LedgerState, offer: Offer): void {
  changeLiabilities(state, offer, -1n);
  removeSubentries(state, offer.seller, 1);
  state.remove(offer);
}
