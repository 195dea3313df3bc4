import { type Asset, issuerOf, isValidAsset } from './asset.ts';
import {
  addBalance,
  addSubentries,
  available,
  canBuy,
  canSell,
  changeLiabilities,
  removeSubentries,
  room,
} from './balances.ts';
import { isAuthorized, type Offer } from './entries.ts';
import { offerToJson } from './entry_xdr.ts';
import { adjustAmount, min, type Price } from './exchange.ts';
import type { OperationOutcome } from './operation.ts';
import { atomToJson, convert, MAX_OFFERS_TO_CROSS } from './order_book.ts';
import type { LedgerState } from './state.ts';

/** What the three offer operations have in common. In core's words the taker sells *sheep* and buys *wheat*. */
export interface OfferTerms {
  selling: Asset;
  buying: Asset;
  /** Bought per sold. */
  price: Price;
  /** Zero makes a new offer. */
  offerId: bigint;
  /** Of a new offer: it does not take offers at its own price. */
  passive: boolean;
  isDelete: boolean;
  /** What an offer over the whole amount reserves. */
  liabilities: { selling: bigint; buying: bigint };
  /** The most that is still to be sold and bought after `sold` and `bought`; undefined where nothing bounds it. */
  left(sold: bigint, bought: bigint): { sell: bigint | undefined; buy: bigint | undefined };
}

/** What can be seen of an offer without the ledger. */
export function checkOffer(terms: OfferTerms, amount: bigint): string | undefined {
  const { selling, buying, price, offerId, isDelete } = terms;
  const assets = isValidAsset(selling) && isValidAsset(buying) && selling !== buying;
  const priced = price.n > 0 && price.d > 0;
  const identified = offerId >= 0n && !(offerId === 0n && isDelete);
  return assets && priced && amount >= 0n && identified ? undefined : 'malformed';
}

/** Whether the source may hold both sides; its own asset needs no trust line. */
function checkLines(state: LedgerState, source: string, { selling, buying }: OfferTerms): string | undefined {
  if (selling !== 'native' && issuerOf(selling) !== source) {
    const line = state.trustline(source, selling);
    if (!line) return 'sell_no_trust';
    if (line.balance === 0n) return 'underfunded';
    if (!isAuthorized(line)) return 'sell_not_authorized';
  }
  if (buying !== 'native' && issuerOf(buying) !== source) {
    const line = state.trustline(source, buying);
    if (!line) return 'buy_no_trust';
    if (!isAuthorized(line)) return 'buy_not_authorized';
  }
  return undefined;
}

const bounded = (limit: bigint, bound: bigint | undefined): bigint =>
  bound === undefined ? limit : min(limit, bound);

/** The most that the source can sell and buy now, within what is left of its offer. */
function limits(state: LedgerState, source: string, terms: OfferTerms, sold: bigint, bought: bigint) {
  const { sell, buy } = terms.left(sold, bought);
  return {
    sell: bounded(canSell(state, source, terms.selling), sell),
    buy: bounded(canBuy(state, source, terms.buying), buy),
  };
}

/** Takes what crosses; `rest` is what is left to stand in the book. */
function trade(
  state: LedgerState,
  source: string,
  terms: OfferTerms,
  passive: boolean,
): { code: string } | { atoms: unknown[]; rest: bigint } {
  const { selling, buying, price, liabilities } = terms;
  if (room(state, source, buying)! < liabilities.buying) return { code: 'line_full' };
  if (available(state, source, selling)! < liabilities.selling) return { code: 'underfunded' };
  const { sell, buy } = limits(state, source, terms, 0n, 0n);
  if (buy === 0n) return { code: 'line_full' };

  const { outcome, sent, received, atoms } = convert(state, {
    taker: source,
    send: selling,
    maxSend: sell,
    receive: buying,
    maxReceive: buy,
    rounding: 'normal',
    maxOffers: MAX_OFFERS_TO_CROSS,
    worst: { price: { n: price.d, d: price.n }, passive },
  });
  if (outcome === 'cross_self') return { code: 'cross_self' };
  if (outcome === 'too_many_offers') return { code: 'op_exceeded_work_limit' };
  if (received > 0n) {
    if (!addBalance(state, source, buying, received) || !addBalance(state, source, selling, -sent)) {
      throw new Error('an offer was claimed over its limit');
    }
  }
  let rest = 0n;
  if (outcome !== 'taken') {
    const left = limits(state, source, terms, sent, received);
    rest = adjustAmount(price, left.sell, left.buy);
  }
  return { atoms: atoms.map(atomToJson), rest };
}

/** Makes, changes or deletes an offer: an old one leaves the book first, and stands again with what is not taken. */
export function manageOffer(state: LedgerState, source: string, terms: OfferTerms): OperationOutcome {
  const { selling, buying, price, offerId, isDelete } = terms;
  if (!isDelete) {
    const code = checkLines(state, source, terms);
    if (code) return { code };
  }
  let passive = terms.passive;
  if (offerId !== 0n) {
    const old = state.offer(source, offerId);
    if (!old) return { code: 'not_found' };
    changeLiabilities(state, old, -1n);
    state.remove(old);
    passive = old.passive;
  } else {
    // Its reserve is set aside before it trades.
    const refusal = addSubentries(state, state.account(source)!, 1);
    if (refusal) return { code: refusal };
  }

  const traded = isDelete ? { atoms: [], rest: 0n } : trade(state, source, terms, passive);
  if ('code' in traded) return traded;
  const { atoms, rest } = traded;
  if (rest === 0n) {
    removeSubentries(state, source, 1);
    return { success: { offers_claimed: atoms, offer: 'deleted' } };
  }
  if (offerId === 0n) state.setHeader({ ...state.header, idPool: state.header.idPool + 1n });
  const offer: Offer = {
    type: 'offer',
    id: offerId === 0n ? state.header.idPool : offerId,
    seller: source,
    selling,
    buying,
    amount: rest,
    price,
    passive,
    modified: 0,
  };
  state.put(offer);
  changeLiabilities(state, offer, 1n);
  const effect = offerId === 0n ? 'created' : 'updated';
  return { success: { offers_claimed: atoms, offer: { [effect]: offerToJson(offer) } } };
}
