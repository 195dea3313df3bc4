import type { Spend } from '../journal/entry.ts';
import type { WindowKey } from '../journal/windows.ts';
import type { SignerErrorCode } from '../protocol.ts';
import type { FeeBump, Transaction } from '../transaction.ts';
import type { PolicySpec } from './schema.ts';

/** Where in a policy's spec something stands, e.g. `['swaps', 0, 'price']`. */
export type SpecPath = readonly (string | number)[];

/** Why a transaction is not signed. */
export interface Refusal {
  code: SignerErrorCode;
  message: string;
  /** Where in the transaction, e.g. `operations[0].path[1]`. */
  field?: string;
  /** The policy that refused. */
  policy?: string;
  /** The rule that refused; absent when nothing that a policy could say would allow it. */
  rule?: SpecPath;
}

/** What is judged: a transaction, or a fee bump with the one inside. */
export interface Judged {
  transaction: Transaction;
  feeBump?: FeeBump | undefined;
  /** The field of a signature in the envelope that is not ours (envelope/signatures.ts). */
  foreignSignature?: string | undefined;
}

/** Whose room a signature takes: `deletions` is of deletions of own offers that the ordinary room refuses. */
export type Budget = 'ordinary' | 'deletions';

/** What the rules must know beside the transaction. Functions of it only look, they count nothing. */
export interface Context {
  /** The account whose key signs. */
  account: string;
  /** Unix seconds, own clock. */
  now: bigint;
  /** What a window of `seconds` would hold (stroops) if those of `spends` that are of `key` were added. */
  total: (key: WindowKey, seconds: number, spends: readonly Spend[]) => bigint;
  /** Whether the budget's rate allows one more signature now, at that many a second. */
  hasRate: (budget: Budget, perSecond: number) => boolean;
  /** The fee (stroops) that is counted already for the inner transaction of a bump, if this signer signed it and it is live. */
  countedFee: bigint | undefined;
  /** The same hash was signed before and is live: it counts in no window again. */
  isRepeated: boolean;
}

/** One rule of the chain: undefined lets the transaction pass to the next. Pure. */
export type Check = (judged: Judged, spec: PolicySpec, context: Context) => Refusal | undefined;

/** The same of what hangs on the room that is left for what the transaction would take. */
export type LimitCheck = (spec: PolicySpec, context: Context, taken: Taken) => Refusal | undefined;

/** A window of a policy: at most `amount` stroops of `key` in `seconds`. */
export interface Limit {
  key: WindowKey;
  amount: bigint;
  seconds: number;
  rule: SpecPath;
  /** Where in the transaction it is taken from. */
  field?: string;
}

/** What is taken when it is signed. */
export interface Taken {
  /** The most that leaves. The same under every policy that allows it. */
  spends: readonly Spend[];
  /** The policy's windows that must have room for it. */
  limits: readonly Limit[];
}

export const NOTHING: Taken = { spends: [], limits: [] };

/** How one type of operation is judged: what is wrong with it at any time, or what it takes. Pure; `field` names the operation. */
export type OperationRule<Operation> = (
  operation: Operation,
  field: string,
  spec: PolicySpec,
  account: string,
) => Refusal | Taken;

export const isRefusal = (outcome: Refusal | Taken): outcome is Refusal => 'code' in outcome;

/** What several things take together, or the first refusal. */
export function takeAll<Item>(
  items: readonly Item[],
  judge: (item: Item, index: number) => Refusal | Taken,
): Refusal | Taken {
  const all: Taken[] = [];
  for (const [index, item] of items.entries()) {
    const outcome = judge(item, index);
    if (isRefusal(outcome)) return outcome;
    all.push(outcome);
  }
  return { spends: all.flatMap(({ spends }) => spends), limits: all.flatMap(({ limits }) => limits) };
}

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
