import assert from 'node:assert/strict';
import { Operation, xdr } from '@stellar/stellar-sdk/base';
import type { Refused } from './ledger/errors.ts';
import { type Network, startNetwork } from './network.ts';
import { createMarket, type Scenario } from './scenario.ts';
import {
  envelope,
  issuer,
  type ManualClock,
  maker,
  manualClock,
  PASSPHRASE,
  START,
  strictSend,
  trader,
  usdc,
} from './testing.ts';

const UNIT = 10_000_000n;
const FIRST = (1n << 32n) + 1n;
const line = { asset: 'USDC:issuer', balance: 1000n * UNIT };

/** An issuer that may revoke, a maker with a pool, a trader. */
const scenario = (change: Partial<Scenario> = {}): Scenario => ({
  networkPassphrase: PASSPHRASE,
  accounts: [
    {
      name: 'issuer',
      address: issuer.publicKey(),
      balance: 100n * UNIT,
      trustlines: [],
      flags: 2,
    },
    { name: 'maker', address: maker.publicKey(), balance: 1000n * UNIT, trustlines: [line] },
    { name: 'trader', address: trader.publicKey(), balance: 1000n * UNIT, trustlines: [line] },
  ],
  offers: [],
  pools: [{ owner: 'maker', a: 'XLM', b: 'USDC:issuer', amountA: 500n * UNIT, amountB: 60n * UNIT }],
  ...change,
});

describe('the network', () => {
  let time: ManualClock;
  const reported: unknown[] = [];
  let network: Network;

  const start = (change: Partial<Scenario> = {}, retain = 100): Network => {
    time = manualClock();
    network = startNetwork({
      ...createMarket(scenario(change), START),
      ...time,
      closeMs: 5000,
      retain,
      report: (error) => reported.push(error),
    });
    return network;
  };
  afterEach(() => {
    network.stop();
    reported.length = 0;
  });

  it('closes a ledger each time its clock comes round, and on demand', () => {
    const { ledgers } = start();
    time.advance(14_999);
    assert.deepEqual(
      ledgers.map(({ closeTime }) => closeTime - START),
      [0, 5, 10],
    );
    network.pause();
    time.advance(60_000);
    assert.equal(ledgers.length, 3);
    assert.equal(network.close().closeTime - START, 74);
    network.resume();
    time.advance(5000);
    assert.equal(network.latest.sequence, 5);
    for (const [index, ledger] of ledgers.slice(1).entries()) {
      assert.equal(ledger.previousHash, ledgers[index]!.hash);
      const header = xdr.LedgerHeader.fromXdr(ledger.headerXdr, 'base64');
      assert.equal(Buffer.from(header.previousLedgerHash.toBytes()).toString('hex'), ledger.previousHash);
    }
  });

  it('fills ledgers by what is bid and lets the rest wait', () => {
    start({ maxTxSetSize: 1 });
    const low = network.submit(envelope([strictSend()], { fee: '150' }));
    const high = network.submit(envelope([strictSend()], { source: maker, fee: '9000' }));
    assert.deepEqual([low.status, high.status], ['PENDING', 'PENDING']);
    const [first, second] = [network.close(), network.close()];
    assert.deepEqual(
      [first, second].map(({ transactions }) =>
        transactions.map(({ transaction, result }) => [transaction.hash, result.feeCharged]),
      ),
      [[[high.transaction.hash, 9000n]], [[low.transaction.hash, 100n]]],
    );
  });

  it('drops by name what it cannot apply, and closes without it as if it had never come', () => {
    start();
    const before = network.state.account(issuer.publicKey());
    const revoke = Operation.setTrustLineFlags({
      trustor: maker.publicKey(),
      asset: usdc,
      flags: { authorized: false },
    });
    const refused = envelope([revoke], { source: issuer });
    const { transaction } = network.submit(refused);
    network.submit(envelope([strictSend()]));
    const { transactions, header } = network.close();
    assert.deepEqual(
      transactions.map(({ transaction: { source }, result }) => [source, result.code]),
      [[trader.publicKey(), 'tx_success']],
    );
    assert.equal(reported.length, 1);
    const [error] = reported as [Refused];
    assert.deepEqual([error.what, error.transaction], ['claimable_balance', transaction.hash]);
    assert.deepEqual(network.state.account(issuer.publicKey()), before);
    assert.equal(header.feePool, 100n);
    assert.equal(network.submit(refused).status, 'TRY_AGAIN_LATER');
    assert.equal(network.close().transactions.length, 0);
  });

  it('changes its header at the end of the next ledger', () => {
    start();
    network.upgrade({ maxTxSetSize: 7 });
    network.upgrade({ baseFee: 200n, baseReserve: 1_000_000n });
    network.submit(envelope([strictSend()]));
    const { transactions, headerXdr } = network.close();
    assert.equal(transactions[0]?.result.feeCharged, 100n);
    const { maxTxSetSize, baseFee, baseReserve } = network.state.header;
    assert.deepEqual([maxTxSetSize, baseFee, baseReserve], [7, 200n, 1_000_000n]);
    const { scpValue, baseFee: written } = xdr.LedgerHeader.fromXdr(headerXdr, 'base64');
    assert.deepEqual([scpValue.upgrades.length, written], [3, 200]);
    const next = network.submit(envelope([strictSend()], { sequence: FIRST + 1n }));
    assert.deepEqual(next.status === 'ERROR' && [next.result.code, next.result.feeCharged], [
      'tx_insufficient_fee',
      200n,
    ]);
    assert.equal(xdr.LedgerHeader.fromXdr(network.close().headerXdr, 'base64').scpValue.upgrades.length, 0);
  });

  it('takes offers away that a raised base reserve no longer leaves the lumens for', () => {
    const price = { n: 1, d: 10 };
    const offer = { seller: 'trader', selling: 'XLM', buying: 'USDC:issuer', amount: 990n * UNIT, price };
    start({ offers: [offer] });
    network.upgrade({ baseReserve: UNIT / 2n + 1n });
    network.close();
    assert.ok(network.state.offer(trader.publicKey(), 1n));
    network.upgrade({ baseReserve: 10n * UNIT });
    network.close();
    assert.equal(network.state.offer(trader.publicKey(), 1n), undefined);
    assert.equal(network.state.account(trader.publicKey())?.subentries, 1);
  });

  it('forgets what is older than it is told to keep', () => {
    start({}, 3);
    const first = network.submit(envelope([strictSend()])).transaction.hash;
    network.close();
    assert.ok(network.transaction(first));
    for (let ledger = 0; ledger < 30; ledger += 1) network.close();
    assert.equal(network.transaction(first), undefined);
    assert.equal(network.ledgers.length, 3);
    assert.equal(network.state.savepoint(), 0, 'nothing is kept to undo');
    assert.deepEqual(
      network.queue.save().banned.filter((hashes) => hashes.length > 0),
      [],
    );
  });
});
