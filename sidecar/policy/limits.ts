import type { Spend } from '../journal/entry.ts';
import type { Check, Context, Refusal } from './check.ts';
import type { Policy, PolicySpec } from './schema.ts';

/*
 * The states in which a signer refuses what it would sign at another time. A transaction that only deletes own offers
 * passes in all of them, so that a refusing signer does not trap the maker on the book; its fees have a budget of their own.
 */

export const killSwitch: Check = (_judged, spec) =>
  spec.killSwitch ? { code: 'kill-switch', message: 'the kill switch is on' } : undefined;

export const rate: Check = (_judged, { signaturesPerSecond }, { hasRate }) =>
  hasRate(signaturesPerSecond)
    ? undefined
    : { code: 'rate-exceeded', message: `more than ${signaturesPerSecond} signatures a second` };

/** `spends` are those of the fee. */
export function feeWindow(
  { fees }: PolicySpec,
  context: Context,
  spends: readonly Spend[],
): Refusal | undefined {
  const { amount, seconds } = fees.window;
  return exceeds({ kind: 'fee', asset: 'XLM' }, amount, seconds, context, spends, 'fee');
}

/** How many times `fees.perTransaction` deletions may cost in an hour while the ordinary room refuses them. */
const DELETION_BUDGET = 10n;
const DELETION_SECONDS = 3_600;

export function deletionBudget(
  { spec: { fees } }: Policy,
  context: Context,
  spends: readonly Spend[],
): Refusal | undefined {
  const amount = DELETION_BUDGET * fees.perTransaction;
  return exceeds({ kind: 'deletion-fee', asset: 'XLM' }, amount, DELETION_SECONDS, context, spends, 'fee');
}

/** A window's refusal, or undefined while there is room. A repeated hash is in its windows already. */
export function exceeds(
  key: Pick<Spend, 'kind' | 'asset' | 'pair'>,
  amount: bigint,
  seconds: number,
  { total, isRepeated }: Context,
  spends: readonly Spend[],
  field: string,
): Refusal | undefined {
  if (isRepeated) return undefined;
  const sum = total(key, seconds, spends);
  return sum > amount
    ? {
        code: 'window-exhausted',
        message: `${sum} stroops of ${key.asset} (${key.kind}) in ${seconds} s, at most ${amount}`,
        field,
      }
    : undefined;
}
