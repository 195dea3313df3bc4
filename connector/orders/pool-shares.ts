import { connectorError } from '../errors.ts';
import type { PoolEntry } from '../ledger/types.ts';
import { ceilDiv } from '../market/amount.ts';
import type { Price, Slippage } from '../market/quote.ts';
import { comparePrices, type Fraction, ledgerPrice, toPrice } from './price.ts';

/*
 * What deposits and withdrawals move: the integer arithmetic of CAP-0038 as the ledger does it. Amounts in stroops,
 * shares in ten-millionths, pairs in the pool's order of assets.
 */

export type Pair = readonly [bigint, bigint];
type Stock = Pick<PoolEntry, 'reserves' | 'totalShares'>;

/** Rounded down. */
function squareRoot(value: bigint): bigint {
  if (value < 2n) return value;
  let root = 1n << BigInt((value.toString(2).length + 1) >> 1);
  for (let next = (root + value / root) >> 1n; next < root; next = (root + value / root) >> 1n) root = next;
  return root;
}

export interface Deposit {
  amounts: Pair;
  shares: bigint;
  /** Index of the asset of which all that is offered goes in. */
  limiting: 0 | 1;
}

/** The first deposit sets the price. Others take as much as keeps it: shares rounded down, amounts up. */
export function sizeDeposit({ reserves, totalShares }: Stock, [mostA, mostB]: Pair): Deposit {
  if (totalShares === 0n) {
    return { amounts: [mostA, mostB], shares: squareRoot(mostA * mostB), limiting: 0 };
  }
  const [sharesA, sharesB] = [(totalShares * mostA) / reserves[0], (totalShares * mostB) / reserves[1]];
  const limiting = sharesA <= sharesB ? 0 : 1;
  const shares = limiting === 0 ? sharesA : sharesB;
  const part = (reserve: bigint): bigint => ceilDiv(shares * reserve, totalShares);
  return { amounts: [part(reserves[0]), part(reserves[1])], shares, limiting };
}

/** The shares' part of both reserves, rounded down. */
export const sizeWithdrawal = ({ reserves, totalShares }: Stock, shares: bigint): Pair =>
  totalShares === 0n
    ? [0n, 0n]
    : [(shares * reserves[0]) / totalShares, (shares * reserves[1]) / totalShares];

/** The least of each that is accepted: rounded up, so that the tolerance is not exceeded by a stroop. */
export const leastAccepted = (amounts: Pair, { numerator, denominator }: Slippage): Pair => {
  const least = (amount: bigint): bigint => ceilDiv(amount * (denominator - numerator), denominator);
  return [least(amounts[0]), least(amounts[1])];
};

/**
 * The most that a deposit takes of each while the price stays within the tolerance: of the asset that does not limit it
 * 1 / (1 − s) of what it would take now, never more than offered.
 */
export function mostTaken({ amounts, limiting }: Deposit, offered: Pair, slippage: Slippage): Pair {
  const { numerator, denominator } = slippage;
  const left = denominator - numerator;
  const most = (i: 0 | 1): bigint => {
    if (i === limiting || left === 0n) return offered[i];
    const moved = ceilDiv(amounts[i] * denominator, left);
    if (moved < offered[i]) return moved;
    return offered[i];
  };
  return [most(0), most(1)];
}

/** Asset A per B, as the operation has it. */
export interface PriceBounds {
  min: Fraction;
  max: Fraction;
}

/**
 * Bounds at 1 − s and 1 + s of a price (A per B), rounded inwards: a tolerance is never exceeded.
 * @throws `invalid-params` when the ledger's fractions leave nothing between them
 */
export function priceBounds(price: Price, { numerator, denominator }: Slippage): PriceBounds {
  const at = (part: bigint): Price => ({
    numerator: price.numerator * part,
    denominator: price.denominator * denominator,
  });
  if (numerator < denominator) {
    const min = ledgerPrice('SELL', at(denominator - numerator), 'slippagePct');
    const max = ledgerPrice('BUY', at(denominator + numerator), 'slippagePct');
    if (comparePrices(toPrice(min), toPrice(max)) <= 0) return { min, max };
  }
  throw connectorError('invalid-params', 'slippagePct must be above 0 (a little) and below 100', {
    field: 'slippagePct',
  });
}

/** Whether a deposit of these amounts is within the bounds, as the ledger judges it. */
export const withinBounds = ([a, b]: Pair, { min, max }: PriceBounds): boolean =>
  a > 0n && b > 0n && a * min.d >= b * min.n && a * max.d <= b * max.n;
