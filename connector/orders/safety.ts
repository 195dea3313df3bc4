import type { ErrorCode } from '../errors.ts';
import type { BookLevel, LedgerTrade } from '../ledger/types.ts';
import { formatAmount } from '../market/amount.ts';
import { type AssetId, type Market, NATIVE } from '../market/asset.ts';
import { type AccountState, available, room } from '../market/balance.ts';
import { formatPrice, type Price, type Side } from '../market/quote.ts';
import type { LocalBook, MarketData } from '../market/types.ts';
import { canRest, comparePrices, type Fraction, toPrice, tradeAmounts } from './price.ts';
import type { OrderType } from './types.ts';

/** The most entries that the ledger lets an account own (MAX_SUBENTRIES of stellar-core). */
const MAX_SUBENTRIES = 1000;

/** Why an order is not signed for, and the field that is wrong. */
export interface Refusal {
  code: ErrorCode;
  message: string;
  field: string;
}

/** The order that is judged. Amounts in stroops. */
export interface Judged {
  market: Market;
  side: Side;
  type: OrderType;
  price: Fraction;
  /** Base that it would trade from here on. */
  amount: bigint;
  /** What the offer that it changes holds back now; undefined for a new one. */
  replaces: { give: bigint; get: bigint } | undefined;
}

/** What it is judged by. Amounts in stroops, times in milliseconds since 1970. */
export interface Facts {
  /** Our account's id: what it issues needs no line. */
  self: string;
  account: AccountState;
  baseReserve: bigint;
  /** Of one operation, at most. */
  bid: bigint;
  /** Spent by what is in flight or before it in the same transaction. */
  reserved: ReadonlyMap<AssetId, bigint>;
  /** What orders before it in the same transaction may bring. */
  incoming: ReadonlyMap<AssetId, bigint>;
  /** New offers before it in the same transaction. */
  newOffers: number;
  book: LocalBook | undefined;
  /** Price of the last trade, newest. */
  lastTrade: Price | undefined;
  /** Prices of our own offers on the other side, on the book or on their way to it. */
  ownOpposite: readonly Price[];
  now: number;
  staleMs: number;
  /** Kept back of native. */
  nativeBuffer: bigint;
  collarPct: number;
}

/** One check: undefined lets the order pass to the next. Pure. */
type Check = (order: Judged, facts: Facts) => Refusal | undefined;

const refuse = (code: ErrorCode, field: string, message: string): Refusal => ({ code, message, field });

