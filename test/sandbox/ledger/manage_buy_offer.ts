import { type AssetJson, assetFromJson } from './asset.ts';
import { exchangeUnjudged, INT64_MAX, type Price } from './exchange.ts';
import { checkOffer, manageOffer, type OfferTerms } from './manage_offer.ts';
import type { OperationModule } from './operation.ts';

/** ManageBuyOfferOp of Stellar-transaction.x in SEP-51 JSON: amount and price in what it buys. Amount zero deletes. */
interface Body {
  selling: AssetJson;
  buying: AssetJson;
  buy_amount: string;
  /** Sold per bought. */
  price: Price;
  offer_id: string;
}

/** In the book it stands as an offer to sell at the inverse price. */
function terms(body: Body): OfferTerms {
  const amount = BigInt(body.buy_amount);
  const price = { n: body.price.d, d: body.price.n };
  return {
    selling: assetFromJson(body.selling),
    buying: assetFromJson(body.buying),
    price,
    offerId: BigInt(body.offer_id),
    passive: false,
    isDelete: amount === 0n,
    get liabilities() {
      const { wheat, sheep } = exchangeUnjudged(
        price,
        { wheatSend: INT64_MAX, wheatReceive: INT64_MAX, sheepSend: INT64_MAX, sheepReceive: amount },
        'normal',
      );
      return { selling: wheat, buying: sheep };
    },
    left: (_sold, bought) => ({ sell: undefined, buy: amount - bought }),
  };
}

export const manageBuyOffer: OperationModule<Body> = {
  level: () => 'medium',
  check: (body) => checkOffer(terms(body), BigInt(body.buy_amount)),
  apply: (state, source, body) => manageOffer(state, source, terms(body)),
};
