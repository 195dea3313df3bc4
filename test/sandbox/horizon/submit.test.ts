import assert from 'node:assert/strict';
import {
  Asset,
  Horizon,
  Keypair,
  Operation,
  type Transaction,
  TransactionBuilder,
} from '@stellar/stellar-sdk';
import { type Network, startNetwork } from '../network.ts';
import { envelope, keyOf, market, PASSPHRASE, START, strictSend, trader, usdc } from '../testing.ts';
import { type Answered, type Served, serveHorizon, until } from './testing.ts';

interface Problem {
  type: string;
  extras: {
    hash?: string;
    envelope_xdr: string;
    result_xdr?: string;
    result_codes?: { transaction: string; inner_transaction?: string; operations?: string[] };
  };
}

describe('submission through Horizon', function () {
  this.timeout(30_000);
  let network: Network;
  let served: Served;

  beforeEach(async () => {
    let now = START;
    network = startNetwork({
      ...market(),
      clock: () => {
        now += 1;
        return now * 1000;
      },
      closeMs: 3_600_000,
      retain: 100,
    });
    network.pause();
    network.close();
    served = await serveHorizon(network, { streamAtOnce: true });
  });
  afterEach(() => served.stop());

  /** Closes a ledger as soon as `count` submissions wait for one. */
  async function closeWhenPending(count = 1): Promise<void> {
    await until(() => network.queue.pending().length >= count);
    network.close();
  }

  const post = (path: string, tx: string): Promise<Answered> =>
    served.ask(
      'POST',
      path,
      { 'Content-Type': 'application/x-www-form-urlencoded' },
      new URLSearchParams({ tx }).toString(),
    );

  /** Maker pays for the trader's transaction. */
  const bumped = (inner: string, fee = '1000') => {
    const bump = TransactionBuilder.buildFeeBumpTransaction(
      keyOf('maker'),
      fee,
      TransactionBuilder.fromXDR(inner, PASSPHRASE) as Transaction,
      PASSPHRASE,
    );
    bump.sign(keyOf('maker'));
    return { xdr: bump.toEnvelope().toXdr('base64'), hash: Buffer.from(bump.hash()).toString('hex') };
  };
  const pay = strictSend();

  it('a fee bump is answered by its own hash, its inner transaction by its own', async () => {
    const inner = envelope([pay]);
    const bump = bumped(inner);
    const [answered] = await Promise.all([post('/transactions', bump.xdr), closeWhenPending()]);
    const body = JSON.parse(answered.body);
    assert.deepEqual(
      [answered.status, body.hash, body.fee_account, body.source_account, body.fee_charged],
      [200, bump.hash, keyOf('maker').publicKey(), trader.publicKey(), '200'],
    );
    const again = JSON.parse((await post('/transactions', inner)).body);
    assert.equal(again.hash, body.inner_transaction.hash);
    assert.deepEqual(again.envelope_xdr, body.envelope_xdr);
  });

  it('who waits with the inner transaction learns of the fee bump that replaced it', async () => {
    const inner = envelope([pay]);
    const waiting = post('/transactions', inner);
    await until(() => network.queue.pending().length > 0);
    const bump = bumped(inner, '5000');
    assert.equal((await post('/transactions_async', bump.xdr)).status, 201);
    network.close();
    const [byInner, byOuter] = [await waiting, await post('/transactions', bump.xdr)].map((one) =>
      JSON.parse(one.body),
    );
    assert.equal(byInner.id, byOuter.inner_transaction.hash);
    assert.equal(byOuter.id, bump.hash);
  });

  it('a fee bump that failed names both codes, in a ledger and before one', async () => {
    const failing = bumped(envelope([strictSend({ destMin: '9999' })]));
    const [answered] = await Promise.all([post('/transactions', failing.xdr), closeWhenPending()]);
    const inLedger = JSON.parse(answered.body) as Problem;
    assert.equal(answered.status, 400);
    assert.deepEqual(inLedger.extras.result_codes, {
      transaction: 'tx_fee_bump_inner_failed',
      inner_transaction: 'tx_failed',
      operations: ['op_under_dest_min'],
    });
    assert.deepEqual(Object.keys(inLedger.extras), ['envelope_xdr', 'result_codes', 'result_xdr']);
    assert.equal(inLedger.extras.envelope_xdr, failing.xdr);

    const rejected = await post('/transactions', bumped(envelope([pay], { sequence: 9n })).xdr);
    assert.deepEqual((JSON.parse(rejected.body) as Problem).extras.result_codes, {
      transaction: 'tx_fee_bump_inner_failed',
      inner_transaction: 'tx_bad_seq',
    });
  });

  it('two at once both get the ledger; the asynchronous one is told that it is known, and later to wait', async () => {
    const tx = envelope([pay]);
    const [first, second] = [post('/transactions', tx), post('/transactions', tx)];
    await until(() => network.queue.pending().length > 0);
    const duplicate = await post('/transactions_async', tx);
    const { hash, tx_status } = JSON.parse(duplicate.body);
    assert.deepEqual([duplicate.status, tx_status], [409, 'DUPLICATE']);
    network.close();
    for (const answered of await Promise.all([first, second])) {
      assert.deepEqual([answered.status, JSON.parse(answered.body).hash], [200, hash]);
    }
    const later = await post('/transactions_async', tx);
    assert.deepEqual([later.status, JSON.parse(later.body)], [503, { tx_status: 'TRY_AGAIN_LATER', hash }]);
  });

  it('a second transaction of an account waits its whole time and was never taken', async () => {
    await post('/transactions_async', envelope([pay]));
    const second = envelope([pay], { sequence: (1n << 32n) + 2n });
    const answered = await post('/transactions', second);
    const { type, extras } = JSON.parse(answered.body) as Problem;
    assert.equal(answered.status, 504);
    assert.equal(type, 'https://stellar.org/horizon-errors/transaction_submission_timeout');
    assert.equal(extras.envelope_xdr, second);
    network.close();
    assert.equal((await served.ask('GET', `/transactions/${extras.hash}`)).status, 404);
  });

  const codes: [what: string, operation: ReturnType<typeof Operation.payment>, code: string][] = [
    [
      'an offer that is not there',
      Operation.manageSellOffer({
        selling: usdc,
        buying: Asset.native(),
        amount: '0',
        price: '1',
        offerId: '99',
      }),
      'op_offer_not_found',
    ],
    [
      'an account that is there',
      Operation.createAccount({ destination: keyOf('maker').publicKey(), startingBalance: '10' }),
      'op_already_exists',
    ],
    ['data that is not there', Operation.manageData({ name: 'x', value: null }), 'op_data_name_not_found'],
    [
      'a merge into nobody',
      Operation.accountMerge({ destination: keyOf('nobody').publicKey() }),
      'op_no_account',
    ],
    [
      'somebody who is not there',
      Operation.bumpSequence({ bumpTo: '1', source: keyOf('nobody').publicKey() }),
      'op_no_source_account',
    ],
  ];
  for (const [what, operation, code] of codes) {
    it(`Horizon's own word for ${what}: ${code}`, async () => {
      const signers = code === 'op_no_source_account' ? [trader, keyOf('nobody')] : [trader];
      const tx = envelope([operation], { signers });
      const [answered] = await Promise.all([post('/transactions', tx), closeWhenPending()]);
      assert.deepEqual((JSON.parse(answered.body) as Problem).extras.result_codes?.operations, [code]);
    });
  }

  it('fee stats tell what was bid and charged in the last five ledgers, and how full they were', async () => {
    const stats = async () => JSON.parse((await served.ask('GET', '/fee_stats')).body);
    assert.deepEqual((await stats()).max_fee.max, '100');
    await post('/transactions_async', envelope([pay, pay], { fee: '300' }));
    await post('/transactions_async', envelope([pay], { source: keyOf('maker'), fee: '20000' }));
    network.close();
    const busy = await stats();
    assert.deepEqual(
      [
        busy.ledger_capacity_usage,
        busy.fee_charged.max,
        busy.max_fee.min,
        busy.max_fee.p50,
        busy.max_fee.p60,
      ],
      ['0', '100', '300', '300', '20000'],
    );
    for (let i = 0; i < 5; i += 1) network.close();
    assert.equal((await stats()).max_fee.max, '100');
  });

  it('trades and streams through the unmodified SDK', async () => {
    const server = new Horizon.Server(served.url, { allowHttp: true });
    const book = server.orderbook(Asset.native(), usdc);
    const before = await book.call();
    const asks: string[] = [];
    const hashes: string[] = [];
    const trades: string[] = [];
    // Not `now`: a stream may connect later than the trade.
    const start = String(BigInt(network.latest.sequence) << 32n);
    const closeBook = server.orderbook(Asset.native(), usdc).stream({
      onmessage: ({ asks: [best] }) => asks.push(best!.amount),
    });
    const closeTransactions = server
      .transactions()
      .forAccount(trader.publicKey())
      .cursor(start)
      .stream({ onmessage: ({ hash }) => hashes.push(hash) });
    const closeTrades = server
      .trades()
      .forAssetPair(Asset.native(), usdc)
      .cursor(start)
      .stream({
        onmessage: ({ base_amount, base_is_seller }) => trades.push(`${base_amount} ${base_is_seller}`),
      });
    await until(() => asks.length > 0);

    const account = await server.loadAccount(trader.publicKey());
    const transaction = new TransactionBuilder(account, { fee: '100', networkPassphrase: PASSPHRASE })
      .addOperation(
        Operation.manageBuyOffer({ selling: usdc, buying: Asset.native(), buyAmount: '40', price: '0.2' }),
      )
      .setTimeout(0)
      .build();
    transaction.sign(Keypair.fromSecret(trader.secret()));
    const [submitted] = await Promise.all([server.submitTransaction(transaction), closeWhenPending()]);
    assert.equal(submitted.successful, true);
    await until(() => asks.length > 1 && hashes.length > 0 && trades.length > 0);
    for (const close of [closeBook, closeTransactions, closeTrades]) close();
    assert.deepEqual(trades, ['40.0000000 true']);
    assert.deepEqual(hashes, [submitted.hash]);
    assert.deepEqual(asks, [before.asks[0]!.amount, '60.0000000']);

    const offers = await server.offers().forAccount(keyOf('maker').publicKey()).limit(1).call();
    assert.equal(offers.records[0]!.amount, '60.0000000');
    assert.equal((await offers.next()).records.length, 1);
    const holders = await server.accounts().forAsset(usdc).call();
    assert.equal(holders.records.length, 2);
    const paths = await server.strictSendPaths(Asset.native(), '10', [usdc]).call();
    assert.equal(paths.records[0]!.destination_amount, '1.1000000');
  });
});
