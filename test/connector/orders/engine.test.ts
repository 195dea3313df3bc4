import assert from 'node:assert/strict';
import { TransactionBuilder } from '@stellar/stellar-sdk/base';
import type { LedgerTransaction, SubmitAnswer } from '../../../connector/ledger/types.ts';
import { operationOf } from '../../../connector/orders/steps.ts';
import type { OrderRequest } from '../../../connector/orders/types.ts';
import { createEngine } from '../../../connector/transactions/engine.ts';
import { transactionsSchema } from '../../../connector/transactions/records.ts';
import { decodeResult } from '../../../connector/transactions/result.ts';
import type { Engine, EngineEvents } from '../../../connector/transactions/types.ts';
import { PASSPHRASE, trader } from '../../sandbox/testing.ts';
import { type Access, createRig, market, never, price, type Rig, taker, UNIT } from './orders-rig.ts';

const book = [
  { selling: 'XLM', amount: 100n, n: 12, d: 100 },
  { selling: 'USDC:issuer', amount: 11n, n: 100, d: 11 },
];
const request = (clientOrderId: string, fields: Partial<OrderRequest> = {}): OrderRequest => ({
  ...{ clientOrderId, market, side: 'SELL', type: 'limit', price: price('0.14'), amount: 10n * UNIT },
  client: 'bot',
  ...fields,
});

