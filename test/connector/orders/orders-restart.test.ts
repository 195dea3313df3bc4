import assert from 'node:assert/strict';
import type { Order, OrderRequest } from '../../../connector/orders/types.ts';
import { createRig, market, never, price, type Rig, UNIT } from './orders-rig.ts';

/** Others offer 100 XLM at 0.12, 1000 at 0.13, and bid for 100 at 0.11, 1000 at 0.10. */
const book = [
  { selling: 'XLM', amount: 100n, n: 12, d: 100 },
  { selling: 'XLM', amount: 1000n, n: 13, d: 100 },
  { selling: 'USDC:issuer', amount: 11n, n: 100, d: 11 },
  { selling: 'USDC:issuer', amount: 100n, n: 10, d: 1 },
];

const request = (fields: Partial<OrderRequest> = {}): OrderRequest => ({
  ...{ clientOrderId: 'o-1', market, side: 'SELL', type: 'limit', price: price('0.14'), amount: 10n * UNIT },
  client: 'bot',
  ...fields,
});

describe('connector/orders: kept', () => {
  let rig: Rig;
  const start = (...parameters: Parameters<typeof createRig>): Rig => {
    rig = createRig(...parameters);
    rig.orders.start();
    return rig;
  };
  const place = async (fields: Partial<OrderRequest> = {}): Promise<Order> => {
    const [order] = await rig.orders.place([request(fields)], never);
    return order!;
  };
  afterEach(() => rig.stop());

  describe('after a restart', () => {
    it('resolves once what the engine takes up @security', async () => {
      start(book);
      rig.faults.silent = true;
      assert.equal((await place()).state, 'unknown');
      const [{ id } = { id: '' }] = rig.intents;
      const orders = rig.restart();
      orders.start();
      assert.equal(orders.get('o-1')!.state, 'unknown');
      await assert.rejects(orders.cancel('o-1', never), { code: 'conflict' });
      const ending = rig.endings.get(id)!;
      const seen: string[] = [];
      orders.onOrder(({ state }) => seen.push(state));
      orders.recovered({ id }, ending);
      orders.recovered({ id }, ending);
      assert.deepEqual(seen, ['open']);
      assert.equal(orders.get('o-1')!.offerId, rig.offers()[0]!.id);
      assert.equal(orders.get('o-1')!.fee, 100n);
    });

    it('takes over an end that was known but not written, and fails what was never signed @security', async () => {
      start(book);
      rig.faults.silent = true;
      await place();
      await place({ clientOrderId: 'o-2' });
      rig.faults.silent = false;
      rig.known.delete(rig.intents[1]!.id);
      const orders = rig.restart();
      orders.start();
      assert.equal(orders.get('o-1')!.state, 'open');
      assert.deepEqual([orders.get('o-2')!.state, orders.get('o-2')!.code], ['failed', 'transaction-failed']);
    });

    it('has the row before the intent runs @security', async () => {
      start(book);
      let row: unknown;
      rig.faults.before = () => {
        row = rig.state.db.prepare('SELECT state FROM orders WHERE id = ?').get('o-1');
      };
      await place();
      assert.deepEqual({ ...(row as object) }, { state: 'pending' });
    });
  });

  it('keeps what ended in the store alone, and forgets it after its time', async () => {
    start(book);
    await place({ side: 'BUY', price: price('0.125') });
    await place({ clientOrderId: 'o-2' });
    assert.equal(rig.orders.get('o-1')!.state, 'filled');
    rig.time.advance(8 * 86_400_000);
    await rig.orders.sweep(never);
    assert.equal(rig.orders.get('o-1'), undefined);
    assert.equal(rig.orders.get('o-2')!.state, 'open');
    assert.equal(rig.state.db.prepare('SELECT count(*) AS n FROM orders').get()!.n, 1);
  });
});
