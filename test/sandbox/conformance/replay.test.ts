import assert from 'node:assert/strict';
import { xdr } from '@stellar/stellar-sdk/base';
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

  it('refuses a range that the corpus does not have', async () => {
    await assert.rejects(run(251), /FROM=251 is no checkpoint; there are 50, 100, 150/);
    await assert.rejects(run(undefined, 9999), /TO=9999: the last ledger is 514/);
    await assert.rejects(run(100, 100), /nothing to replay up to TO=100/);
  });
});
