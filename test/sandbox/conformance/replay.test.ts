import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { xdr } from '@stellar/stellar-sdk/base';
import type { DecodedTransaction } from '../ledger/envelope.ts';
import { failure, resultToXdr } from '../ledger/result.ts';
import { feeBumpOf, G, pay, transactionOf, XLM } from '../ledger/testing.ts';
import { PASSPHRASE } from '../testing.ts';
import { type Corpus, type CorpusLedger, openCorpus } from './corpus.ts';
import { inWords } from './differences.ts';
import { type Report, replay } from './replay.ts';

const FOLDER = new URL('../../fixtures/ledgers/corpus', import.meta.url).pathname;
const corpus = openCorpus(FOLDER);

const run = (from?: number, to?: number, of: Corpus = corpus): Promise<Report> =>
  replay({ corpus: of, from, to, progress: () => {} });

/** The same corpus with something changed in each ledger. */
const changed = (change: (ledger: CorpusLedger) => CorpusLedger): Corpus => ({
  ...corpus,
  async *ledgers() {
    for await (const ledger of corpus.ledgers()) yield change(ledger);
  },
});

describe('the ledger against a real stellar-core', function () {
  this.timeout(60_000);

  it('replays the corpus from genesis without a difference', async () => {
    const report = await run();
    assert.deepEqual(report.differences.map(inWords), []);
    assert.deepEqual(
      [report.transactions, report.rejected, report.notComparable],
      [2453, 171, 65],
      'transactions, rejections and those that hang on the queue',
    );
    assert.equal(report.codes.get('manage_sell_offer:success'), 1742);
  });

  for (const from of corpus.checkpoints.slice(0, -1)) {
    it(`goes on from checkpoint ${from}`, async () => {
      const { differences, transactions } = await run(from, Math.min(from + 20, corpus.network.lastLedger));
      assert.deepEqual(differences.map(inWords), []);
      assert.ok(transactions > 0 || from === 500);
    });
  }

  it('says where a result parts from the recorded one', async () => {
    const other = changed((ledger) => ({
      ...ledger,
      transactions: ledger.transactions.map((transaction, index) => {
        if (ledger.sequence !== 4 || index > 0) return transaction;
        const json = xdr.TransactionResult.fromXdr(transaction.resultXdr, 'base64').toJson();
        const text = JSON.stringify(json)
          .replace('"op_inner":{"', '"op_inner":{"')
          .replace(/"success"/, '"malformed"');
        return {
          ...transaction,
          resultXdr: xdr.TransactionResult.fromJson(JSON.parse(text)).toXdr('base64'),
        };
      }),
    }));
    const { differences } = await run(undefined, 4, other);
    assert.equal(differences.length, 1);
    assert.match(
      inWords(differences[0]!),
      /^ledger 4, transaction 1 \([0-9a-f]{8}\), operation 1, op_inner\.\w+\n {2}expected "malformed"\n {2}got {6}"success"$/,
    );
  });

  it('tells entries that are not as recorded, field by field', async () => {
    const other: Corpus = {
      ...corpus,
      stateAfter(ledger) {
        const [first = '', ...rest] = corpus.stateAfter(ledger) ?? [];
        if (first === '') return undefined;
        const text = JSON.stringify(xdr.LedgerEntry.fromXdr(first, 'base64').toJson());
        const richer = text.replace(/"balance":"(\d+)"/, '"balance":"1"');
        return [xdr.LedgerEntry.fromJson(JSON.parse(richer)).toXdr('base64'), ...rest];
      },
    };
    const { differences } = await run(undefined, 50, other);
    assert.equal(differences.length, 1);
    assert.match(
      inWords(differences[0]!),
      /^ledger 50, account G\w+, data\.account\.balance\n {2}expected "1"/,
    );
  });

  it('notices a wrong header hash and a rejection that is none', async () => {
    const hash = '0'.repeat(64);
    const wrongHash = await run(
      undefined,
      3,
      changed((ledger) => (ledger.sequence === 3 ? { ...ledger, txSetResultHash: hash } : ledger)),
    );
    assert.match(
      wrongHash.differences.map(inWords).join(),
      /^ledger 3, header, txSetResultHash\n {2}expected 0{64}/,
    );

    const accepted = await run(
      undefined,
      3,
      changed((ledger) => {
        if (ledger.sequence !== 3) return ledger;
        const { envelopeXdr, resultXdr } = ledger.transactions[0]!;
        const rejection = {
          status: 'ERROR' as const,
          judgedAgainst: 2,
          envelopeXdr,
          errorResultXdr: resultXdr,
        };
        return { ...ledger, rejectedSinceLastClose: [rejection] };
      }),
    );
    assert.match(
      accepted.differences.map(inWords).join(),
      /^ledger 3, rejection 1, result\n {2}expected a rejection/,
    );
  });

  it('goes on after a ledger that it cannot apply, and counts it', async () => {
    const { differences } = await run(
      undefined,
      4,
      changed((ledger) => {
        if (ledger.sequence !== 3) return ledger;
        const [first, ...rest] = ledger.transactions;
        return { ...ledger, transactions: [{ ...first!, envelopeXdr: 'AAAA' }, ...rest] };
      }),
    );
    assert.match(
      inWords(differences[0]!),
      /^ledger 3, all transactions\n {2}expected "?an answer"?\n {2}got {6}not an envelope/,
    );
    assert.ok(differences.some(({ ledger }) => ledger === 4));
  });

  it('refuses a range that the corpus does not have', async () => {
    await assert.rejects(run(251), /FROM=251 is no checkpoint; there are 50, 100, 150/);
    await assert.rejects(run(undefined, 9999), /TO=9999: the last ledger is 514/);
    await assert.rejects(run(100, 100), /nothing to replay up to TO=100/);
  });

  it('refuses a corpus that lacks a ledger, and does without checkpoints', async () => {
    const without = (gone: number): Corpus => ({
      ...corpus,
      async *ledgers() {
        for await (const ledger of corpus.ledgers()) if (ledger.sequence !== gone) yield ledger;
      },
    });
    await assert.rejects(run(undefined, 5, without(4)), /ledger 4 is not in the corpus/);
    await assert.rejects(run(500, undefined, without(514)), /ledger 514 is not in the corpus/);

    const folder = mkdtempSync(join(tmpdir(), 'corpus-'));
    try {
      writeFileSync(join(folder, 'network.json'), JSON.stringify(corpus.network));
      assert.deepEqual(openCorpus(folder).checkpoints, [514]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('a rejection of which only the ledgers around it are known', () => {
  const BALANCE = 10_000_500n;
  const ledgerOf = (sequence: number, closeTime: number, change: Partial<CorpusLedger>): CorpusLedger => ({
    sequence,
    closeTime,
    baseFee: 100,
    baseReserve: 5_000_000,
    maxTxSetSize: 100,
    protocolVersion: 28,
    previousLedgerHash: '',
    txSetHash: '',
    txSetResultHash: '',
    feePool: '0',
    idPool: '0',
    txSetComponents: [],
    transactions: [],
    rejectedSinceLastClose: [],
    ...change,
  });

  /** Replays ledger 3, which closed six seconds after ledger 2, in a world of alice with 500 stroops to spend. */
  async function judged(
    rejected: DecodedTransaction,
    [code, feeCharged]: [code: string, feeCharged: bigint],
  ): Promise<{ notComparable: number; differences: string[] }> {
    const resultOf = (...result: Parameters<typeof failure>) =>
      resultToXdr(failure(...result)).toXdr('base64');
    const third = ledgerOf(3, 1006, {
      rejectedSinceLastClose: [
        {
          status: 'ERROR',
          judgedAgainst: 2,
          envelopeXdr: rejected.envelopeXdr,
          errorResultXdr: resultOf(code, feeCharged),
        },
      ],
    });
    const rootAccount = G('alice');
    const of: Corpus = {
      network: {
        networkPassphrase: PASSPHRASE,
        genesis: { rootAccount, balance: String(BALANCE), sequence: '0', ledger: 1 },
        lastLedger: 3,
      },
      checkpoints: [],
      stateAfter: () => undefined,
      async *ledgers() {
        yield ledgerOf(2, 1000, {});
        yield third;
      },
    };
    const { notComparable, differences } = await run(undefined, undefined, of);
    const words = differences.filter(({ where }) => where.startsWith('rejection')).map(inWords);
    return { notComparable, differences: words };
  }

  const payment = [pay('alice', XLM, 1n)];

  it('may have come in at any moment between two closes, where its maximum time ran out', async () => {
    const until = (max: number, sequence: bigint) =>
      transactionOf('alice', payment, {
        sequence,
        conditions: { time: { min_time: '0', max_time: String(max) } },
      });
    for (const max of [1010, 1015]) {
      for (const code of ['tx_bad_seq', 'tx_too_late']) {
        assert.deepEqual((await judged(until(max, 9n), [code, 100n])).differences, [], `${code} ${max}`);
      }
    }
    const early = await judged(until(1009, 9n), ['tx_bad_seq', 100n]);
    assert.match(early.differences.join(), /expected "tx_bad_seq"\n {2}got {6}"tx_too_late"/);
    const late = await judged(until(1016, 9n), ['tx_too_late', 100n]);
    assert.match(late.differences.join(), /expected "tx_too_late"\n {2}got {6}"tx_bad_seq"/);
  });

  it('hangs on the queue where a sequence number below the pending one says a fee of zero', async () => {
    const old = transactionOf('alice', payment, { sequence: 9n });
    assert.deepEqual(await judged(old, ['tx_bad_seq', 0n]), { notComparable: 1, differences: [] });
    assert.deepEqual(await judged(old, ['tx_bad_seq', 100n]), { notComparable: 0, differences: [] });
    assert.equal((await judged(old, ['tx_bad_seq', 200n])).differences.length, 1);
  });

  it('hangs on the queue where the fee had to be more than the minimum, also of a bump below its inner rate', async () => {
    const low = feeBumpOf('alice', transactionOf('bob', payment, { fee: 300n }), 250n);
    assert.deepEqual(await judged(low, ['tx_insufficient_fee', 600n]), { notComparable: 0, differences: [] });
    for (const wanted of [201n, 601n]) {
      const queued = await judged(low, ['tx_insufficient_fee', wanted]);
      assert.deepEqual(queued, { notComparable: 1, differences: [] });
    }
    assert.equal((await judged(low, ['tx_insufficient_fee', 200n])).differences.length, 1);
  });

  it('hangs on the queue where the fees that its payer promised say a fee of zero', async () => {
    const good = transactionOf('alice', payment, { sequence: 1n });
    assert.deepEqual(await judged(good, ['tx_insufficient_balance', 0n]), {
      notComparable: 1,
      differences: [],
    });
    const poor = await judged(good, ['tx_insufficient_balance', 100n]);
    assert.match(poor.differences.join(), /expected a rejection\n {2}got {6}accepted/);
  });
});
