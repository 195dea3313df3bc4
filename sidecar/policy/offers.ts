import { isDeletion, type Offer } from '../transaction.ts';
import type { OperationRule, Refusal } from './check.ts';
import { findPair, judgeAmount, judgeCollar, marketOf, pairLimit, pairMissing } from './pairs.ts';
import type { PolicySpec } from './schema.ts';

/**
 * Offers on the order book. Deleting one needs no rule. New ones count in the turnover in full, changed ones once per
 * slot at their largest (journal/windows.ts), since the signer sees no fills.
 */
export const offers: OperationRule<Offer> = {
  judge(operation, field, spec) {
    const malformed = judgeShape(operation, field);
    if (malformed !== undefined || isDeletion(operation)) return malformed;
    const { selling, buying, price } = operation;
    const found = findOffer(operation, spec);
    if (found === undefined) return pairMissing(selling, buying, `${field}.buying`, 'offers');
    const per = operation.type === 'manageSellOffer' ? selling : buying;
    return (
      judgeCollar(found, per, price, `${field}.price`) ??
      judgeAmount(found, selling, mostSold(operation), `${field}.amount`)
    );
  },
  spends: (operation) => (isDeletion(operation) ? [] : [spendOf(operation)]),
  limits(operation, spec) {
    const found = isDeletion(operation) ? undefined : findOffer(operation, spec);
    return found === undefined
      ? []
      : pairLimit('offer', found, 'turnover', found.rule.turnover, operation.selling);
  },
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

const findOffer = ({ selling, buying }: Offer, { offers: rules }: PolicySpec) =>
  findPair('offers', rules, selling, buying);

/** Stroops of what is sold: of a buy offer its amount at its price, rounded up. */
function mostSold({ type, amount, price: { n, d } }: Offer): bigint {
  return type === 'manageSellOffer' ? amount : (amount * n + d - 1n) / d;
}

const spendOf = (operation: Offer) => ({
  kind: 'offer' as const,
  asset: operation.selling,
  pair: marketOf(operation.selling, operation.buying),
  ...(operation.offerId === 0n ? {} : { offer: operation.offerId.toString() }),
  amount: mostSold(operation).toString(),
});
