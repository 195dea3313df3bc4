import { formatAmount } from '../amount.ts';
import type { Asset } from '../ledger/asset.ts';
import type { Offer } from '../ledger/entries.ts';
import { offersOf } from '../ledger/entries_of.ts';
import type { Price } from '../ledger/exchange.ts';
import type { LedgerState } from '../ledger/state.ts';
import type { View } from '../network.ts';
import { type HorizonRequest, link, ok, type Route } from './http.ts';
import { type Listing, listRoute, pageOf } from './page.ts';
import {
  accountId,
  assetFields,
  formatPrice,
  modifiedFields,
  offerId,
  readAccountId,
  readLongAsset,
  readShortAsset,
} from './parameters.ts';
import { badField, problem } from './problems.ts';
import { stateList } from './state_list.ts';

function resource(network: View, base: string, offer: Offer) {
  const { id, seller, price } = offer;
  return {
    _links: {
      self: link(`${base}/offers/${id}`),
      offer_maker: link(`${base}/accounts/${seller}`),
    },
    id: String(id),
    paging_token: String(id),
    seller,
    selling: assetFields(offer.selling),
    buying: assetFields(offer.buying),
    amount: formatAmount(offer.amount),
    price_r: { n: price.n, d: price.d } satisfies Price,
    price: formatPrice(price),
    ...modifiedFields(network, offer),
    ...(offer.sponsor && { sponsor: offer.sponsor }),
  };
}

function* allOffers(state: LedgerState): Iterable<Offer> {
  for (const [selling, buying] of state.books()) yield* state.book(selling, buying);
}

/** A cursor of `now` is a ledger's place, which no id reaches. */
const listing = (request: HorizonRequest, entries: () => Iterable<Offer>): Listing =>
  stateList(request, 'numbers', {
    entries,
    tokenOf: ({ id }) => String(id),
    render: (one) => resource(request.network, request.base, one),
  });

/** `selling` or `buying`, in the short form or the old long one. */
function readSide(query: URLSearchParams, side: 'selling' | 'buying'): Asset | undefined {
  const short = readShortAsset(query, side);
  if (short !== undefined && query.get(`${side}_asset_type`)) {
    throw badField(
      `${side}_asset_type`,
      `Ambiguous parameter, you can't include both \`${side}\` and \`${side}_asset_type\`. Remove all parameters of the form \`${side}_\``,
    );
  }
  return short ?? readLongAsset(query, side);
}

/** GET /offers */
export const offers: Route = {
  method: 'GET',
  pattern: /^\/offers$/,
  fromState: true,
  handle(request) {
    const { network, query } = request;
    const [seller, sponsor] = [readAccountId(query, 'seller'), readAccountId(query, 'sponsor')];
    const [selling, buying] = [readSide(query, 'selling'), readSide(query, 'buying')];
    const isWanted = (offer: Offer): boolean =>
      (seller === undefined || offer.seller === seller) &&
      (sponsor === undefined || offer.sponsor === sponsor) &&
      (selling === undefined || offer.selling === selling) &&
      (buying === undefined || offer.buying === buying);
    return ok(
      pageOf(
        request,
        listing(request, () => [...allOffers(network.state)].filter(isWanted)),
      ),
    );
  },
};

/** GET /accounts/{account_id}/offers, of an account that need not exist. */
export const accountOffers: Route = {
  ...listRoute(/^\/accounts\/([^/]+)\/offers$/, (request) => {
    const { network, parameters } = request;
    const seller = accountId('account_id', parameters[0]!);
    return listing(request, () => offersOf(network.state, seller));
  }),
  fromState: true,
};

/** GET /offers/{offer_id} */
export const offer: Route = {
  method: 'GET',
  pattern: /^\/offers\/([^/]+)$/,
  fromState: true,
  handle({ network, base, parameters: [id = ''] }) {
    const wanted = offerId(id);
    for (const one of allOffers(network.state)) {
      if (one.id === wanted) return ok(resource(network, base, one));
    }
    throw problem('not_found');
  },
};
