import assert from 'node:assert/strict';
import type { Asset } from './asset.ts';
import { isPoolShare } from './entries.ts';
import { INT64_MAX, offerLiabilities } from './exchange.ts';
import type { LedgerState } from './state.ts';

/** Sum over what `of` picks; zero for nothing. */
const sum = <T>(values: Iterable<T>, of: (value: T) => bigint): bigint =>
  [...values].reduce((total, value) => total + of(value), 0n);

/** What must hold of every ledger after every operation. @throws AssertionError */
export function assertSound(state: LedgerState): void {
  const entries = [...state.entries()];
  const offers = entries.filter((entry) => entry.type === 'offer');
  const lines = entries.filter((entry) => entry.type === 'trustline');
  const reservedFor = (owner: string, asset: string) => ({
    buying: sum(
      offers.filter(({ seller, buying }) => seller === owner && buying === asset),
      ({ price, amount }) => offerLiabilities(price, amount).buying,
    ),
    selling: sum(
      offers.filter(({ seller, selling }) => seller === owner && selling === asset),
      ({ price, amount }) => offerLiabilities(price, amount).selling,
    ),
  });
  const uses = (owner: string, asset: string): number =>
    lines.filter(({ owner: holder, asset: share }) => {
      const pool = holder === owner && isPoolShare(share) ? state.pool(share.slice(5)) : undefined;
      return pool?.assetA === asset || pool?.assetB === asset;
    }).length;

  for (const entry of entries) {
    if (entry.type === 'account') {
      const owned = [...state.ownedBy(entry.address)];
      const shares = owned.filter(({ type, ...rest }) => 'asset' in rest && isPoolShare(rest.asset));
      assert.equal(entry.subentries, owned.length + shares.length + entry.signers.length, 'sub-entries');
      assert.ok(entry.balance >= 0n && entry.balance + entry.liabilities.buying <= INT64_MAX, 'lumens');
      assert.deepEqual(entry.liabilities, reservedFor(entry.address, 'native'), 'liabilities in lumens');
    } else if (entry.type === 'trustline') {
      const { balance, limit, liabilities } = entry;
      assert.ok(balance >= 0n && balance >= liabilities.selling, 'balance of a line');
      assert.ok(limit > 0n && balance + liabilities.buying <= limit, 'limit of a line');
      assert.deepEqual(liabilities, reservedFor(entry.owner, entry.asset), 'liabilities of a line');
      assert.equal(entry.poolUses, uses(entry.owner, entry.asset), 'pools that use a line');
    } else if (entry.type === 'pool') {
      const shares = lines.filter(({ asset }) => asset === `pool:${entry.id}`);
      assert.equal(entry.lines, BigInt(shares.length), 'lines of a pool');
      assert.equal(
        entry.shares,
        sum(shares, ({ balance }) => balance),
        'shares of a pool',
      );
      const hasReserves = entry.reserveA > 0n && entry.reserveB > 0n;
      assert.ok(entry.shares === 0n ? entry.reserveA + entry.reserveB === 0n : hasReserves, 'reserves');
    }
  }
  for (const [selling, buying] of state.books()) assertBook(state, selling, buying);
}

/** Sorted, and not crossed by the book against it; only a passive offer may stand at the price of one against it. */
function assertBook(state: LedgerState, selling: Asset, buying: Asset): void {
  const book = state.book(selling, buying);
  assert.ok(book.every((offer) => offer.amount > 0n && offer === state.offer(offer.seller, offer.id)));
  for (const [index, { price, id }] of book.slice(1).entries()) {
    const better = book[index]!;
    const [left, right] = [better.price.n * price.d, price.n * better.price.d];
    assert.ok(left < right || (left === right && better.id < id), 'order of a book');
  }
  for (const ours of book) {
    for (const theirs of state.book(buying, selling)) {
      const product = BigInt(ours.price.n) * BigInt(theirs.price.n);
      const one = BigInt(ours.price.d) * BigInt(theirs.price.d);
      assert.ok(product > one || (product === one && (ours.passive || theirs.passive)), 'crossed book');
    }
  }
}

/** What holders and pools have of an asset; of lumens with the fee pool. */
export function supply(state: LedgerState, asset: Asset): bigint {
  return (
    sum(state.entries(), (entry) => {
      if (entry.type === 'account') return asset === 'native' ? entry.balance : 0n;
      if (entry.type === 'trustline') return entry.asset === asset ? entry.balance : 0n;
      if (entry.type !== 'pool') return 0n;
      return (entry.assetA === asset ? entry.reserveA : 0n) + (entry.assetB === asset ? entry.reserveB : 0n);
    }) + (asset === 'native' ? state.header.feePool : 0n)
  );
}
