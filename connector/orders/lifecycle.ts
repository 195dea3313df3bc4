import type { ErrorCode } from '../errors.ts';
import type { Receipt } from '../transactions/types.ts';
import { ledgerPrice } from './price.ts';
import { isDone } from './registry.ts';
import { readOutcome } from './steps.ts';
import type { KeptOrder } from './store.ts';

/** How the intent of an order ended. */
export type End =
  | { kind: 'applied'; receipt: Pick<Receipt, 'hash' | 'fee' | 'results'> }
  | { kind: 'failed'; hash: string | undefined; code: ErrorCode; message: string };

/** An order after the end of its intent. Pure. */
export function afterEnd(order: KeptOrder, end: End, account: string): KeptOrder {
  const { intent } = order;
  if (intent === undefined) return order;
  const { step, index, of } = intent;
  const isNew = step.action === 'place' || step.action === 'take';
  const ended: KeptOrder = { ...order, intent: undefined };
  if (end.kind === 'failed') {
    // A change that failed leaves the offer as it was.
    if (!isNew) return ended;
    const { code, message: reason, hash } = end;
    return { ...ended, state: 'failed', remaining: 0n, code, reason, hash: hash ?? order.hash };
  }
  const { receipt } = end;
  // What the intent paid, divided among its operations; the first pays what is left over.
  const share = receipt.fee / BigInt(of);
  const fee = order.fee + (index === 0 ? receipt.fee - share * BigInt(of - 1) : share);
  const paid = { ...ended, fee, hash: isNew ? receipt.hash : order.hash };
  if (step.action === 'delete') return { ...paid, state: 'cancelled', remaining: 0n };
  const result = receipt.results[index];
  const outcome = result === undefined ? undefined : readOutcome(step, result, account);
  if (outcome === undefined) {
    const reason = 'the ledger applied it, but the result shown contradicts the order: look the hash up';
    return { ...paid, state: 'unknown', reason };
  }
  const { takenBase, takenQuote, resting } = outcome;
  const terms = step.to && { ...step.to, fraction: ledgerPrice(order.side, step.to.price) };
  const traded: KeptOrder = {
    ...paid,
    ...terms,
    filledBase: order.filledBase + takenBase,
    filledQuote: order.filledQuote + takenQuote,
    reason:
      takenBase > 0n && order.type === 'maker-only'
        ? 'it took although maker-only: the book had moved'
        : undefined,
  };
  if (resting !== undefined) return { ...traded, state: 'open', ...resting };
  const state = isDone(traded) ? 'filled' : 'cancelled';
  const reason = state === 'filled' ? traded.reason : 'the ledger kept no offer for the rest';
  return { ...traded, state, remaining: 0n, reason };
}
