import { addBalance, minimumBalance, spendable } from './balances.ts';
import type { Account } from './entries.ts';
import { DONE, type OperationModule } from './operation.ts';

/** CreateAccountOp of Stellar-transaction.x in SEP-51 JSON. */
interface Body {
  destination: string;
  starting_balance: string;
}

/** The first sequence number of an account that a ledger makes is the ledger's own, shifted (and is not to be used). */
export const startingSequence = (ledger: number): bigint => BigInt(ledger) << 32n;

/** An account as it is made: its master key signs alone. */
export const newAccount = (address: string, balance: bigint, ledger: number): Account => ({
  type: 'account',
  address,
  balance,
  sequence: startingSequence(ledger),
  subentries: 0,
  inflationDestination: null,
  flags: 0,
  homeDomain: '',
  thresholds: { master: 1, low: 0, medium: 0, high: 0 },
  signers: [],
  extension: 0,
  sponsored: 0,
  sponsoring: 0,
  liabilities: { buying: 0n, selling: 0n },
  sequenceLedger: 0,
  sequenceTime: 0n,
  modified: ledger,
});

export const createAccount: OperationModule<Body> = {
  level: () => 'medium',

  check: (body, source) =>
    BigInt(body.starting_balance) >= 0n && body.destination !== source ? undefined : 'malformed',

  apply(state, source, { destination, starting_balance }) {
    const balance = BigInt(starting_balance);
    if (state.account(destination)) return { code: 'already_exist' };
    const account = newAccount(destination, balance, state.header.sequence);
    if (balance < minimumBalance(state.header, account)) return { code: 'low_reserve' };
    const payer = state.account(source)!;
    if (spendable(state.header, payer) < balance) return { code: 'underfunded' };
    addBalance(state, source, 'native', -balance);
    state.put(account);
    return DONE;
  },
};
