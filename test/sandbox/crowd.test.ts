import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Operation } from '@stellar/stellar-sdk/base';
import { startCrowd } from './crowd.ts';
import { offerLiabilities } from './ledger/exchange.ts';
import { TOTAL_COINS } from './ledger/header.ts';
import { succeeded } from './ledger/result.ts';
import { type Network, startNetwork } from './network.ts';
import { createMarket, loadScenario, type Scenario } from './scenario.ts';
import { restore, snapshot } from './snapshot.ts';
import { envelope, manualClock, START, trader } from './testing.ts';

const FILE = join(import.meta.dirname, 'scenarios/crowd.yaml');
const CLOSE_MS = 1000;

describe('the crowd', function () {
  this.timeout(20_000);
  let scenario: Scenario;
  before(async () => {
    scenario = await loadScenario(FILE, trader.publicKey());
  });

  const options = { closeMs: CLOSE_MS, retain: 100 };
  const start = (seed: string) => {
    const time = manualClock();
    const { crowd, ...market } = createMarket({ ...scenario, crowd: { ...scenario.crowd!, seed } }, START);
    const network = startNetwork({ ...market, ...time, ...options });
    const stop = startCrowd(network, crowd!);
    return { network, crowd: crowd!, stop, run: (ledgers: number) => time.advance(ledgers * CLOSE_MS) };
  };
  const hashes = ({ ledgers }: Network): string[] => ledgers.map(({ hash }) => hash);

  it('does the same in every run with the same seed, and something else with another', () => {
    const [one, same, other] = [start('1'), start('1'), start('2')];
    for (const { run } of [one, same, other]) run(8);
    assert.deepEqual(hashes(same.network), hashes(one.network));
    assert.equal(one.network.ledgers.length, 9);
    assert.notEqual(other.network.latest.hash, one.network.latest.hash);
  });

  it('keeps both sides of its books filled, moves them and trades', () => {
    const { network, crowd, run } = start('3');
    const { state } = network;
    const tops = new Set<string>();
    for (let ledger = 0; ledger < 20; ledger += 1) {
      run(1);
      for (const { base, counter } of crowd.pairs) {
        const [ask] = state.book(base, counter);
        const [bid] = state.book(counter, base);
        assert.ok(ask && bid, 'a side is empty');
        assert.ok(ask.price.n * bid.price.n >= ask.price.d * bid.price.d, 'the book is crossed');
        tops.add(`${counter} ${ask.price.n}`);
      }
    }
    assert.ok(tops.size > 15);
    const sent = network.ledgers.flatMap(({ transactions }) => transactions);
    const takers = sent.filter(({ transaction }) =>
      transaction.operations[0]!.name.startsWith('path_payment'),
    );
    assert.ok(takers.filter(({ result }) => succeeded(result)).length > 60, 'takers trade');
    assert.ok(sent.filter(({ result }) => succeeded(result)).length > sent.length * 0.6);
  });

  it('neither makes nor loses lumens and assets, and reserves what its offers promise', () => {
    const { network, run } = start('6');
    const { state } = network;
    /** Stroops by asset, and liabilities by holder and asset. */
    const sums = () => {
      const [held, reserved, promised] = [new Map<string, bigint>(), new Map<string, bigint>(), new Map()];
      const add = (to: Map<string, bigint>, key: string, amount: bigint): void => {
        if (amount !== 0n) to.set(key, (to.get(key) ?? 0n) + amount);
      };
      add(held, 'native', state.header.feePool);
      for (const entry of state.entries()) {
        if (entry.type === 'offer') {
          const { selling, buying } = offerLiabilities(entry.price, entry.amount);
          add(promised, `sell ${entry.seller} ${entry.selling}`, selling);
          add(promised, `buy ${entry.seller} ${entry.buying}`, buying);
        } else if (entry.type === 'account' || entry.type === 'trustline') {
          const [owner, asset] =
            entry.type === 'account' ? [entry.address, 'native'] : [entry.owner, entry.asset];
          assert.ok(entry.balance >= entry.liabilities.selling);
          add(held, asset, entry.balance);
          add(reserved, `sell ${owner} ${asset}`, entry.liabilities.selling);
          add(reserved, `buy ${owner} ${asset}`, entry.liabilities.buying);
        }
      }
      return { held, reserved, promised };
    };
    const before = sums().held;
    assert.equal(before.get('native'), TOTAL_COINS);
    run(15);
    const { held, reserved, promised } = sums();
    assert.deepEqual(held, before);
    assert.ok(promised.size > 10);
    assert.deepEqual(new Map([...reserved].sort()), new Map([...promised].sort()));
  });

  it('stops', () => {
    const { network, stop, run } = start('4');
    run(1);
    stop();
    run(2);
    assert.equal(network.latest.transactions.length, 0);
  });

  it('goes on from a snapshot as if nothing had happened', () => {
    const { network, crowd, run } = start('5');
    network.upgrade({ maxTxSetSize: 60 });
    run(3);
    const nothing = Operation.bumpSequence({ bumpTo: '0' });
    const { status } = network.submit(envelope([nothing], { passphrase: network.passphrase }));
    assert.equal(status, 'PENDING');
    assert.ok(network.queue.pending().length > 0);
    const text = snapshot(network);
    const time = manualClock((START + 3) * 1000);
    const restored = restore(text, { ...time, ...options });
    assert.equal(snapshot(restored), text);
    startCrowd(restored, crowd);
    run(5);
    time.advance(5 * CLOSE_MS);
    assert.deepEqual(hashes(restored), hashes(network).slice(3));
    assert.ok(restored.latest.transactions.length > 0);
  });
});
