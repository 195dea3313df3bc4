import type { OfferEntry, PoolEntry } from '../ledger/types.ts';
import { ceilDiv, least, MAX_STROOPS } from './amount.ts';
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

/**
 * What a taker that sends at most `maxSend` and wants at most `maxReceive` trades with a resting offer at `n/d` (sent per
 * received). `stays`: the offer is the larger side. Core's bound on the error of the price needs no look here: what stays is
 * favoured without bound, and an offer that is used up keeps within it, see `resting`.
 */
function cross(
  { amount, n, d }: Resting,
  maxSend: bigint,
  maxReceive: bigint,
  exactly: Exactly,
): Hop & { stays: boolean } {
  // Both sides as sent × d, so that they can be compared.
  const offered = least(amount * n, MAX_STROOPS * d);
  const wanted = least(maxSend * d, maxReceive * n);
  const stays = offered > wanted;
  if (stays) {
    const received = wanted / n;
    return { received, sent: exactly === 'send' ? maxSend : ceilDiv(received * n, d), stays };
  }
  if (n > d) {
    const received = offered / n;
    return { received, sent: (received * n) / d, stays };
  }
  const sent = offered / d;
  return { received: ceilDiv(sent * d, n), sent, stays };
}

/** An offer as it trades: what of its amount can be taken within 1 % of its price (core's `adjustOffer`). */
export interface Resting {
  seller: string;
  amount: bigint;
  n: bigint;
  d: bigint;
}

/** Undefined: nothing of it, which core lets no offer rest with. */
export function resting({ seller, amount, price }: OfferEntry): Resting | undefined {
  const [n, d] = [price.numerator, price.denominator];
  const value = least(amount * n, MAX_STROOPS * d);
  const wanted = MAX_STROOPS * least(n, d);
  const smaller = least(value, wanted);
  const received = n > d ? smaller / n : ceilDiv((smaller / d) * d, n);
  const sent = n > d ? (received * n) / d : smaller / d;
  const due = 100n * n * received;
  const paid = 100n * d * sent;
  const error = due > paid ? due - paid : paid - due;
  if (received === 0n || sent === 0n || error > n * received) return undefined;
  return { seller, amount: received, n, d };
}

/** What the book does with an amount. */
interface Through {
  /** Undefined: too few offers, own ones, or more than may be crossed. */
  taken: Hop | undefined;
  crossed: number;
}

/** Through the book: best offer first, until all of the exact amount is used, over at most so many offers. */
function throughBook(
  offers: readonly Resting[],
  exactly: Exactly,
  amount: bigint,
  taker: string | undefined,
  most: number,
): Through {
  let [sent, received] = [0n, 0n];
  let crossed = 0;
  for (const offer of offers) {
    if (offer.seller === taker || crossed === most) break;
    const [maxSend, maxReceive] =
      exactly === 'send' ? [amount - sent, MAX_STROOPS - received] : [MAX_STROOPS - sent, amount - received];
    const hop = cross(offer, maxSend, maxReceive, exactly);
    sent += hop.sent;
    received += hop.received;
    crossed++;
    if (hop.stays || hop.sent === maxSend || hop.received === maxReceive) {
      return { taken: { sent, received }, crossed };
    }
  }
  return { taken: undefined, crossed };
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
  const sent = ceilDiv(BPS * into * amount, (out - amount) * kept);
  return sent <= MAX_STROOPS - into ? { sent, received: amount } : undefined;
}

/**
 * One hop as the ledger takes it: wholly through the book or wholly through the pool, the pool on a tie. `crossed` is what
 * the hops before used up of the operation's limit; also offers that were only looked at count. Undefined: it fails.
 */
export function trade(
  { offers, pool }: { offers: readonly Resting[]; pool: PoolEntry | undefined },
  from: AssetId,
  exactly: Exactly,
  amount: bigint,
  taker: string | undefined,
  crossed = 0,
): (Hop & { crossed: number }) | undefined {
  const most = MAX_CROSSED - crossed;
  const pooled = pool && most > 0 ? throughPool(pool, from, exactly, amount) : undefined;
  const book = throughBook(offers, exactly, amount, taker, most);
  const { taken } = book;
  const beaten = taken !== undefined && pooled && pooled.sent * taken.received > pooled.received * taken.sent;
  if (pooled !== undefined && !beaten) {
    return book.crossed >= most ? undefined : { ...pooled, crossed: crossed + book.crossed + 1 };
  }
  const isExact = taken !== undefined && (exactly === 'send' ? taken.sent : taken.received) === amount;
  return isExact ? { ...taken, crossed: crossed + book.crossed } : undefined;
}
