import type { Asset } from './asset.ts';
import type { Price } from './exchange.ts';

/**
 * Ledger entries (Stellar-ledger-entries.x). Amounts and liabilities are stroops, times Unix seconds, `modified` the
 * ledger that wrote the entry last. An entry is never changed, only replaced.
 */
export type Entry = Account | Trustline | Offer | Data | Pool | Foreign;

/** What every entry of a served kind has. Sponsorship (CAP-0033) is carried along, never begun or ended. */
interface Written {
  readonly modified: number;
  /** The account that pays the reserve; null: no longer anybody; undefined: never anybody. */
  readonly sponsor?: string | null;
}

export interface Signer {
  /** Strkey: G… (key), T… (pre-authorized transaction), X… (hash), P… (signed payload). */
  readonly key: string;
  readonly weight: number;
  /** The account that pays its reserve. */
  readonly sponsor?: string | null;
}

export interface Thresholds {
  /** Weight of the master key. */
  readonly master: number;
  readonly low: number;
  readonly medium: number;
  readonly high: number;
}

export interface Liabilities {
  readonly buying: bigint;
  readonly selling: bigint;
}

export interface Account extends Written {
  readonly type: 'account';
  readonly address: string;
  readonly balance: bigint;
  readonly sequence: bigint;
  readonly subentries: number;
  /** Address, or null. Set by hand only: inflation is no more. */
  readonly inflationDestination: string | null;
  /** AccountFlags, all bits. */
  readonly flags: number;
  /** Bytes in the escaped form of SEP-51 strings. */
  readonly homeDomain: string;
  readonly thresholds: Thresholds;
  /** Sorted by key. */
  readonly signers: readonly Signer[];
  /** 1 once it had liabilities, 2 once it took part in sponsorship, 3 once its sequence number was used. */
  readonly extension: 0 | 1 | 2 | 3;
  /** Reserves that others pay for it, and that it pays for others. */
  readonly sponsored: number;
  readonly sponsoring: number;
  readonly liabilities: Liabilities;
  /** Ledger and time at which the sequence number was used last; zero below extension 3. */
  readonly sequenceLedger: number;
  readonly sequenceTime: bigint;
}

/** `pool:` and the pool's id in hex. */
export type PoolShare = `pool:${string}`;

export interface Trustline extends Written {
  readonly type: 'trustline';
  readonly owner: string;
  readonly asset: Asset | PoolShare;
  readonly balance: bigint;
  readonly limit: bigint;
  /** TrustLineFlags, all bits. */
  readonly flags: number;
  /** 1 once it had liabilities, 2 once a pool share line used it. */
  readonly extension: 0 | 1 | 2;
  readonly liabilities: Liabilities;
  /** How many pool share lines of the owner use this line. */
  readonly poolUses: number;
}

export interface Offer extends Written {
  readonly type: 'offer';
  readonly id: bigint;
  readonly seller: string;
  readonly selling: Asset;
  readonly buying: Asset;
  readonly amount: bigint;
  readonly price: Price;
  readonly passive: boolean;
}

export interface Data extends Written {
  readonly type: 'data';
  readonly owner: string;
  /** Bytes in the escaped form of SEP-51 strings. */
  readonly name: string;
  /** Hex. */
  readonly value: string;
}

export interface Pool extends Written {
  readonly type: 'pool';
  /** Hex: the SHA-256 of LiquidityPoolParameters. */
  readonly id: string;
  readonly assetA: Asset;
  readonly assetB: Asset;
  readonly reserveA: bigint;
  readonly reserveB: bigint;
  readonly shares: bigint;
  /** Pool share lines of this pool. */
  readonly lines: bigint;
}

/** An entry of a kind that no operation here touches: carried along as it came. */
export interface Foreign {
  readonly type: 'foreign';
  /** Tells it apart: nothing here looks such an entry up. */
  readonly key: string;
  /** LedgerEntry, base64. */
  readonly xdr: string;
  readonly modified: number;
}

/** `before` is undefined for a new entry, `after` for one that is gone. */
export interface Change {
  readonly before: Entry | undefined;
  readonly after: Entry | undefined;
}

export const AUTH_REQUIRED = 1;
export const AUTH_REVOCABLE = 2;
export const AUTH_IMMUTABLE = 4;
export const AUTH_CLAWBACK = 8;

export const AUTHORIZED = 1;
export const MAINTAIN_LIABILITIES = 2;
export const CLAWBACK_ENABLED = 4;

export const isAuthorized = ({ flags }: Trustline): boolean => (flags & AUTHORIZED) !== 0;
export const maintainsLiabilities = ({ flags }: Trustline): boolean =>
  (flags & (AUTHORIZED | MAINTAIN_LIABILITIES)) !== 0;

export const isPoolShare = (asset: string): asset is PoolShare => asset.startsWith('pool:');

export const accountKey = (address: string): string => `account ${address}`;
export const lineKey = (owner: string, asset: Asset | PoolShare): string => `trustline ${owner} ${asset}`;
export const offerKey = (seller: string, id: bigint): string => `offer ${seller} ${id}`;
export const dataKey = (owner: string, name: string): string => `data ${owner} ${name}`;
export const poolKey = (id: string): string => `pool ${id}`;

/** Identifies an entry within a ledger. */
export function keyOf(entry: Entry): string {
  switch (entry.type) {
    case 'account':
      return accountKey(entry.address);
    case 'trustline':
      return lineKey(entry.owner, entry.asset);
    case 'offer':
      return offerKey(entry.seller, entry.id);
    case 'data':
      return dataKey(entry.owner, entry.name);
    case 'pool':
      return poolKey(entry.id);
    case 'foreign':
      return `foreign ${entry.key}`;
  }
}
