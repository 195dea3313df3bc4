import { StrKey } from '@stellar/stellar-sdk/base';
import * as xdr from '@stellar/stellar-sdk/xdr';
import type { OfferEntry } from '../ledger/types.ts';
import { ceilDiv, least } from '../market/amount.ts';
import { type AssetId, fromXdrAsset, type Market, toXdrAsset } from '../market/asset.ts';
import type { Price, Side } from '../market/quote.ts';
import { type Fraction, tradeAmounts } from './price.ts';

/**
 * One operation of an order. `place` and `amend` leave an offer of at most `amount` base in the book, `delete` none;
 * `take` is a market order.
 */
export interface Step {
  action: 'place' | 'amend' | 'delete' | 'take';
  /** `clientOrderId`; undefined for an offer that is not of an order of ours. */
  id: string | undefined;
  /** `0` for a new one. */
  offerId: string;
  market: Market;
  side: Side;
  /** Quote per base. */
  price: Fraction;
  /** Base, stroops; zero deletes. */
  amount: bigint;
  /** Of an amendment: what the order is from then on. */
  to?: { price: Price; amount: bigint } | undefined;
}

/** What an operation did. Amounts in stroops. */
export interface Outcome {
  takenBase: bigint;
  takenQuote: bigint;
  /** What stands in the book after it, base. */
  resting: { offerId: string; remaining: bigint } | undefined;
}

/**
 * The operation of a step. A SELL is a sell offer of base, a BUY a buy offer of base. A market order is a path payment
 * to ourselves over the pair alone: all or nothing within its worst price. An offer deleted after it has taken would need
 * its id, which no one knows before the ledger gives it.
 */
export function operationOf(step: Step, account: string): xdr.OperationBody {
  const { action, side, price, amount, offerId } = step;
  const [selling, buying] = assetsOf(step).map(toXdrAsset) as [xdr.Asset, xdr.Asset];
  if (action === 'take') {
    const { give, get } = tradeAmounts(side, amount, price);
    const ends = {
      sendAsset: selling,
      destination: xdr.MuxedAccount.keyTypeEd25519(StrKey.decodeEd25519PublicKey(account)),
      destAsset: buying,
      path: [],
    };
    // At least the price for all of it, rounded up; at most, rounded down.
    const { n, d } = price;
    return side === 'SELL'
      ? xdr.OperationBody.pathPaymentStrictSend(
          new xdr.PathPaymentStrictSendOp({ ...ends, sendAmount: give, destMin: ceilDiv(amount * n, d) }),
        )
      : xdr.OperationBody.pathPaymentStrictReceive(
          new xdr.PathPaymentStrictReceiveOp({ ...ends, sendMax: (amount * n) / d, destAmount: get }),
        );
  }
  const offer = {
    selling,
    buying,
    price: new xdr.Price({ n: Number(price.n), d: Number(price.d) }),
    offerId: BigInt(offerId),
  };
  return side === 'SELL'
    ? xdr.OperationBody.manageSellOffer(new xdr.ManageSellOfferOp({ ...offer, amount }))
    : xdr.OperationBody.manageBuyOffer(new xdr.ManageBuyOfferOp({ ...offer, buyAmount: amount }));
}

/** What an order gives and gets. */
const assetsOf = ({ side, market }: Pick<Step, 'side' | 'market'>): [selling: AssetId, buying: AssetId] =>
  side === 'SELL' ? [market.base, market.quote] : [market.quote, market.base];

/** The step that deletes an offer of the ledger, whatever it is of. */
export const deletionOf = (offer: OfferEntry, id: string | undefined): Step => ({
  action: 'delete',
  id,
  offerId: offer.id,
  market: { base: offer.selling, quote: offer.buying },
  side: 'SELL',
  price: { n: offer.price.numerator, d: offer.price.denominator },
  amount: 0n,
});

/**
 * What the result of a step's operation says; undefined when it contradicts the step: another operation or a failure,
 * another account, asset, price or offer, more traded than asked, or traded at a worse price than the ledger could.
 */
