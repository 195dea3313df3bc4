import { type Asset, assetToJson } from './asset.ts';
import { addBalance, canBuy, canSell, changeLiabilities, removeSubentries } from './balances.ts';
import type { Offer } from './entries.ts';
import { adjustAmount, exchange, min, type Price, type Rounding } from './exchange.ts';
import { poolIdToJson } from './pool.ts';
import type { LedgerState } from './state.ts';

/** The protocol's limit on offers that one operation may cross. */
export const MAX_OFFERS_TO_CROSS = 1000;

/** One crossed offer, seen from its owner, or a trade with a pool, seen from the pool. */
export type ClaimAtom = {
  sold: Asset;
  amountSold: bigint;
  bought: Asset;
  amountBought: bigint;
} & ({ seller: string; offerId: bigint } | { poolId: string });

export interface ConversionRequest {
  /** Who sends; it must not meet its own offers. Undefined for a question without an account. */
  taker: string | undefined;
  send: Asset;
  maxSend: bigint;
  receive: Asset;
  maxReceive: bigint;
  rounding: Rounding;
  maxOffers: number;
  /** The worst price of an offer (sent per received) that is still crossed; a passive taker wants a better one. */
  worst?: { price: Price; passive: boolean };
}

/** `taken`: all that was wanted, or all that fits; `partial`: the book has no more. */
export interface Conversion {
  outcome: 'taken' | 'partial' | 'bad_price' | 'cross_self' | 'too_many_offers';
  sent: bigint;
  received: bigint;
  atoms: ClaimAtom[];
}

/** Trades with one offer; its owner's balances, liabilities and the offer itself change, the taker's do not. */
function cross(
  state: LedgerState,
  offer: Offer,
  limits: { maxSend: bigint; maxReceive: bigint; rounding: Rounding },
): { sent: bigint; received: bigint; wheatStays: boolean; gone: boolean } {
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
      wheatReceive: limits.maxReceive,
      sheepSend: limits.maxSend,
      sheepReceive: canBuy(state, seller, buying),
    },
    limits.rounding,
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
    state.remove(offer);
    removeSubentries(state, seller, 1);
  } else {
    const rest = { ...offer, amount: left };
    state.put(rest);
    changeLiabilities(state, rest, 1n);
  }
  return { sent: trade.sheep, received: trade.wheat, wheatStays: trade.wheatStays, gone: left === 0n };
}

/** Whether `price` is worse than the taker goes. */
function isTooDear(
  price: Price,
  { price: limit, passive }: NonNullable<ConversionRequest['worst']>,
): boolean {
  const [left, right] = [BigInt(price.n) * BigInt(limit.d), BigInt(limit.n) * BigInt(price.d)];
  return passive ? left >= right : left > right;
}

/** Turns one asset into another through the book, best offer first. The caller rolls back what it does not want. */
export function convert(state: LedgerState, request: ConversionRequest): Conversion {
  const { taker, send, receive, rounding, maxOffers, worst } = request;
  const atoms: ClaimAtom[] = [];
  let [sent, received] = [0n, 0n];
  let [maxSend, maxReceive] = [request.maxSend, request.maxReceive];
  const end = (outcome: Conversion['outcome']): Conversion => ({ outcome, sent, received, atoms });

  let needMore = maxSend > 0n && maxReceive > 0n;
  if (needMore && maxOffers === 0) return end('too_many_offers');
  while (needMore) {
    const offer = state.book(receive, send)[0];
    if (!offer) return end('partial');
    if (worst && isTooDear(offer.price, worst)) return end('bad_price');
    if (offer.seller === taker) return end('cross_self');
    if (atoms.length >= maxOffers) return end('too_many_offers');
    const trade = cross(state, offer, { maxSend, maxReceive, rounding });
    atoms.push({
      seller: offer.seller,
      offerId: offer.id,
      sold: receive,
      amountSold: trade.received,
      bought: send,
      amountBought: trade.sent,
    });
    sent += trade.sent;
    received += trade.received;
    maxSend -= trade.sent;
    maxReceive -= trade.received;
    needMore = !trade.wheatStays && maxSend > 0n && maxReceive > 0n;
    if (needMore && !trade.gone) return end('partial');
  }
  return end('taken');
}

/** ClaimAtom of Stellar-transaction.x in SEP-51 JSON. */
export function atomToJson(atom: ClaimAtom): unknown {
  const amounts = {
    asset_sold: assetToJson(atom.sold),
    amount_sold: String(atom.amountSold),
    asset_bought: assetToJson(atom.bought),
    amount_bought: String(atom.amountBought),
  };
  return 'poolId' in atom
    ? { liquidity_pool: { liquidity_pool_id: poolIdToJson(atom.poolId), ...amounts } }
    : { order_book: { seller_id: atom.seller, offer_id: String(atom.offerId), ...amounts } };
}
