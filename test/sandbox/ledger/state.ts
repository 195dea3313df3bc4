import type { Asset } from './asset.ts';
import type { Price } from './exchange.ts';

/** Amounts and liabilities are stroops; times are Unix seconds. Entries are never changed, only replaced. */
export interface Account {
  readonly address: string;
  readonly balance: bigint;
  readonly sequence: bigint;
  /** Ledger and time at which the sequence number was last consumed. */
  readonly sequenceLedger: number;
  readonly sequenceTime: number;
  readonly subentries: number;
  readonly buyingLiabilities: bigint;
  readonly sellingLiabilities: bigint;
  readonly modified: Close;
}

export interface Trustline {
  readonly owner: string;
  readonly asset: Asset;
  readonly balance: bigint;
  readonly limit: bigint;
  readonly authorization: 'full' | 'maintain' | 'none';
  readonly buyingLiabilities: bigint;
  readonly sellingLiabilities: bigint;
  readonly modified: Close;
}

export interface Offer {
  readonly id: bigint;
  readonly seller: string;
  readonly selling: Asset;
  readonly buying: Asset;
  readonly amount: bigint;
  readonly price: Price;
}

export interface Close {
  readonly ledger: number;
  readonly time: number;
}

/**
 * The entries of a ledger with an undo journal: `savepoint` marks a place, `rollback` undoes everything since.
 * Offers are kept sorted per book, best first.
 */
export interface LedgerState {
  readonly close: Close;
  readonly feePool: bigint;
  account(address: string): Account | undefined;
  trustline(owner: string, asset: Asset): Trustline | undefined;
  accounts(): Iterable<Account>;
  trustlinesOf(owner: string): Trustline[];
  /** Offers that sell `selling` for `buying`, best first. */
  book(selling: Asset, buying: Asset): readonly Offer[];
  /** The assets that can be had for `paid`. */
  offeredFor(paid: Asset): Asset[];
  /** The assets for which `wanted` can be had. */
  takenFor(wanted: Asset): Asset[];
  put(entry: { account: Omit<Account, 'modified'> } | { trustline: Omit<Trustline, 'modified'> }): void;
  putOffer(offer: Offer): void;
  deleteOffer(offer: Offer): void;
  addFee(fee: bigint): void;
  /** Starts the next ledger: what is put from now on carries its number and time. */
  open(close: Close): void;
  savepoint(): number;
  rollback(savepoint: number): void;
  /** Forgets how to undo. */
  commit(): void;
}

const lineKey = (owner: string, asset: Asset): string => `${owner} ${asset}`;
const bookKey = (selling: Asset, buying: Asset): string => `${selling} ${buying}`;

/** Core orders by the quotient as a double, then by id: a float is right here, prices that differ may compare equal. */
function isBetter(a: Offer, b: Offer): boolean {
  const [left, right] = [a.price.n / a.price.d, b.price.n / b.price.d];
  return left === right ? a.id < b.id : left < right;
}

export function createState(close: Close): LedgerState {
  const accounts = new Map<string, Account>();
  const trustlines = new Map<string, Trustline>();
  const books = new Map<string, Offer[]>();
  const undo: (() => void)[] = [];
  let current = close;
  let feePool = 0n;

  function replace<V>(map: Map<string, V>, key: string, value: V): void {
    const before = map.get(key);
    map.set(key, value);
    undo.push(() => (before === undefined ? map.delete(key) : map.set(key, before)));
  }

  function insert(offer: Offer): void {
    const key = bookKey(offer.selling, offer.buying);
    const book = books.get(key) ?? [];
    books.set(key, book);
    const at = book.findIndex((other) => isBetter(offer, other));
    book.splice(at < 0 ? book.length : at, 0, offer);
  }

  function remove(offer: Offer): Offer | undefined {
    const book = books.get(bookKey(offer.selling, offer.buying)) ?? [];
    const at = book.findIndex(({ id }) => id === offer.id);
    return at < 0 ? undefined : book.splice(at, 1)[0];
  }

  const pairs = (): [Asset, Asset][] =>
    [...books].filter(([, book]) => book.length > 0).map(([key]) => key.split(' ') as [Asset, Asset]);

  return {
    get close() {
      return current;
    },
    get feePool() {
      return feePool;
    },
    account: (address) => accounts.get(address),
    trustline: (owner, asset) => trustlines.get(lineKey(owner, asset)),
    accounts: () => accounts.values(),
    trustlinesOf: (owner) => [...trustlines.values()].filter((line) => line.owner === owner),
    book: (selling, buying) => books.get(bookKey(selling, buying)) ?? [],
    offeredFor: (paid) => pairs().flatMap(([selling, buying]) => (buying === paid ? [selling] : [])),
    takenFor: (wanted) => pairs().flatMap(([selling, buying]) => (selling === wanted ? [buying] : [])),
    put(entry) {
      if ('account' in entry) {
        replace(accounts, entry.account.address, { ...entry.account, modified: current });
      } else {
        const line = { ...entry.trustline, modified: current };
        replace(trustlines, lineKey(line.owner, line.asset), line);
      }
    },
    putOffer(offer) {
      const before = remove(offer);
      insert(offer);
      undo.push(() => {
        remove(offer);
        if (before) insert(before);
      });
    },
    deleteOffer(offer) {
      const before = remove(offer);
      if (before) undo.push(() => insert(before));
    },
    addFee(fee) {
      feePool += fee;
      undo.push(() => {
        feePool -= fee;
      });
    },
    open(next) {
      const before = current;
      current = next;
      undo.push(() => {
        current = before;
      });
    },
    savepoint: () => undo.length,
    rollback(savepoint) {
      while (undo.length > savepoint) undo.pop()?.();
    },
    commit() {
      undo.length = 0;
    },
  };
}
