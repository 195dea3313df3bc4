import type { AccountState } from '../market/balance.ts';
import type { Contradicts } from './agree.ts';
import type { LedgerTransaction } from './types.ts';

/* What sources are compared by: one text for equal facts, and when two of them cannot both be true. */

/** A history that began later than so many ledgers ago may never have had what is looked for. */
const HISTORY_LEDGERS = 60;
/** A history from here on is whole: the first ledgers of a network hold no transactions. */
const GENESIS_LEDGERS = 3;

/** No network closes ledgers faster than this for long, milliseconds: so many ledgers are so much time at least. */
const LEDGER_MS = 4_000;

/** Whether what a history has not is absent. Times in milliseconds since 1970; `since` when what is looked for was made. */
export const isWhole = (
  { oldest, latest, closedAt }: { oldest: number; latest: number; closedAt: number },
  since = closedAt,
): boolean =>
  oldest <= GENESIS_LEDGERS || latest - oldest >= Math.max(HISTORY_LEDGERS, (closedAt - since) / LEDGER_MS);

export interface Lookup {
  found: LedgerTransaction | undefined;
  /** The first ledger of the history. */
  oldest: number;
  /** When its last ledger closed, milliseconds since 1970. */
  closedAt: number;
}

/** One that has it and one whose history reaches over that ledger and has it not cannot both be right, nor two results. */
export const outcomesContradict: Contradicts<Omit<Lookup, 'closedAt'>> = (a, b) => {
  const [one, other] = a.value.found === undefined ? [b, a] : [a, b];
  if (one.value.found === undefined) return false;
  if (other.value.found !== undefined) return true;
  return other.value.oldest <= one.value.found.ledger && one.value.found.ledger <= other.ledger!;
};

const stringify = (value: unknown): string =>
  JSON.stringify(value, (_name, it: unknown) => (typeof it === 'bigint' ? String(it) : it));

export const foundText = ({ ledger, result }: LedgerTransaction): string =>
  stringify([ledger, result.code, result.feeCharged, result.operations.map((it) => it.toXdr('base64'))]);

/** Sources name balances in orders of their own. */
export const inOrder = (state: AccountState): AccountState => ({
  ...state,
  balances: state.balances.toSorted((a, b) => (a.asset < b.asset ? -1 : 1)),
});

/** All that RPC's entries say too; shares of pools are not among it. */
export function accountText(state: AccountState | undefined): string {
  if (state === undefined) return 'none';
  const { sequence, subentries, sponsoring, sponsored, balances } = state;
  return stringify([
    ...[sequence, subentries, sponsoring, sponsored],
    balances.map((it) => [
      it.asset,
      it.balance,
      it.limit,
      it.buyingLiabilities,
      it.sellingLiabilities,
      it.authorized,
    ]),
  ]);
}
