import type { Account } from './entries.ts';
import { DONE, type OperationModule } from './operation.ts';
import type { LedgerState } from './state.ts';

/** BumpSequenceOp of Stellar-transaction.x in SEP-51 JSON. */
interface Body {
  bump_to: string;
}

/** Sets a sequence number and notes ledger and time of it (CAP-0021). */
export function useSequence(state: LedgerState, account: Account, sequence: bigint): void {
  const { sequence: sequenceLedger, closeTime: sequenceTime } = state.header;
  state.put({ ...account, sequence, extension: 3, sequenceLedger, sequenceTime });
}

export const bumpSequence: OperationModule<Body> = {
  level: () => 'low',

  check: (body) => (BigInt(body.bump_to) < 0n ? 'bad_seq' : undefined),

  apply(state, source, body) {
    const account = state.account(source)!;
    const target = BigInt(body.bump_to);
    useSequence(state, account, target > account.sequence ? target : account.sequence);
    return DONE;
  },
};
