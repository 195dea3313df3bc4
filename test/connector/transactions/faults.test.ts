import assert from 'node:assert/strict';
import type * as xdr from '@stellar/stellar-sdk/xdr';
import type { Intent } from '../../../connector/transactions/types.ts';
import { trader } from '../../sandbox/testing.ts';
import { createRig, intentOf, never, type Rig, sell, UNIT } from './rig.ts';

describe('connector/transactions: faults around an envelope', () => {
  let rig: Rig;
  afterEach(() => rig.stop());

  const run = (...intents: Intent[]) =>
    rig.time.run(Promise.allSettled(intents.map((intent) => rig.engine.run(intent, never))));
  const codes = (settled: PromiseSettledResult<unknown>[]): string[] =>
    settled.map((it) => (it.status === 'fulfilled' ? 'applied' : it.reason.code));
  const mine = () =>
    [...rig.network.state.entries()].flatMap((it) =>
      it.type === 'offer' && it.seller === trader.publicKey() ? [it] : [],
    );
  const amountsOf = (envelope: xdr.TransactionEnvelope): bigint[] =>
    envelope.type !== 'envelopeTypeTx'
      ? []
      : envelope.v1.tx.operations.map(({ body }) =>
          body.type === 'manageSellOffer' ? body.manageSellOfferOp.amount : -1n,
        );

  it('the signer names the operation that it refuses: exactly its order fails, the others go on at once', async () => {
    rig = createRig();
    rig.faults.refuse = (envelope) => {
      const at = amountsOf(envelope).findIndex((amount) => amount === 3n * UNIT || amount === 7n * UNIT);
      return at < 0 ? undefined : { field: 'price-out-of-collar', part: `operations[${at}].price` };
    };
    const pairs = [1n, 3n, 5n, 7n].map((n) => intentOf(`i${n}`, [sell(n * UNIT), sell((n + 1n) * UNIT)]));
    const settled = await run(...pairs);
    assert.deepEqual(codes(settled), ['applied', 'signer-refused', 'applied', 'signer-refused']);
    assert.equal(rig.asked.length, 3, 'not halved');
    assert.deepEqual(
      mine().map(({ amount }) => amount / UNIT),
      [1n, 2n, 5n, 6n],
    );
  });
});
