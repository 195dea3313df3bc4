import type { Account, Data, Offer, Trustline } from './entries.ts';
import type { LedgerState } from './state.ts';

/** Everyone in the ledger, in no order. */
export function accounts(state: LedgerState): Account[] {
  return [...state.entries()].flatMap((entry) => (entry.type === 'account' ? [entry] : []));
}

type Owned = Trustline | Offer | Data;

/** What an account owns of one kind. */
const owned =
  <T extends Owned['type']>(type: T) =>
  (state: LedgerState, owner: string): Extract<Owned, { type: T }>[] =>
    [...state.ownedBy(owner)].filter((entry) => entry.type === type) as Extract<Owned, { type: T }>[];

export const trustlinesOf = owned('trustline');
export const offersOf = owned('offer');
export const dataOf = owned('data');
