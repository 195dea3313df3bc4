import { InternalError } from './errors.ts';

/**
 * What one offer of the book trades with one taker: core's arithmetic since protocol 10 in exact integers. In its words
 * the offer sells *wheat* for *sheep* at `price` = sheep per wheat; the taker sends sheep. All amounts are stroops.
 *
 * Sources: the comments and proofs of `transactions/OfferExchange.cpp` in stellar-core (protocol 28); CAP-0004 for the
 * rounding that favours whoever stays in the book; CAP-0024 for strict send.
 */
export const INT64_MAX = 2n ** 63n - 1n;

export interface Price {
  n: number;
  d: number;
}

/** Who may be favoured by rounding: neither by more than 1 % (`normal`), or the offer without bound (path payments). */
export type Rounding = 'normal' | 'strict_send' | 'strict_receive';

/** The most that each side can give and take. */
export interface Limits {
  wheatSend: bigint;
  wheatReceive: bigint;
  sheepSend: bigint;
  sheepReceive: bigint;
}

export interface Exchange {
  wheat: bigint;
  sheep: bigint;
  /** The offer is the larger side and stays in the book. */
  wheatStays: boolean;
}

export const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);
export const divideUp = (a: bigint, b: bigint): bigint => (a + b - 1n) / b;

const UNLIMITED: Limits = {
  wheatSend: INT64_MAX,
  wheatReceive: INT64_MAX,
  sheepSend: INT64_MAX,
  sheepReceive: INT64_MAX,
};

/** Amounts before the price error is judged. The sizes of both sides are compared as sheep × d, which is an integer. */
export function exchangeUnjudged(price: Price, limits: Limits, rounding: Rounding): Exchange {
  const n = BigInt(price.n);
  const d = BigInt(price.d);
  const wheatValue = min(limits.wheatSend * n, limits.sheepReceive * d);
  const sheepValue = min(limits.sheepSend * d, limits.wheatReceive * n);
  const wheatStays = wheatValue > sheepValue;
  const smaller = wheatStays ? sheepValue : wheatValue;

  if (wheatStays && rounding === 'strict_send') {
    return { wheat: smaller / n, sheep: min(limits.sheepSend, limits.sheepReceive), wheatStays };
  }
  if (price.n > price.d || (wheatStays && rounding === 'strict_receive')) {
    const wheat = smaller / n;
    return { wheat, sheep: wheatStays ? divideUp(wheat * n, d) : (wheat * n) / d, wheatStays };
  }
  const sheep = smaller / d;
  return { wheat: wheatStays ? (sheep * d) / n : divideUp(sheep * d, n), sheep, wheatStays };
}

/** Whether the amounts are within 1 % of the price; with `favourOffer` the offer may get any amount more. */
export function withinPriceError(price: Price, wheat: bigint, sheep: bigint, favourOffer: boolean): boolean {
  const due = 100n * BigInt(price.n) * wheat;
  const paid = 100n * BigInt(price.d) * sheep;
  if (favourOffer && paid > due) return true;
  return (due > paid ? due - paid : paid - due) <= BigInt(price.n) * wheat;
}

/**
 * The trade of an offer, whose amount `adjustAmount` has made fit its owner, with a taker. In normal rounding a trade
 * outside of the price error trades nothing; in strict send the taker may get nothing for what it sends.
 * @throws InternalError as core does: a strict send that meets an offer of which `adjustAmount` leaves nothing. Below
 *   protocol 29 what a resting offer reserves to buy, rounded down, can be one stroop less than it needs.
 */
export function exchange(price: Price, limits: Limits, rounding: Rounding): Exchange {
  const trade = exchangeUnjudged(price, limits, rounding);
  if (trade.wheat > 0n && trade.sheep > 0n) {
    if (withinPriceError(price, trade.wheat, trade.sheep, rounding !== 'normal')) return trade;
    if (rounding !== 'normal') throw new InternalError('exceeded price error bound');
    return { ...trade, wheat: 0n, sheep: 0n };
  }
  if (rounding === 'strict_send') {
    if (trade.sheep === 0n) throw new InternalError('strict send of nothing');
    return trade;
  }
  return { ...trade, wheat: 0n, sheep: 0n };
}

/** The amount of an offer that a buyer without limits would get from it; applying it twice changes nothing. */
export function adjustAmount(price: Price, wheatSend: bigint, sheepReceive: bigint): bigint {
  return exchange(price, { ...UNLIMITED, wheatSend, sheepReceive }, 'normal').wheat;
}

/** What a resting offer reserves: selling in wheat, buying in sheep. */
export function offerLiabilities(price: Price, amount: bigint): { selling: bigint; buying: bigint } {
  const { wheat, sheep } = exchangeUnjudged(price, { ...UNLIMITED, wheatSend: amount }, 'normal');
  return { selling: wheat, buying: sheep };
}
