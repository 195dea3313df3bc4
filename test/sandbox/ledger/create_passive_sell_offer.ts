import type { AssetJson } from './asset.ts';
import type { Price } from './exchange.ts';
import { checkOffer, manageOffer } from './manage_offer.ts';
import { sellTerms } from './manage_sell_offer.ts';
import type { OperationModule } from './operation.ts';

/** CreatePassiveSellOfferOp of Stellar-transaction.x in SEP-51 JSON. */
interface Body {
  selling: AssetJson;
  buying: AssetJson;
  amount: string;
  price: Price;
}

const terms = (body: Body) => sellTerms({ ...body, offer_id: '0' }, true);

/** Core answers it in the arm of a manage sell offer. */
export const createPassiveSellOffer: OperationModule<Body> = {
  resultArm: 'manage_sell_offer',
  level: () => 'medium',
  check: (body) => checkOffer(terms(body), BigInt(body.amount)),
  apply: (state, source, body) => manageOffer(state, source, terms(body)),
};
