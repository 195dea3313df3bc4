import { distribution } from '../fee_distribution.ts';
import type { ClosedLedger } from '../ledger/close.ts';
import { bidOf, sizeOf } from '../ledger/envelope.ts';
import { ok, type Route } from './http.ts';

/** Horizon looks at the newest five ledgers. */
const LEDGERS = 5;

/** Share of the ledgers' capacity that was used; a fee bump counts as what it carries. */
function usage(ledgers: readonly ClosedLedger[]): number {
  const operations = ledgers
    .flatMap(({ transactions }) => transactions)
    .reduce((sum, { transaction }) => sum + transaction.operations.length, 0);
  const capacity = ledgers.reduce((sum, { header }) => sum + header.maxTxSetSize, 0);
  return Math.round((operations / capacity) * 100) / 100;
}

/** GET /fee_stats */
export const feeStats: Route = {
  method: 'GET',
  pattern: /^\/fee_stats$/,
  handle({ network }) {
    const { latest } = network;
    const ledgers = network.ledgers.slice(-LEDGERS);
    const recent = ledgers.flatMap(({ transactions }) => transactions);
    const perOperation = (total: bigint, count: number): bigint => total / BigInt(Math.max(1, count));
    return ok({
      last_ledger: String(latest.sequence),
      last_ledger_base_fee: String(latest.header.baseFee),
      ledger_capacity_usage: String(usage(ledgers)),
      fee_charged: distribution(
        recent.map(({ transaction, result }) => perOperation(result.feeCharged, sizeOf(transaction))),
        latest.header.baseFee,
      ),
      max_fee: distribution(
        recent.map(({ transaction }) => perOperation(bidOf(transaction), sizeOf(transaction))),
        latest.header.baseFee,
      ),
    });
  },
};
