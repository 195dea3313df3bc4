import { StrKey } from '@stellar/stellar-sdk/base';
import { type Asset, issuerOf } from './asset.ts';
import { addBalance, spendable } from './balances.ts';
import type { Rounding } from './exchange.ts';
import { type ClaimAtom, convert, MAX_OFFERS_TO_CROSS } from './order_book.ts';
import type { LedgerState } from './state.ts';

/** Takes the sent amount from the source; undefined where it worked, else the result code. */
export function debitSource(
  state: LedgerState,
  source: string,
  asset: Asset,
  amount: bigint,
): string | undefined {
  if (asset === 'native') {
    const account = state.account(source);
    return account && amount <= spendable(account) && addBalance(state, source, asset, -amount)
      ? undefined
      : 'underfunded';
  }
  if (issuerOf(asset) === source) return undefined;
  const line = state.trustline(source, asset);
  if (!line) return 'src_no_trust';
  if (line.authorization !== 'full') return 'src_not_authorized';
  return addBalance(state, source, asset, -amount) ? undefined : 'underfunded';
}

/** Gives the received amount to the destination; undefined where it worked, else the result code. */
export function creditDestination(
  state: LedgerState,
  destination: string,
  asset: Asset,
  amount: bigint,
): string | undefined {
  if (asset !== 'native' && issuerOf(asset) !== destination) {
    const line = state.trustline(destination, asset);
    if (!line) return 'no_trust';
    if (line.authorization !== 'full') return 'not_authorized';
  }
  return addBalance(state, destination, asset, amount) ? undefined : 'line_full';
}

/**
 * An issuer that was merged away still takes its own asset back: a payment without a trade to the issuer does not ask
 * whether the account exists.
 */
export const needsDestination = (
  send: Asset,
  receive: Asset,
  path: readonly Asset[],
  destination: string,
): boolean => !(path.length === 0 && send === receive && issuerOf(receive) === destination);

/** The account of a G… or M… address. */
export const accountOf = (address: string): string =>
  address.startsWith('M')
    ? StrKey.encodeEd25519PublicKey(StrKey.decodeMed25519PublicKey(address).subarray(0, 32))
    : address;

export interface Hop {
  send: Asset;
  receive: Asset;
  /** What is given exactly: sent (strict send) or received (strict receive). */
  amount: bigint;
}

export type HopResult =
  | { ok: true; amount: bigint; atoms: ClaimAtom[] }
  | { ok: false; code: 'too_few_offers' | 'offer_cross_self' | 'op_exceeded_work_limit' };

/** One trade of a path. `crossed` is how many offers its other hops have used up of the operation's limit. */
export function tradeHop(
  state: LedgerState,
  taker: string | undefined,
  hop: Hop,
  rounding: Exclude<Rounding, 'normal'>,
  limits: { other: bigint; crossed: number },
): HopResult {
  const strictSend = rounding === 'strict_send';
  const conversion = convert(state, {
    taker,
    send: hop.send,
    receive: hop.receive,
    maxSend: strictSend ? hop.amount : limits.other,
    maxReceive: strictSend ? limits.other : hop.amount,
    rounding,
    maxOffers: MAX_OFFERS_TO_CROSS - limits.crossed,
  });
  switch (conversion.outcome) {
    case 'done':
      return {
        ok: true,
        amount: strictSend ? conversion.received : conversion.sent,
        atoms: conversion.atoms,
      };
    case 'cross_self':
      return { ok: false, code: 'offer_cross_self' };
    case 'too_many_offers':
      return { ok: false, code: 'op_exceeded_work_limit' };
    case 'too_few_offers':
      return { ok: false, code: 'too_few_offers' };
  }
}
