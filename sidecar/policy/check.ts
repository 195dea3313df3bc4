import type { Transaction } from '../envelope.ts';
import type { Spend } from '../journal/entry.ts';
import type { SignerErrorCode } from '../protocol.ts';
import type { PolicySpec } from './schema.ts';

/** Why a transaction is not signed. */
export interface Refusal {
  code: SignerErrorCode;
  message: string;
  /** Where in the transaction, e.g. `operations[0].path[1]`. */
  field?: string;
}

export interface Context {
  /** The only account whose transactions are signed. */
  account: string;
  /** Unix seconds, own clock. */
  now: bigint;
  /** What was signed of this kind within the last `seconds`, in stroops. */
  spent: (spend: Omit<Spend, 'amount'>, seconds: number) => bigint;
}

/** One rule of the chain: undefined lets the transaction pass to the next. Pure. */
export type Check = (transaction: Transaction, spec: PolicySpec, context: Context) => Refusal | undefined;

/** The first refusal of a list of checks, made one by one. */
export function first<Item>(
  items: readonly Item[],
  check: (item: Item, index: number) => Refusal | undefined,
): Refusal | undefined {
  for (const [index, item] of items.entries()) {
    const refusal = check(item, index);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}
