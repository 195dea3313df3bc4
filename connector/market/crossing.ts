import type { OfferEntry, PoolEntry } from '../ledger/types.ts';
import { MAX_STROOPS } from './amount.ts';
import type { AssetId } from './asset.ts';

/**
 * What the ledger would trade, in exact integers, for the hops of path payments. Amounts in stroops. Sources: CAP-0004
 * and CAP-0024 (rounding in favour of who stays in the book), CAP-0038 (pools, and the choice between book and pool),
 * stellar-core's `OfferExchange.cpp` for the order of roundings.
 */
export type Exactly = 'send' | 'receive';

/** A trade of one hop: `sent` into it, `received` out of it. */
export interface Hop {
  sent: bigint;
  received: bigint;
}

/** Core crosses no more offers in one operation. */
const MAX_CROSSED = 1_000;
/** Basis points that a trade leaves in a pool are `feeBps`; of these many. */
const BPS = 10_000n;

const divideUp = (a: bigint, b: bigint): bigint => (a + b - 1n) / b;
const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/**
 * What a taker that sends at most `maxSend` and wants at most `maxReceive` trades with an offer of `amount` at `n/d`
 * (sent per received). `stays`: the offer is the larger side. Undefined: core would refuse the trade.
 */
function cross(
  { amount, n, d }: { amount: bigint; n: bigint; d: bigint },
  maxSend: bigint,
  maxReceive: bigint,
  exactly: Exactly,
): (Hop & { stays: boolean }) | undefined {
  // Both sides as sent × d, so that they can be compared.
  const offered = least(amount * n, MAX_STROOPS * d);
  const wanted = least(maxSend * d, maxReceive * n);
  const stays = offered > wanted;
  const value = stays ? wanted : offered;
  let hop: Hop;
  if (stays && exactly === 'send') hop = { received: value / n, sent: maxSend };
  else if (n > d || (stays && exactly === 'receive')) {
    const received = value / n;
    hop = { received, sent: stays ? divideUp(received * n, d) : (received * n) / d };
  } else {
    const sent = value / d;
    hop = { received: stays ? (sent * d) / n : divideUp(sent * d, n), sent };
  }
  if (hop.sent === 0n || (hop.received === 0n && exactly === 'receive')) return undefined;
  // The one who stays may get any amount more than due, and 1 % less.
  const due = 100n * n * hop.received;
  const paid = 100n * d * hop.sent;
  return hop.received > 0n && paid <= due && due - paid > n * hop.received ? undefined : { ...hop, stays };
}

/** An offer as it trades: what of its amount can be taken without breaking its price (core's `adjustOffer`). */
export interface Resting {
  seller: string;
  amount: bigint;
  n: bigint;
  d: bigint;
}

export function resting({ seller, amount, price }: OfferEntry): Resting | undefined {
  const [n, d] = [price.numerator, price.denominator];
  const value = least(amount * n, MAX_STROOPS * d);
  const wanted = MAX_STROOPS * least(n, d);
  const smaller = least(value, wanted);
  const received = n > d ? smaller / n : divideUp((smaller / d) * d, n);
  const sent = n > d ? (received * n) / d : smaller / d;
  const due = 100n * n * received;
  const paid = 100n * d * sent;
  const error = due > paid ? due - paid : paid - due;
  if (received === 0n || sent === 0n || error > n * received) return undefined;
  return { seller, amount: received, n, d };
}

/** Through the book: best offer first, until all of the exact amount is used. Undefined: too few offers, or own ones. */
export function throughBook(
  offers: readonly Resting[],
  exactly: Exactly,
  amount: bigint,
  taker: string | undefined,
): (Hop & { crossed: number }) | undefined {
  let [sent, received] = [0n, 0n];
  let crossed = 0;
  for (const offer of offers) {
    if (offer.seller === taker || crossed === MAX_CROSSED) return undefined;
    const [maxSend, maxReceive] =
      exactly === 'send' ? [amount - sent, MAX_STROOPS - received] : [MAX_STROOPS - sent, amount - received];
    const hop = cross(offer, maxSend, maxReceive, exactly);
    if (hop === undefined) return undefined;
    sent += hop.sent;
    received += hop.received;
    crossed++;
    const isDone = hop.stays || (exactly === 'send' ? sent >= amount : received >= amount);
    if (isDone)
      return (exactly === 'send' ? sent : received) === amount ? { sent, received, crossed } : undefined;
  }
  return undefined;
}

/** Through the pool (CAP-0038). Undefined: it has too little, or would give nothing. */
export function throughPool(
  { assets, reserves, feeBps }: PoolEntry,
  from: AssetId,
  exactly: Exactly,
  amount: bigint,
): Hop | undefined {
  const [into, out] = assets[0] === from ? reserves : [reserves[1], reserves[0]];
  if (into <= 0n || out <= 0n) return undefined;
  const kept = BPS - BigInt(feeBps);
  if (exactly === 'send') {
    const received = (kept * out * amount) / (BPS * into + kept * amount);
    return received > 0n && amount <= MAX_STROOPS - into ? { sent: amount, received } : undefined;
  }
  if (amount >= out) return undefined;
  const sent = divideUp(BPS * into * amount, (out - amount) * kept);
  return sent <= MAX_STROOPS - into ? { sent, received: amount } : undefined;
}

/** One hop as the ledger takes it: wholly through the book or wholly through the pool, the pool on a tie. */
export function trade(
  { offers, pool }: { offers: readonly Resting[]; pool: PoolEntry | undefined },
  from: AssetId,
  exactly: Exactly,
  amount: bigint,
  taker: string | undefined,
): Hop | undefined {
  const book = throughBook(offers, exactly, amount, taker);
  const pooled = pool && throughPool(pool, from, exactly, amount);
  if (pooled === undefined) return book;
  return book !== undefined && pooled.sent * book.received > pooled.received * book.sent ? book : pooled;
}
