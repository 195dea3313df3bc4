import type { Asset } from '../ledger/asset.ts';
import type { ClosedLedger } from '../ledger/close.ts';
import type { Change } from '../ledger/entries.ts';
import { POOL_FEE } from '../ledger/pool.ts';
import type { View } from '../network.ts';
import { type Claim, claimsOf, offerLeft } from './claims.ts';
import { type AppliedOperation, operationsIn, readScope, type Scope } from './history.ts';
import { type HorizonRequest, link } from './http.ts';
import { amount } from './operation_details.ts';
import { historyList, isPairCursor, listRoute, type Row } from './page.ts';
import { assetFields, formatTime, offerId, readAccountId, readLongAsset, sortKey } from './parameters.ts';
import { badField } from './problems.ts';
import { compare } from './state_list.ts';

/** One party of a trade. */
interface Side {
  pool: string | undefined;
  offer: bigint | undefined;
  account: string | undefined;
  asset: Asset;
  stroops: bigint;
}

interface Trade {
  token: string;
  closeTime: number;
  /** The owner of the offer or the pool that was there, and who took of it. */
  seller: Side;
  buyer: Side;
  /** Bought per sold, from the seller's view; not reduced. */
  price: { n: bigint; d: bigint };
}

/** Set in the id of an offer that never was on the book: the rest is the operation that took at once. */
const NOT_ON_BOOK = 1n << 62n;

function priceOf({ offer, amountSold, amountBought }: Claim, changes: readonly Change[]): Trade['price'] {
  if (!offer) return { n: amountBought, d: amountSold };
  for (const { before } of changes) {
    if (before?.type === 'offer' && before.id === offer.id) {
      return { n: BigInt(before.price.n), d: BigInt(before.price.d) };
    }
  }
  throw new Error(`offer ${offer.id} was taken and not changed`);
}

const tradesOf = (of: AppliedOperation): Trade[] =>
  claimsOf(of).map((claim) => ({
    token: `${of.id}-${claim.index}`,
    closeTime: of.applied.closeTime,
    seller: {
      pool: claim.pool,
      offer: claim.offer?.id,
      account: claim.offer?.seller,
      asset: claim.sold,
      stroops: claim.amountSold,
    },
    buyer: {
      pool: undefined,
      offer: offerLeft(of) ?? NOT_ON_BOOK | of.id,
      account: of.source,
      asset: claim.bought,
      stroops: claim.amountBought,
    },
    price: priceOf(claim, of.changes),
  }));

const tradesIn = (scope: Scope, ledger: ClosedLedger): Trade[] =>
  operationsIn(scope, ledger, false).flatMap(tradesOf);

interface KnownAssets {
  upTo: number;
  places: Map<Asset, number>;
}

const known = new WeakMap<View, KnownAssets>();

/** Where each traded asset stands in the order of first trades, by sort key within a ledger: of two the earlier is the base. */
function placesOf(view: View): Map<Asset, number> {
  const assets = known.get(view) ?? { upTo: 0, places: new Map<Asset, number>() };
  known.set(view, assets);
  for (const ledger of view.ledgers) {
    if (ledger.sequence <= assets.upTo) continue;
    const traded = tradesIn({}, ledger).flatMap(({ seller, buyer }) => [seller.asset, buyer.asset]);
    for (const key of traded.sort((a, b) => compare(sortKey(a), sortKey(b)))) {
      if (!assets.places.has(key)) assets.places.set(key, assets.places.size);
    }
    assets.upTo = ledger.sequence;
  }
  return assets.places;
}

const sideFields = (prefix: string, { pool, offer, account, asset, stroops }: Side) => ({
  ...(pool !== undefined && { [`${prefix}_liquidity_pool_id`]: pool }),
  ...(offer !== undefined && { [`${prefix}_offer_id`]: String(offer) }),
  ...(account !== undefined && { [`${prefix}_account`]: account }),
  [`${prefix}_amount`]: amount(stroops),
  ...assetFields(asset, `${prefix}_`),
});

function resource(trade: Trade, baseIsSeller: boolean, base: string) {
  const { token, closeTime, seller, buyer, price } = trade;
  const [first, second] = baseIsSeller ? [seller, buyer] : [buyer, seller];
  const [n, d] = baseIsSeller ? [price.n, price.d] : [price.d, price.n];
  const party = ({ account, pool }: Side) =>
    link(account === undefined ? `${base}/liquidity_pools/${pool}` : `${base}/accounts/${account}`);
  return {
    _links: {
      self: link(''),
      base: party(first),
      counter: party(second),
      operation: link(`${base}/operations/${token.split('-')[0]}`),
    },
    id: token,
    paging_token: token,
    ledger_close_time: formatTime(closeTime),
    trade_type: seller.pool === undefined ? 'orderbook' : 'liquidity_pool',
    ...(seller.pool !== undefined && { liquidity_pool_fee_bp: Number(POOL_FEE) }),
    ...sideFields('base', first),
    ...sideFields('counter', second),
    base_is_seller: baseIsSeller,
    price: { n: String(n), d: String(d) },
  };
}

interface Filter {
  /** Base and counter, as asked for. */
  pair: [Asset, Asset] | undefined;
  offer: bigint | undefined;
  account: string | undefined;
  pool: string | undefined;
  type: string;
}

function readFilter({ network, query, parameters: [parent, id = ''] }: HorizonRequest): Filter {
  const [base, counter] = [readLongAsset(query, 'base'), readLongAsset(query, 'counter')];
  if ((base === undefined) !== (counter === undefined)) {
    throw badField(
      'base_asset_type,counter_asset_type',
      'this endpoint supports asset pairs but only one asset supplied',
    );
  }
  const offer = parent === 'offers' ? id : query.get('offer_id') || undefined;
  const type = query.get('trade_type') || 'all';
  if (!['all', 'orderbook', 'liquidity_pool'].includes(type)) {
    throw badField('trade_type', 'Trade type must be all, orderbook, or liquidity_pool');
  }
  const account = readAccountId(query, 'account_id');
  const scope = parent === 'offers' ? {} : readScope(network, parent, id);
  return {
    pair: base !== undefined && counter !== undefined ? [base, counter] : undefined,
    offer: offer === undefined ? undefined : offerId(offer),
    account: scope.account ?? account,
    pool: scope.pool,
    type,
  };
}

function matches({ seller, buyer }: Trade, { pair, offer, account, pool, type }: Filter): boolean {
  const assets = [seller.asset, buyer.asset];
  return (
    (pair === undefined || (pair[0] !== pair[1] && pair.every((asset) => assets.includes(asset)))) &&
    (offer === undefined || seller.offer === offer || buyer.offer === offer) &&
    (account === undefined || seller.account === account || buyer.account === account) &&
    (pool === undefined || seller.pool === pool) &&
    (type === 'all' || (type === 'orderbook') === (seller.pool === undefined))
  );
}

/** GET /trades, and those of an account, an offer or a pool */
export const trades = listRoute(/^(?:\/(accounts|offers|liquidity_pools)\/([^/]+))?\/trades$/, (request) =>
  historyList(request, isPairCursor, () => {
    const { network, base } = request;
    const filter = readFilter(request);
    const isBase = ({ seller, buyer }: Trade): boolean => {
      if (filter.pair) return seller.asset === filter.pair[0];
      const places = placesOf(network);
      return places.get(seller.asset)! < places.get(buyer.asset)!;
    };
    return (ledger): Row[] =>
      tradesIn({}, ledger)
        .filter((trade) => matches(trade, filter))
        .map((trade) => ({
          token: trade.token,
          render: () => resource(trade, isBase(trade), base),
        }));
  }),
);
