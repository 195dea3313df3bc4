import assert from 'node:assert/strict';
import fc from 'fast-check';
import { keyOf as entryKey } from './ledger/entries.ts';
import type { LedgerState } from './ledger/state.ts';
import { startNetwork } from './network.ts';
import { createReplica } from './replica.ts';
import { envelope, maker, market, START, strictReceive, strictSend, trader, usdc, xlm } from './testing.ts';

const entries = (state: LedgerState) =>
  new Map([...state.entries()].map((entry) => [entryKey(entry), entry]));

const start = (retain = 100) => {
  let time = START * 1000;
  const clock = (): number => {
    time += 1000;
    return time;
  };
  return startNetwork({ ...market(), clock, closeMs: 1000, retain, every: () => () => undefined });
};

type Network = ReturnType<typeof start>;

/** Trades of both accounts; some fail, some are refused. */
const trades = fc.array(
  fc.record({
    byMaker: fc.boolean(),
    send: fc.boolean(),
    amount: fc.integer({ min: 1, max: 400 }).map(String),
    closes: fc.integer({ min: 0, max: 2 }),
  }),
  { maxLength: 12 },
);

function trade(
  network: Network,
  { byMaker, send, amount }: { byMaker: boolean; send: boolean; amount: string },
): void {
  const source = byMaker ? maker : trader;
  const sequence = network.state.account(source.publicKey())!.sequence + 1n;
  const to = { destination: source.publicKey() };
  const operation = send
    ? strictSend({ ...to, sendAmount: amount })
    : strictReceive({ ...to, sendAsset: usdc, destAsset: xlm, destAmount: amount });
  network.submit(envelope([operation], { source, sequence }));
}

describe('a replica', () => {
  it('has the entries that the network had some ledgers ago, in whatever order it is looked at', () => {
    fc.assert(
      fc.property(
        trades,
        fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 8 }),
        (run, lags) => {
          const network = start();
          let lag = 0;
          const early = createReplica(network, () => 0);
          const moving = createReplica(network, () => lag);
          const history = [entries(network.state)];
          const close = (): void => {
            network.close();
            history.push(entries(network.state));
            lag = lags[history.length % lags.length]!;
            assert.deepEqual(entries(moving.state), history.at(Math.max(-lag - 1, -history.length)));
            assert.equal(moving.latest.sequence, moving.state.header.sequence);
          };
          for (const one of run) {
            trade(network, one);
            for (let i = 0; i < one.closes; i += 1) close();
          }
          close();
          assert.deepEqual(entries(early.state), entries(network.state));
          assert.deepEqual(entries(createReplica(network, () => 1).state), history.at(-2));
        },
      ),
      { numRuns: 30 },
    );
  });

  it('knows no transaction before it has its ledger', () => {
    const network = start();
    let lag = 1;
    const replica = createReplica(network, () => lag);
    trade(network, { byMaker: false, send: true, amount: '10' });
    const { transaction } = network.close().transactions[0]!;
    assert.equal(replica.transaction(transaction.hash), undefined);
    lag = 0;
    assert.equal(replica.transaction(transaction.hash)?.ledger, network.latest.sequence);
  });

  it('begins anew where the network has forgotten what it has not seen yet', () => {
    const network = start(3);
    const replica = createReplica(network, () => 1);
    assert.equal(replica.latest.sequence, network.latest.sequence);
    trade(network, { byMaker: false, send: true, amount: '10' });
    for (let i = 0; i < 9; i += 1) network.close();
    assert.deepEqual(entries(replica.state), entries(network.state));
    assert.equal(replica.latest.sequence, network.latest.sequence - 1);
  });
});
