import assert from 'node:assert/strict';
import type { AppliedTransaction } from '../../sandbox/ledger/close.ts';
import { createRig, intentOf, never, type Rig, sell, UNIT } from './rig.ts';

describe('connector/transactions/engine', () => {
  let rig: Rig;
  afterEach(() => rig.stop());

  const inLedgers = (): AppliedTransaction[] =>
    rig.network.ledgers.flatMap(({ transactions }) => transactions);
  const run = (...intents: Parameters<Rig['engine']['run']>[0][]) =>
    rig.time.run(Promise.allSettled(intents.map((intent) => rig.engine.run(intent, never))));

  it('puts what is asked for at once into one transaction, deletions first', async () => {
    rig = createRig();
    const order: string[] = [];
    const planned = (id: string) => async () => {
      order.push(id);
      return { operations: [sell(UNIT)], spends: new Map([['native', UNIT]]) };
    };
    const [a, b] = await run(
      intentOf('a', [], { plan: planned('a') }),
      intentOf('b', [], { plan: planned('b') }),
    );
    assert.deepEqual(order, ['a', 'b']);
    assert.equal(a!.status, 'fulfilled', String((a as PromiseRejectedResult).reason));
    assert.equal(b!.status, 'fulfilled');
    assert.equal(inLedgers().length, 1);
    assert.equal(inLedgers()[0]!.transaction.operations.length, 2);
    assert.deepEqual(rig.engine.intent('a')?.state, 'ended');
    assert.equal(rig.asked.length, 1);
  });
});