export function readOutcome(step: Step, result: xdr.OperationResult, account: string): Outcome | undefined {
  if (result.type !== 'opInner') return undefined;
  const { tr } = result;
  if (step.action === 'take') return readPayment(step, tr, account);
  if (tr.type !== (step.side === 'SELL' ? 'manageSellOffer' : 'manageBuyOffer')) return undefined;
  const { value } = tr;
  if (value.type !== 'manageSellOfferSuccess' && value.type !== 'manageBuyOfferSuccess') return undefined;
  const { offersClaimed, offer } = value.success;
  const taken = readClaims(step, offersClaimed);
  if (taken === undefined) return undefined;
  if (offer.type === 'manageOfferDeleted') return { ...taken, resting: undefined };
  const isNew = offer.type === 'manageOfferCreated';
  if (step.amount === 0n || isNew !== (step.offerId === '0')) return undefined;
  const remaining = restOf(step, offer.offer, account);
  if (remaining === undefined || remaining + taken.takenBase > step.amount) return undefined;
  return { ...taken, resting: { offerId: offer.offer.offerId.toString(), remaining } };
}

/** Base left in an offer that the result shows; undefined if it is not the step's. */
function restOf(step: Step, entry: xdr.OfferEntry, account: string): bigint | undefined {
  const { side, price, offerId } = step;
  const [selling, buying] = assetsOf(step);
  const [n, d] = [BigInt(entry.price.n), BigInt(entry.price.d)];
  const samePrice = side === 'SELL' ? n * price.d === price.n * d : n * price.n === price.d * d;
  const right =
    StrKey.encodeEd25519PublicKey(entry.sellerId.value.toBytes()) === account &&
    fromXdrAsset(entry.selling) === selling &&
    fromXdrAsset(entry.buying) === buying &&
    (offerId === '0' || entry.offerId.toString() === offerId);
  if (!samePrice || !right) return undefined;
  if (side === 'SELL') return entry.amount;
  // The entry counts quote, rounded up from base.
  return least((entry.amount * price.d) / price.n, step.amount);
}

/** Base and quote that crossed offers moved. */
function readClaims(step: Step, atoms: readonly xdr.ClaimAtom[]): Omit<Outcome, 'resting'> | undefined {
  const [selling, buying] = assetsOf(step);
  let [given, got] = [0n, 0n];
  for (const { value } of atoms) {
    if (fromXdrAsset(value.assetSold) !== buying || fromXdrAsset(value.assetBought) !== selling)
      return undefined;
    given += value.amountBought;
    got += value.amountSold;
  }
  const [takenBase, takenQuote] = step.side === 'SELL' ? [given, got] : [got, given];
  const { n, d } = step.price;
  // Rounding may favour the other by 1 % (CAP-0004), never more.
  const [left, right] = [takenQuote * d * 100n, takenBase * n];
  const fair = step.side === 'SELL' ? left >= right * 99n : left <= right * 101n;
  return takenBase <= step.amount && fair ? { takenBase, takenQuote } : undefined;
}

function readPayment(step: Step, tr: xdr.OperationResultTr, account: string): Outcome | undefined {
  const { give, get } = tradeAmounts(step.side, step.amount, step.price);
  if (tr.type !== 'pathPaymentStrictSend' && tr.type !== 'pathPaymentStrictReceive') return undefined;
  const { value } = tr;
  if (value.type !== 'pathPaymentStrictSendSuccess' && value.type !== 'pathPaymentStrictReceiveSuccess') {
    return undefined;
  }
  const { last, offers } = value.success;
  const [selling, buying] = assetsOf(step);
  const to = StrKey.encodeEd25519PublicKey(last.destination.value.toBytes());
  if (to !== account || fromXdrAsset(last.asset) !== buying || last.amount < get) return undefined;
  let given = 0n;
  for (const { value: atom } of offers) {
    if (fromXdrAsset(atom.assetBought) !== selling) return undefined;
    given += atom.amountBought;
  }
  if (given > give || (step.side === 'SELL' && given !== give)) return undefined;
  const [takenBase, takenQuote] = step.side === 'SELL' ? [given, last.amount] : [last.amount, given];
  return { takenBase, takenQuote, resting: undefined };
}
