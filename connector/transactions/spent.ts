import type { FeeHistory } from './fees.ts';
import type { Records } from './records.ts';

const HOUR_MS = 3_600_000;
/** For how long (milliseconds) the sums are used again, with what was added since. */
const FRESH_MS = 60_000;

/** Fees and operations that were signed for, as `bidFor` wants them, from the durable records. */
export function createSpent(
  records: Pick<Records, 'signedSince'>,
  limits: { readonly window?: { seconds: number } | undefined },
  now: () => number,
): { (): FeeHistory; add(fee: bigint, operations: number): void } {
  let history: FeeHistory | undefined;
  let readAt = 0;
  const read = (): FeeHistory => {
    if (history !== undefined && now() - readAt < FRESH_MS) return history;
    readAt = now();
    const { fees, oldest } = records.signedSince(readAt - (limits.window?.seconds ?? 0) * 1_000);
    const hour = records.signedSince(readAt - HOUR_MS);
    history = { spent: fees, oldest, operations: hour.operations, countedSince: hour.oldest ?? readAt };
    return history;
  };
  const add = (fee: bigint, operations: number): void => {
    // What is read next has it; nothing is read here, since this stands between keeping and sending.
    if (history === undefined) return;
    history = { ...history, spent: history.spent + fee, operations: history.operations + operations };
  };
  return Object.assign(read, { add });
}