/** The first reason not to sign for an order; undefined: none. */
export function judge(order: Judged, facts: Facts): Refusal | undefined {
  for (const check of CHAIN) {
    const refusal = check(order, facts);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

const fresh: Check = (_order, { book, now, staleMs }) =>
  isFresh(book, now, staleMs)
    ? undefined
    : refuse('ledger-stale', 'market', 'the book of this market is not known well enough now to trade on it');

export const isFresh = (book: LocalBook | undefined, now: number, staleMs: number): book is LocalBook =>
  book?.fresh === true && now - book.at <= staleMs;

const minimum: Check = ({ side, amount, price, type }) => {
  if (amount < 1n) return refuse('invalid-params', 'amount', 'amount must be at least 0.0000001');
  // A payment at most, or at least, of nothing is refused by the ledger.
  const keeps = type === 'market' ? amount * price.n >= price.d : canRest(side, amount, price);
  return keeps
    ? undefined
    : refuse(
        'invalid-params',
        'amount',
        'amount is too small for its price: the ledger would keep nothing of it',
      );
};

/** The middle of a book; of one side only its best; without any the last trade; undefined: nobody knows a price. */
export function middle(
  book: { bids: readonly BookLevel[]; asks: readonly BookLevel[] },
  lastTrade: Price | undefined,
): Price | undefined {
  const [bid, ask] = [book.bids[0]?.price, book.asks[0]?.price];
  if (bid === undefined || ask === undefined) return bid ?? ask ?? lastTrade;
  return {
    numerator: bid.numerator * ask.denominator + ask.numerator * bid.denominator,
    denominator: 2n * bid.denominator * ask.denominator,
  };
}

/** Of the newest trade that is known, quote per base. */
export function lastPrice(market: Pick<MarketData, 'trades'>, of: Market): Price | undefined {
  const newest = market
    .trades(of)
    .reduce<LedgerTrade | undefined>((a, b) => (a && a.at >= b.at ? a : b), undefined);
  if (newest === undefined || newest.baseAsset === of.base) return newest?.price;
  return { numerator: newest.price.denominator, denominator: newest.price.numerator };
}

const collar: Check = ({ price }, { book, lastTrade, collarPct }) => {
  const mid = middle(book!, lastTrade);
  if (mid === undefined) return undefined;
  // In millionths of a percent, so that no float decides.
  const band = BigInt(Math.round(collarPct * 1e6));
  const off = (toPrice(price).numerator * mid.denominator - mid.numerator * price.d) * 100_000_000n;
  const allowed = band * mid.numerator * price.d;
  if (off <= allowed && -off <= allowed) return undefined;
  const message = `price is more than ${collarPct} % from the middle of the book, ${formatPrice(mid)} (trading.collarPct)`;
  return refuse('price-out-of-collar', 'price', message);
};

/** Whether an order at `own` trades with one at `other` of the other side; at the same price too. */
const crosses = (side: Side, own: Price, other: Price): boolean =>
  side === 'SELL' ? comparePrices(own, other) <= 0 : comparePrices(own, other) >= 0;

/** The ledger fails a transaction that would trade with its own account. It does not come to that if others fill it first. */
const notOurs: Check = ({ side, price, amount, type }, { ownOpposite, book }) => {
  const crossed = ownOpposite.filter((own) => crosses(side, toPrice(price), own));
  if (crossed.length === 0) return undefined;
  const best = crossed.reduce((a, b) => (crosses(side, a, b) ? b : a));
  const levels = side === 'SELL' ? book!.bids : book!.asks;
  const before = levels
    .filter((level) => !crosses(side, level.price, best) && type !== 'maker-only')
    .reduce((sum, level) => sum + level.amount, 0n);
  return before >= amount
    ? undefined
    : refuse(
        'would-cross',
        'price',
        `price would trade with our own offer at ${formatPrice(best)}: cancel it first`,
      );
};

const makesOnly: Check = ({ side, price, type }, { book }) => {
  if (type !== 'maker-only') return undefined;
  const best = (side === 'SELL' ? book!.bids : book!.asks)[0];
  return best === undefined || !crosses(side, toPrice(price), best.price)
    ? undefined
    : refuse(
        'would-cross',
        'price',
        `price would take the offer at ${formatPrice(best.price)}, which maker-only forbids`,
      );
};

const issues = (asset: AssetId, account: string): boolean => asset.endsWith(`:${account}`);

const isNew = ({ replaces, type }: Judged): boolean => replaces === undefined && type !== 'market';

/** Balance − selling liabilities − reserve, that of the new offers too − buffer − what is under way. */
const funds: Check = (order, facts) => {
  const { account, baseReserve, reserved, self } = facts;
  const { side, market, amount, price, replaces } = order;
  const asset = side === 'SELL' ? market.base : market.quote;
  const give = tradeAmounts(side, amount, price).give - (replaces?.give ?? 0n);
  const left = (of: AssetId): bigint | undefined => {
    const free = available(account, of, baseReserve);
    return free === undefined ? undefined : free - (reserved.get(of) ?? 0n);
  };
  if (asset !== NATIVE && !issues(asset, self)) {
    const free = left(asset);
    if (free === undefined) return refuse('insufficient-balance', 'amount', `the account holds no ${asset}`);
    if (!account.balances.find((line) => line.asset === asset)?.authorized) {
      return refuse('insufficient-balance', 'amount', `the issuer has frozen the account's ${asset}`);
    }
    if (give > free) return short(asset, give, free);
  }
  const reserve = isNew(order) ? baseReserve : 0n;
  const native = (asset === NATIVE && give > 0n ? give : 0n) + reserve;
  if (native === 0n) return undefined;
  const free = left(NATIVE)! - facts.nativeBuffer - facts.bid;
  return native > free ? short(NATIVE, native, free) : undefined;
};

const short = (asset: AssetId, need: bigint, free: bigint): Refusal => {
  const kept = asset === NATIVE ? ', reserve, buffer and fee kept' : '';
  const has = formatAmount(free > 0n ? free : 0n);
  return refuse(
    'insufficient-balance',
    'amount',
    `amount needs ${formatAmount(need)} ${asset}, ${has} can be spent${kept}`,
  );
};

/** A line for what comes, authorised, with room up to its limit. */
const trust: Check = ({ side, market, amount, price, replaces }, { account, self, incoming }) => {
  const asset = side === 'SELL' ? market.quote : market.base;
  if (asset !== NATIVE && issues(asset, self)) return undefined;
  const space = room(account, asset);
  if (space === undefined)
    return refuse('invalid-params', 'market', `the account has no trust line for ${asset}`);
  if (asset !== NATIVE && !account.balances.find((line) => line.asset === asset)?.authorized) {
    return refuse('invalid-params', 'market', `the issuer has not authorised the account's ${asset}`);
  }
  const get = tradeAmounts(side, amount, price).get - (replaces?.get ?? 0n);
  return get + (incoming.get(asset) ?? 0n) <= space
    ? undefined
    : refuse(
        'invalid-params',
        'amount',
        `amount brings more ${asset} than the trust line's limit has room for`,
      );
};

const entries: Check = (order, { account, newOffers }) =>
  isNew(order) && account.subentries + newOffers >= MAX_SUBENTRIES
    ? refuse(
        'invalid-params',
        'amount',
        `the account owns ${MAX_SUBENTRIES} entries, the most that the ledger allows`,
      )
    : undefined;

/** Cheap ones that need no account first. */
const CHAIN: readonly Check[] = [fresh, minimum, collar, makesOnly, notOurs, funds, trust, entries];
