import type { Asset } from './asset.ts';
import { minimumBalance } from './balances.ts';
import type { Account, Liabilities, Offer } from './entries.ts';
import { accounts, offersOf } from './entries_of.ts';
import { adjustAmount, INT64_MAX, offerLiabilities } from './exchange.ts';
import type { LedgerState } from './state.ts';

/** What offers may have to deliver and take in of each asset. */
function promisesOf(offers: readonly Offer[]): Map<Asset, Liabilities> {
  const promises = new Map<Asset, Liabilities>();
  const add = (asset: Asset, buying: bigint, selling: bigint): void => {
    const known = promises.get(asset) ?? { buying: 0n, selling: 0n };
    promises.set(asset, { buying: known.buying + buying, selling: known.selling + selling });
  };
  for (const { price, amount, buying, selling } of offers) {
    const liabilities = offerLiabilities(price, amount);
    add(buying, liabilities.buying, 0n);
    add(selling, 0n, liabilities.selling);
  }
  return promises;
}

/** Takes the offers away that no longer have what they sell, and reckons anew what the others promise. */
function prepareOffers(state: LedgerState, account: Account, offers: readonly Offer[]): void {
  const promised = promisesOf(offers).get('native')?.selling ?? 0n;
  const lacksLumens = promised > account.balance - minimumBalance(state.header, account);
  const left = offers
    .map((offer) => ({ ...offer, amount: adjustAmount(offer.price, offer.amount, INT64_MAX) }))
    .filter(({ amount, selling }) => amount > 0n && !(lacksLumens && selling === 'native'));
  const stays = new Set(left.map(({ id }) => id));
  for (const offer of offers) if (!stays.has(offer.id)) state.remove(offer);
  for (const offer of left) state.put(offer);
  state.put({ ...account, subentries: account.subentries - (offers.length - left.length) });
  // As in core, an asset that no offer is left for keeps the liabilities that it had.
  for (const [asset, liabilities] of promisesOf(left)) {
    const holding =
      asset === 'native' ? state.account(account.address) : state.trustline(account.address, asset);
    if (holding) state.put({ ...holding, liabilities });
  }
}

/**
 * What a base reserve that is higher than before, in the header already, does to offers (CAP-0003; prepareLiabilities
 * of stellar-core's Upgrades.cpp). All offers, their owners and their trust lines are written, changed or not.
 * @throws Refused where an offer would have to go whose reserve another account pays
 */
export function raiseBaseReserve(state: LedgerState): void {
  for (const account of accounts(state)) {
    const offers = offersOf(state, account.address);
    if (offers.length > 0) prepareOffers(state, account, offers);
  }
}