describe('connector/orders over the real engine', () => {
  let rig: Rig;
  /** Before a transaction comes into a ledger. */
  let before: () => void;
  /** The answer never comes. */
  let hangs: boolean;
  let sent: number;

  /** The engine itself over the sandbox's ledger, with a key in place of the signer. */
  const real = ({ state, network, time, account, close, recovered }: Access): Engine => {
    const head = () => ({
      ...{
        sequence: network.latest.sequence,
        closedAt: time.clock(),
        baseFee: 100n,
        baseReserve: 5_000_000n,
      },
    });
    const find = (hash: string): LedgerTransaction | undefined => {
      const it = network.transaction(hash);
      const result = it && decodeResult(it.resultXdr);
      return it && result && { hash, ledger: it.ledger, result, envelopeXdr: it.transaction.envelopeXdr };
    };
    const events = new Proxy({} as EngineEvents, { get: () => () => undefined });
    return createEngine(
      {
        ...{ account: trader.publicKey(), channelAccounts: [], networkPassphrase: PASSPHRASE, dryRun: false },
        fees: {
          ...{ perOperation: 20_000n, perTransaction: 2_020_000n, percentile: 90 },
          ...{ maxOperations: 100, maxTimeBoundSeconds: 110 },
        },
        ...{ recovered, events },
      },
      {
        ledger: {
          head: async () => head(),
          account: async () => account(),
          feeStatistics: async () => ({ baseFee: 100n, capacityUsage: 0, bids: {} }),
          async submit(envelopeXdr): Promise<SubmitAnswer> {
            sent++;
            before();
            const { status, transaction } = network.submit(envelopeXdr);
            assert.equal(status, 'PENDING');
            close();
            if (hangs) return new Promise<never>(() => undefined);
            const found = find(transaction.hash)!;
            return { kind: 'included', transaction: found };
          },
          async transaction(hash) {
            const found = find(hash);
            return found ? { found } : { absentAt: head() };
          },
          watchHeads: () => undefined,
        },
        signer: {
          async sign(envelopeXdr) {
            const transaction = TransactionBuilder.fromXdr(envelopeXdr, PASSPHRASE);
            transaction.sign(trader);
            const hash = Buffer.from(transaction.hash()).toString('hex');
            return {
              envelopeXdr: transaction.toEnvelope().toXdr('base64'),
              hash,
              signer: trader.publicKey(),
            };
          },
        },
        ...{ state, now: time.clock },
        // Patience does not run out by itself.
        sleep: (ms, signal) =>
          new Promise((resolve, reject) => {
            if (ms < 5_000) setTimeout(resolve, 1);
            signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
          }),
      },
    );
  };

  beforeEach(() => {
    before = () => undefined;
    hangs = false;
    sent = 0;
    rig = createRig(book, { engine: real, schemas: [transactionsSchema] });
    rig.orders.start();
    rig.engine.resume();
  });
  afterEach(() => rig.stop());

  it('puts what is asked for together into one transaction', async () => {
    const requests = Array.from({ length: 40 }, (_, i) => request(`o-${i}`, { amount: UNIT }));
    const orders = await rig.orders.place([...requests, request('poor', { amount: 99_999n * UNIT })], never);
    assert.deepEqual(
      orders.map(({ state }) => state),
      [...requests.map(() => 'open'), 'failed'],
    );
    assert.deepEqual([sent, rig.offers().length], [1, 40]);
    const report = await rig.orders.cancelAll(undefined, never);
    assert.deepEqual([report.cancelled.length, report.left, sent, rig.offers()], [40, [], 2, []]);
  });

  it('lets neither placements nor deletions fail by an offer that was filled meanwhile', async () => {
    await rig.orders.place([request('a'), request('b', { price: price('0.15') })], never);
    before = () => {
      before = () => undefined;
      const step = { action: 'place' as const, id: undefined, offerId: '0', market, side: 'BUY' as const };
      rig.act('taker', [
        operationOf({ ...step, price: { n: 14n, d: 100n }, amount: 110n * UNIT }, taker.publicKey()),
      ]);
    };
    const [a, b, c] = await Promise.all([
      rig.orders.cancel('a', never),
      rig.orders.cancel('b', never),
      rig.orders.place([request('c', { price: price('0.16') })], never),
    ]);
    assert.deepEqual([a!.state, b!.state, c[0]!.state], ['filled', 'cancelled', 'open']);
    assert.deepEqual(
      rig.offers().map(({ id }) => id),
      [c[0]!.offerId],
    );
  });

  it('opens and closes ladders, and sells at the market', async () => {
    const range = { lower: price('0.1'), upper: price('0.14'), levels: 5, client: 'bot' };
    const ladder = { market, ...range, base: 50n * UNIT, quote: 5n * UNIT };
    const { position, base } = await rig.orders.openPosition(ladder, never);
    assert.equal(base, 50n * UNIT);
    const [order] = await rig.orders.place(
      [request('m', { type: 'market', price: price('0.09'), amount: UNIT })],
      never,
    );
    // Our own bid is the best: the ledger would fail it.
    assert.deepEqual([order!.state, order!.code], ['failed', 'would-cross']);
    const closed = await rig.orders.closePosition(position.address, never);
    assert.deepEqual([closed.base, rig.offers()], [base, []]);
    const [sold] = await rig.orders.place(
      [request('n', { type: 'market', price: price('0.11'), amount: UNIT })],
      never,
    );
    assert.deepEqual([sold!.state, sold!.filledQuote], ['filled', 1_100_000n]);
  });

  it('resolves once, by the next process, what was in a ledger when this one was killed @security', async () => {
    hangs = true;
    void rig.orders.place([request('a')], never);
    while (sent === 0) await new Promise((resolve) => setImmediate(resolve));
    hangs = false;
    const orders = rig.restart();
    const seen: string[] = [];
    orders.onOrder(({ state }) => seen.push(state));
    orders.start();
    assert.equal(orders.get('a')!.state, 'pending');
    rig.engine.resume();
    for (let i = 0; i < 200 && orders.get('a')!.state === 'pending'; i++)
      await new Promise((r) => setTimeout(r, 5));
    assert.deepEqual([orders.get('a')!.state, orders.get('a')!.offerId], ['open', rig.offers()[0]!.id]);
    assert.equal((await orders.place([request('a')], never))[0]!.offerId, rig.offers()[0]!.id);
    assert.deepEqual([rig.offers().length, sent, seen], [1, 1, ['open']]);
  });
});
