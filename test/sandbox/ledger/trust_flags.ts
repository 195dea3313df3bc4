import type { Asset } from './asset.ts';
import { removeOffer } from './balances.ts';
import { removePoolLine } from './change_trust.ts';
import {
  AUTHORIZED,
  isPoolShare,
  MAINTAIN_LIABILITIES,
  maintainsLiabilities,
  type Trustline,
} from './entries.ts';
import { Refused } from './errors.ts';
import { DONE, type OperationOutcome } from './operation.ts';
import type { LedgerState } from './state.ts';

export const AUTH_FLAGS = AUTHORIZED | MAINTAIN_LIABILITIES;

/** Takes the offers of an account in an asset off the book, whichever side it is on. */
function removeOffers(state: LedgerState, owner: string, asset: Asset): void {
  for (const entry of [...state.ownedBy(owner)]) {
    if (entry.type === 'offer' && (entry.selling === asset || entry.buying === asset))
      removeOffer(state, entry);
  }
}

/** Closes the pool share lines of an account that use an asset. */
function removePoolLines(state: LedgerState, owner: string, asset: Asset): void {
  for (const entry of [...state.ownedBy(owner)]) {
    if (entry.type !== 'trustline' || !isPoolShare(entry.asset)) continue;
    const pool = state.pool(entry.asset.slice('pool:'.length))!;
    if (pool.assetA !== asset && pool.assetB !== asset) continue;
    // What is in the pool would go into claimable balances, which this ledger does not have.
    if (entry.balance !== 0n) throw new Refused('claimable_balance');
    removePoolLine(state, entry, pool);
  }
}

/** Gives a trust line other flags. Who may no longer hold the asset loses its offers and its part in pools. */
export function setFlags(state: LedgerState, line: Trustline, flags: number): OperationOutcome {
  const asset = line.asset as Asset;
  if (maintainsLiabilities(line) && (flags & AUTH_FLAGS) === 0) {
    removeOffers(state, line.owner, asset);
    removePoolLines(state, line.owner, asset);
  }
  state.put({ ...state.trustline(line.owner, asset)!, flags });
  return DONE;
}
