import assert from 'node:assert/strict';
import { type Transaction, TransactionBuilder } from '@stellar/stellar-sdk/base';
import { Api, Server } from '@stellar/stellar-sdk/rpc';
import { issuer, PASSPHRASE, strictReceive, strictSend, trader, usdc } from '../testing.ts';
import { useRpc } from './testing.ts';

describe('RPC through the unmodified SDK', () => {
  const rpc = useRpc();
  let server: Server;
  beforeEach(() => {
    server = new Server(rpc.url, { allowHttp: true });
  });

  async function trade(operation: ReturnType<typeof strictSend>): Promise<Transaction> {
    const transaction = new TransactionBuilder(await server.getAccount(trader.publicKey()), {
      fee: '100',
      networkPassphrase: PASSPHRASE,
    })
      .addOperation(operation)
      .setTimeout(0)
      .build();
    transaction.sign(trader);
    return transaction;
  }

  const holding = async (): Promise<bigint> => {
    const { balanceEntry } = await server.getAssetBalance(trader.publicKey(), usdc, PASSPHRASE);
    return BigInt(balanceEntry?.amount ?? 0);
  };

  it('trades, polling until the ledger closed', async () => {
    const before = await holding();
    const transaction = await trade(strictSend());
    const sent = await server.sendTransaction(transaction);
    assert.deepEqual([sent.status, sent.latestLedger], ['PENDING', 1]);
    let polls = 0;
    const found = await server.pollTransaction(sent.hash, {
      attempts: 5,
      sleepStrategy: () => {
        polls += 1;
        if (polls === 2) rpc.closeLedger();
        return 1;
      },
    });
    assert.equal(polls, 2, 'the first poll found nothing');
    assert.equal(found.status, Api.GetTransactionStatus.SUCCESS);
    assert.deepEqual([found.ledger, found.applicationOrder, found.feeBump], [2, 1, false]);
    const { result, feeCharged } = found.resultXdr;
    assert.deepEqual([result.type, feeCharged], ['txSuccess', 100n]);
    assert.equal(found.envelopeXdr.toXdr('base64'), transaction.toEnvelope().toXdr('base64'));
    assert.equal(found.resultMetaXdr.type, 'v4');
    // 10 XLM at 0.11 USDC.
    assert.equal((await holding()) - before, 11_000_000n);
  });

  it('tells of a trade that failed, and of one that was refused', async () => {
    const { hash } = await server.sendTransaction(await trade(strictReceive({ sendMax: '0.1' })));
    rpc.closeLedger();
    const failed = await server.getTransaction(hash);
    assert.equal(failed.status, Api.GetTransactionStatus.FAILED);
    const stale = await trade(strictSend());
    await server.sendTransaction(stale);
    rpc.closeLedger();
    const again = await server.sendTransaction(stale);
    assert.equal(again.status, 'TRY_AGAIN_LATER');
    const ahead = TransactionBuilder.cloneFrom(stale, { fee: '1' }).build();
    ahead.sign(trader);
    const refused = await server.sendTransaction(ahead);
    assert.deepEqual([refused.status, refused.errorResult?.result.type], ['ERROR', 'txInsufficientFee']);
  });

  it('reads ledgers, transactions, fees and itself', async () => {
    await server.sendTransaction(await trade(strictSend()));
    rpc.closeLedger();
    const health = await server.getHealth();
    assert.deepEqual([health.status, health.latestLedger], ['healthy', 2]);
    assert.equal((await server.getNetwork()).passphrase, PASSPHRASE);
    assert.equal((await server.getVersionInfo()).protocolVersion, 28);
    const latest = await server.getLatestLedger();
    assert.deepEqual([latest.sequence, latest.id], [2, rpc.network.latest.hash]);
    const { ledgers } = await server.getLedgers({ startLedger: 1 });
    assert.deepEqual(
      ledgers.map(({ sequence }) => sequence),
      [1, 2],
    );
    const { transactions } = await server.getTransactions({ startLedger: 1 });
    assert.deepEqual(
      transactions.map(({ status, ledger }) => [status, ledger]),
      [['SUCCESS', 2]],
    );
    assert.equal((await server.getFeeStats()).inclusionFee.max, '100');
    await assert.rejects(server.getAccount(PASSPHRASE));
    assert.equal((await server.getAccountEntry(issuer.publicKey())).balance, 10_000_000_000n);
  });
});
