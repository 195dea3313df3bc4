import { randomUUID } from 'node:crypto';
import { connectorError } from '../errors.ts';
import type { LastClosed } from '../ledger/checks.ts';
import type { Horizon } from '../ledger/horizon.ts';
import type { Price, Quote, SwapRequest } from '../market/quote.ts';
import type { LocalBook } from '../market/types.ts';
import { verifyRecord } from '../transactions/result.ts';
import type { TransactionStore } from '../transactions/store.ts';
import type { Swapper } from '../transactions/swap.ts';
import type { Context } from './context.ts';
import type { Quoter } from './quoting.ts';

/** The rooms that the routes work with, of the one Horizon and the one queue, until the rooms themselves stand. */
export function bridge(old: {
  file: Context['file'];
  horizon: Horizon;
  checkLedger(signal: AbortSignal): Promise<LastClosed>;
  quoter: Quoter;
  swapper: Swapper;
  store: TransactionStore;
}): Pick<Context, 'ledger' | 'market' | 'engine' | 'swaps'> {
  const { file, horizon, checkLedger, quoter, store } = old;
  let best: Price | undefined;
  const quote = async (request: SwapRequest, signal: AbortSignal): Promise<Quote> => {
    const [found, price] = await Promise.all([
      quoter.quote(request, signal),
      quoter.bestPrice(request, signal),
      checkLedger(signal),
    ]);
    best = price;
    return found;
  };
  const head = async (signal: AbortSignal) => {
    const [last, { baseReserve }] = await Promise.all([checkLedger(signal), horizon.lastLedger(signal)]);
    return { ...last, baseFee: 100n, baseReserve };
  };
  const ledger = {
    head,
    async feeStatistics(signal: AbortSignal) {
      const { baseFee, p90 } = await horizon.feeStats(signal);
      return { baseFee, capacityUsage: 0, bids: { 90: p90 } };
    },
    account: horizon.account,
    async pool() {},
    async poolOf() {},
    async transaction(hash: string, signal: AbortSignal) {
      const absentAt = await head(signal);
      const record = await horizon.transaction(hash, signal);
      if (record === undefined) return { absentAt };
      const result = verifyRecord(record, hash, file.networkPassphrase);
      if (result === undefined) throw connectorError('ledger-untrusted', 'the record contradicts itself');
      return { found: { hash, ledger: record.ledger, result, envelopeXdr: record.envelopeXdr } };
    },
  };
  return {
    ledger: ledger as unknown as Context['ledger'],
    market: {
      markets: file.markets,
      book: () =>
        best &&
        ({
          bids: [{ price: best, amount: 1n }],
          asks: [{ price: best, amount: 1n }],
        } as unknown as LocalBook),
      pool: () => undefined,
    } as unknown as Context['market'],
    engine: {
      lookup: (hash: string) => {
        const known = store.get(hash);
        return known && { maxTime: known.maxTime, ending: undefined };
      },
    } as unknown as Context['engine'],
    swaps: {
      async quote(request, _client, signal) {
        const freshness = { source: 'paths', ledger: 0, ageMs: 0 } as const;
        return { quoteId: randomUUID(), quote: await quote(request, signal), freshness };
      },
      execute: (request, _id, signal) => old.swapper.execute(request, signal),
      executeQuote: () => Promise.reject(connectorError('invalid-params', 'quoteId: no such quote is held')),
    },
  };
}
