import { isDeletion, type Offer } from '../transaction.ts';
import { NOTHING, type OperationRule, type Refusal } from './check.ts';
import { findPair, judgeCollar, pairMissing, takeAmount } from './pairs.ts';

/**
 * Offers on the order book. Deleting one needs no rule. New ones count in the turnover in full, changed ones once per
 * slot at their largest (journal/windows.ts), since the signer sees no fills.
 */
export const offers: OperationRule<Offer> = (operation, field, spec) => {
  const malformed = judgeShape(operation, field);
  if (malformed !== undefined) return malformed;
  if (isDeletion(operation)) return NOTHING;
  const { type, selling, buying, amount, price, offerId } = operation;
  const found = findPair('offers', spec.offers, selling, buying);
  if (found === undefined) return pairMissing(selling, buying, `${field}.buying`, 'offers');
  const isSale = type === 'manageSellOffer';
  // Of a buy offer its amount at its price, rounded up.
  const sold = isSale ? amount : (amount * price.n + price.d - 1n) / price.d;
  const id = offerId === 0n ? undefined : offerId.toString();
  return (
    judgeCollar(found, isSale ? selling : buying, price, `${field}.price`) ??
    takeAmount('offer', found, selling, sold, `${field}.amount`, id)
  );
};

/** What no ledger takes, or what would mean something else than it seems. A deletion of this kind could free nobody. */
function judgeShape({ selling, buying, amount, offerId, price }: Offer, field: string): Refusal | undefined {
  if (selling === buying)
    return {
      code: 'pair-not-allowed',
      message: 'an offer of an asset for itself is never allowed',
      field: `${field}.buying`,
    };
  if (price.n <= 0n || price.d <= 0n)
    return {
      code: 'price-out-of-collar',
      message: `a price of ${price.n}/${price.d} is never allowed`,
      field: `${field}.price`,
    };
  if (offerId < 0n)
    return {
      code: 'operation-not-allowed',
      message: 'an offer id is at least 0',
      field: `${field}.offerId`,
    };
  return amount < 0n || (amount === 0n && offerId === 0n)
    ? {
        code: 'operation-not-allowed',
        message: `an amount of ${amount} makes no offer and deletes none`,
        field: `${field}.amount`,
      }
    : undefined;
}
