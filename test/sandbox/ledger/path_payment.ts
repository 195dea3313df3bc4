import { type Asset, type AssetJson, assetFromJson, issuerOf } from './asset.ts';
import { addBalance, spendable } from './balances.ts';
import { isAuthorized } from './entries.ts';
import { INT64_MAX, type Rounding } from './exchange.ts';
import { type ClaimAtom, type Conversion, convert, MAX_OFFERS_TO_CROSS } from './order_book.ts';
import { quotePool, tradeWithPool } from './pool.ts';
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
    // Core's word for a source that an operation before merged away.
    if (!account) return 'malformed';
    if (amount > spendable(state.header, account)) return 'underfunded';
    return addBalance(state, source, asset, -amount) ? undefined : 'underfunded';
  }
  if (issuerOf(asset) === source) return undefined;
  const line = state.trustline(source, asset);
  if (!line) return 'src_no_trust';
  if (!isAuthorized(line)) return 'src_not_authorized';
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
    if (!isAuthorized(line)) return 'not_authorized';
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

/** The assets of a path payment, from what is sent to what arrives. */
export function readPath(body: { send_asset: AssetJson; dest_asset: AssetJson; path: AssetJson[] }): {
  sendAsset: Asset;
  path: Asset[];
  destAsset: Asset;
} {
  return {
    sendAsset: assetFromJson(body.send_asset),
    path: body.path.map(assetFromJson),
    destAsset: assetFromJson(body.dest_asset),
  };
}

export interface Hop {
  send: Asset;
  receive: Asset;
  /** What is given exactly: sent (strict send) or received (strict receive). */
  amount: bigint;
}

export type HopResult =
  | { ok: true; amount: bigint; atoms: ClaimAtom[]; crossed: number }
  | { ok: false; code: 'too_few_offers' | 'offer_cross_self' | 'op_exceeded_work_limit' };

const CODE = {
  cross_self: 'offer_cross_self',
  too_many_offers: 'op_exceeded_work_limit',
  partial: 'too_few_offers',
  bad_price: 'too_few_offers',
  taken: 'too_few_offers',
} as const;

/** Whether the book's price is strictly better than the pool's: received per sent, compared across. */
const beatsPool = (book: Conversion, pool: { sent: bigint; received: bigint }): boolean =>
  book.outcome === 'taken' && pool.sent * book.received > pool.received * book.sent;

/**
 * One trade of a path, wholly through the book or wholly through the pool, whichever gives the better price; the pool
 * on a tie (CAP-0038). `crossed` is what the hops before have used up of the operation's limit: also offers that were
 * only looked at for the comparison count (protocol 27).
 */
export function tradeHop(
  state: LedgerState,
  taker: string | undefined,
  { send, receive, amount }: Hop,
  rounding: Exclude<Rounding, 'normal'>,
  crossed: number,
): HopResult {
  const strictSend = rounding === 'strict_send';
  const maxOffers = MAX_OFFERS_TO_CROSS - crossed;
  const quote = maxOffers > 0 ? quotePool(state, send, receive, rounding, amount) : undefined;

  const before = state.savepoint();
  const book = convert(state, {
    taker,
    send,
    receive,
    maxSend: strictSend ? amount : INT64_MAX,
    maxReceive: strictSend ? INT64_MAX : amount,
    rounding,
    maxOffers,
  });
  if (quote && !beatsPool(book, quote.trade)) {
    state.rollback(before);
    if (book.atoms.length >= maxOffers) return { ok: false, code: 'op_exceeded_work_limit' };
    const { pool, trade } = quote;
    tradeWithPool(state, pool, send, trade);
    const atom = {
      poolId: pool.id,
      sold: receive,
      amountSold: trade.received,
      bought: send,
      amountBought: trade.sent,
    };
    const result = strictSend ? trade.received : trade.sent;
    return { ok: true, amount: result, atoms: [atom], crossed: crossed + book.atoms.length + 1 };
  }
  // A path payment has to use up the amount that is given exactly.
  const exact = strictSend ? book.sent === amount : book.received === amount;
  if (book.outcome !== 'taken' || !exact) return { ok: false, code: CODE[book.outcome] };
  return {
    ok: true,
    amount: strictSend ? book.received : book.sent,
    atoms: book.atoms,
    crossed: crossed + book.atoms.length,
  };
}
