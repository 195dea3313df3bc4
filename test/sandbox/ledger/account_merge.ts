import { accountOf } from './address.ts';
import { addBalance } from './balances.ts';
import { startingSequence } from './create_account.ts';
import { AUTH_IMMUTABLE } from './entries.ts';
import type { OperationModule } from './operation.ts';

/** AccountMergeOp: the destination alone, G… or M…. Its success carries the balance that moved. */
export const accountMerge: OperationModule<string> = {
  level: () => 'high',

  check: (destination, source) => (accountOf(destination) === source ? 'malformed' : undefined),

  apply(state, source, body, { highestSequence }) {
    const destination = accountOf(body);
    if (!state.account(destination)) return { code: 'no_account' };
    const account = state.account(source)!;
    if (account.flags & AUTH_IMMUTABLE) return { code: 'immutable_set' };
    if (account.subentries !== account.signers.length) return { code: 'has_sub_entries' };
    // Made again in this ledger, the account must not be able to use a sequence number a second time.
    const pending = highestSequence(source) ?? 0n;
    const highest = pending > account.sequence ? pending : account.sequence;
    if (highest >= startingSequence(state.header.sequence)) return { code: 'seqnum_too_far' };
    if (account.sponsoring > 0) return { code: 'is_sponsor' };
    if (!addBalance(state, destination, 'native', account.balance)) return { code: 'dest_full' };
    state.remove(account);
    return { success: String(account.balance) };
  },
};
