import { type AssetJson, assetFromJson } from './asset.ts';
import { offerLiabilities, type Price } from './exchange.ts';
import { checkOffer, manageOffer, type OfferTerms } from './manage_offer.ts';
import type { OperationModule } from './operation.ts';

/** ManageSellOfferOp of Stellar-transaction.x in SEP-51 JSON. Amount zero deletes. */
interface Body {
  selling: AssetJson;
  buying: AssetJson;
  amount: string;
  price: Price;
  offer_id: string;
}

/** Terms of an offer whose amount is what it sells. */
export function sellTerms(body: Body, passive: boolean): OfferTerms {
  const amount = BigInt(body.amount);
  return {
    selling: assetFromJson(body.selling),
    buying: assetFromJson(body.buying),
    price: body.price,
    offerId: BigInt(body.offer_id),
    passive,
    isDelete: amount === 0n,
    get liabilities() {
      return offerLiabilities(body.price, amount);
    },
    left: (sold) => ({ sell: amount - sold, buy: undefined }),
  };
}

export const manageSellOffer: OperationModule<Body> = {
  level: () => 'medium',
  check: (body) => checkOffer(sellTerms(body, false), BigInt(body.amount)),
  apply: (state, source, body) => manageOffer(state, source, sellTerms(body, false)),
};
