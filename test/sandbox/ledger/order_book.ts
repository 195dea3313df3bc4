import { type Asset, assetToJson } from './asset.ts';
import { addBalance, canBuy, canSell, changeLiabilities } from './balances.ts';
import { adjustAmount, exchange, min, type Rounding } from './exchange.ts';
import type { LedgerState, Offer } from './state.ts';

/** The protocol's limit on offers that one operation may cross. */
export const MAX_OFFERS_TO_CROSS = 1000;

/** One crossed offer, seen from its owner. */
export interface ClaimAtom {
  seller: string;
  offerId: bigint;
  sold: Asset;
  amountSold: bigint;
  bought: Asset;
  amountBought: bigint;
}

export interface ConversionRequest {
  /** Who sends; it must not meet its own offers. Undefined for a question without an account. */
  taker: string | undefined;
  send: Asset;
  maxSend: bigint;
  receive: Asset;
  maxReceive: bigint;
  rounding: Rounding;
  maxOffers: number;
}

export type Conversion =
  | { outcome: 'done'; sent: bigint; received: bigint; atoms: ClaimAtom[] }
  | { outcome: 'too_few_offers' | 'cross_self' | 'too_many_offers' };

/** Trades with one offer; its owner's balances, liabilities and the offer itself change, the taker's do not. */
function cross(
  state: LedgerState,
  offer: Offer,
  request: ConversionRequest,
): { atom: ClaimAtom; wheatStays: boolean } {
  const { seller, selling, buying, price } = offer;
  changeLiabilities(state, offer, -1n);
  const adjusted = adjustAmount(
    price,
    min(offer.amount, canSell(state, seller, selling)),
    canBuy(state, seller, buying),
  );
  const trade = exchange(
    price,
    {
      wheatSend: min(adjusted, canSell(state, seller, selling)),
      wheatReceive: request.maxReceive,
      sheepSend: request.maxSend,
      sheepReceive: canBuy(state, seller, buying),
    },
    request.rounding,
  );
  if (!addBalance(state, seller, buying, trade.sheep) || !addBalance(state, seller, selling, -trade.wheat)) {
    throw new Error(`offer ${offer.id} is not covered by its owner's balances`);
  }
  const left = trade.wheatStays
    ? adjustAmount(
        price,
        min(adjusted - trade.wheat, canSell(state, seller, selling)),
        canBuy(state, seller, buying),
      )
    : 0n;
  if (left === 0n) {
    state.deleteOffer(offer);
    const owner = state.account(seller);
    if (owner) state.put({ account: { ...owner, subentries: owner.subentries - 1 } });
  } else {
    const rest = { ...offer, amount: left };
    state.putOffer(rest);
    changeLiabilities(state, rest, 1n);
  }
  return {
    atom: {
      seller,
      offerId: offer.id,
      sold: selling,
      amountSold: trade.wheat,
      bought: buying,
      amountBought: trade.sheep,
    },
    wheatStays: trade.wheatStays,
  };
}

/** Turns one asset into another through the book, best offer first. Roll back where the outcome is not `done`. */
export function convert(state: LedgerState, request: ConversionRequest): Conversion {
  const atoms: ClaimAtom[] = [];
  let [sent, received] = [0n, 0n];
  let [maxSend, maxReceive] = [request.maxSend, request.maxReceive];
  if (maxSend > 0n && maxReceive > 0n && request.maxOffers === 0) return { outcome: 'too_many_offers' };
  while (maxSend > 0n && maxReceive > 0n) {
    const offer = state.book(request.receive, request.send)[0];
    if (!offer) return { outcome: 'too_few_offers' };
    if (offer.seller === request.taker) return { outcome: 'cross_self' };
    if (atoms.length >= request.maxOffers) return { outcome: 'too_many_offers' };
    const { atom, wheatStays } = cross(state, offer, { ...request, maxSend, maxReceive });
    atoms.push(atom);
    sent += atom.amountBought;
    received += atom.amountSold;
    maxSend -= atom.amountBought;
    maxReceive -= atom.amountSold;
    if (wheatStays) break;
  }
  // A path payment has to use up the amount that is given exactly: what it sends, or what it receives.
  const exact =
    request.rounding === 'strict_send' ? sent === request.maxSend : received === request.maxReceive;
  return exact ? { outcome: 'done', sent, received, atoms } : { outcome: 'too_few_offers' };
}

export const atomToJson = (atom: ClaimAtom) => ({
  order_book: {
    seller_id: atom.seller,
    offer_id: String(atom.offerId),
    asset_sold: assetToJson(atom.sold),
    amount_sold: String(atom.amountSold),
    asset_bought: assetToJson(atom.bought),
    amount_bought: String(atom.amountBought),
  },
});
