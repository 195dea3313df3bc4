import type { Asset } from './asset.ts';
import {
  type Account,
  accountKey,
  type Change,
  type Data,
  dataKey,
  type Entry,
  keyOf,
  lineKey,
  type Offer,
  offerKey,
  type Pool,
  type PoolShare,
  poolKey,
  type Trustline,
} from './entries.ts';
import { Refused } from './errors.ts';

/** What operations and fees read and change of a LedgerHeader. Amounts in stroops, `closeTime` in Unix seconds. */
export interface Header {
  readonly sequence: number;
  readonly closeTime: bigint;
  readonly version: number;
  readonly baseFee: bigint;
  readonly baseReserve: bigint;
  /** The most operations that a ledger takes. */
  readonly maxTxSetSize: number;
  readonly feePool: bigint;
  /** The highest offer id given out. */
  readonly idPool: bigint;
}

/**
 * The entries of a ledger with an undo journal: `savepoint` marks a place, `rollback` undoes everything since,
 * `commit` forgets how to. Offers are kept sorted per book, best first.
 */
export interface LedgerState {
  readonly header: Header;
  setHeader(header: Header): void;
  get(key: string): Entry | undefined;
  account(address: string): Account | undefined;
  trustline(owner: string, asset: Asset | PoolShare): Trustline | undefined;
  offer(seller: string, id: bigint): Offer | undefined;
  data(owner: string, name: string): Data | undefined;
  pool(id: string): Pool | undefined;
  entries(): Iterable<Entry>;
  /** Trust lines, offers and data of an account. */
  ownedBy(owner: string): Iterable<Entry>;
  /** Offers that sell `selling` for `buying`, best first. */
  book(selling: Asset, buying: Asset): readonly Offer[];
  /** Selling and buying asset of each book that has offers. */
  books(): Iterable<readonly [selling: Asset, buying: Asset]>;
  pools(): Iterable<Pool>;
  /** Stores an entry, marked as written by the current ledger. */
  put(entry: Entry): void;
  /** Stores an entry as it is. */
  restore(entry: Entry): void;
  /** @throws Refused for an entry whose reserve another account pays */
  remove(entry: Entry): void;
  savepoint(): number;
  rollback(savepoint: number): void;
  /** One change for each entry that was written since; unchanged ones, too, where core writes them. */
  changesSince(savepoint: number): Change[];
  commit(): void;
}

type Undo = { key: string; before: Entry | undefined } | { header: Header };

const bookKey = (selling: Asset, buying: Asset): string => `${selling} ${buying}`;

/** Core orders by the quotient as a double, then by id: a float is right here, prices that differ may compare equal. */
function isBetter(a: Offer, b: Offer): boolean {
  const [left, right] = [a.price.n / a.price.d, b.price.n / b.price.d];
  return left === right ? a.id < b.id : left < right;
}

/** Where `offer` stands in its book, or would. */
function placeOf(book: readonly Offer[], offer: Offer): number {
  let [low, high] = [0, book.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBetter(book[middle]!, offer)) low = middle + 1;
    else high = middle;
  }
  return low;
}

const ownerOf = (entry: Entry): string | undefined => {
  if (entry.type === 'offer') return entry.seller;
  return entry.type === 'trustline' || entry.type === 'data' ? entry.owner : undefined;
};

function addTo<V>(index: Map<string, Map<string, V>>, group: string, key: string, value: V): void {
  const members = index.get(group);
  if (members) members.set(key, value);
  else index.set(group, new Map([[key, value]]));
}

function removeFrom<V>(index: Map<string, Map<string, V>>, group: string, key: string): void {
  const members = index.get(group);
  members?.delete(key);
  if (members?.size === 0) index.delete(group);
}

export function createState(first: Header): LedgerState {
  const all = new Map<string, Entry>();
  const owned = new Map<string, Map<string, Entry>>();
  const pools = new Map<string, Pool>();
  const books = new Map<string, { selling: Asset; buying: Asset; offers: Offer[] }>();
  const journal: Undo[] = [];
  let header = first;

  function indexOffer(before: Offer | undefined, after: Offer | undefined): void {
    const { selling, buying } = (after ?? before)!;
    const key = bookKey(selling, buying);
    const book = books.get(key) ?? { selling, buying, offers: [] };
    if (before) book.offers.splice(placeOf(book.offers, before), 1);
    if (after) book.offers.splice(placeOf(book.offers, after), 0, after);
    if (book.offers.length > 0) books.set(key, book);
    else books.delete(key);
  }

  /** The only place that writes; keeps the indexes. */
  function set(key: string, after: Entry | undefined): Entry | undefined {
    const before = all.get(key);
    if (after) all.set(key, after);
    else all.delete(key);
    const entry = after ?? before;
    if (!entry) return before;
    const owner = ownerOf(entry);
    if (owner !== undefined) {
      if (after) addTo(owned, owner, key, after);
      else removeFrom(owned, owner, key);
    }
    if (entry.type === 'offer') {
      const offer = before?.type === 'offer' ? before : undefined;
      // An update may name other assets or prices, so the old place is left before the new one is taken.
      if (offer) indexOffer(offer, undefined);
      if (after?.type === 'offer') indexOffer(undefined, after);
    } else if (entry.type === 'pool') {
      if (after?.type === 'pool') pools.set(key, after);
      else pools.delete(key);
    }
    return before;
  }

  const write = (key: string, after: Entry | undefined): void => {
    journal.push({ key, before: set(key, after) });
  };

  const find = <T extends Entry['type']>(type: T, key: string): Extract<Entry, { type: T }> | undefined => {
    const entry = all.get(key);
    return entry?.type === type ? (entry as Extract<Entry, { type: T }>) : undefined;
  };

  return {
    get header() {
      return header;
    },
    setHeader(next) {
      journal.push({ header });
      header = next;
    },
    get: (key) => all.get(key),
    account: (address) => find('account', accountKey(address)),
    trustline: (owner, asset) => find('trustline', lineKey(owner, asset)),
    offer: (seller, id) => find('offer', offerKey(seller, id)),
    data: (owner, name) => find('data', dataKey(owner, name)),
    pool: (id) => find('pool', poolKey(id)),
    entries: () => all.values(),
    ownedBy: (owner) => owned.get(owner)?.values() ?? [],
    book: (selling, buying) => books.get(bookKey(selling, buying))?.offers ?? [],
    *books() {
      for (const { selling, buying } of books.values()) yield [selling, buying] as const;
    },
    pools: () => pools.values(),
    put: (entry) =>
      write(
        keyOf(entry),
        entry.modified === header.sequence ? entry : { ...entry, modified: header.sequence },
      ),
    restore: (entry) => write(keyOf(entry), entry),
    remove(entry) {
      if (entry.type !== 'foreign' && entry.sponsor) throw new Refused('sponsorship');
      write(keyOf(entry), undefined);
    },
    savepoint: () => journal.length,
    rollback(savepoint) {
      while (journal.length > savepoint) {
        const undo = journal.pop()!;
        if ('header' in undo) header = undo.header;
        else set(undo.key, undo.before);
      }
    },
    changesSince(savepoint) {
      const first = new Map<string, Entry | undefined>();
      for (const undo of journal.slice(savepoint)) {
        if ('key' in undo && !first.has(undo.key)) first.set(undo.key, undo.before);
      }
      const changes = [...first].map(([key, before]) => ({ before, after: all.get(key) }));
      return changes.filter(({ before, after }) => before !== undefined || after !== undefined);
    },
    commit() {
      journal.length = 0;
    },
  };
}
