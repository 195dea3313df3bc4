import assert from 'node:assert/strict';
import { Operation, type Transaction, TransactionBuilder } from '@stellar/stellar-sdk/base';
import fc from 'fast-check';
import { openCorpus } from './conformance/corpus.ts';
import { bidOf, type DecodedTransaction, decodeEnvelope, sizeOf } from './ledger/envelope.ts';
import type { Header, LedgerState } from './ledger/state.ts';
import { chooseSet, createQueue, orderOfApplication, type Queue } from './queue.ts';
import { createMarket } from './scenario.ts';
import { envelope, keyOf, PASSPHRASE, START } from './testing.ts';

const CORPUS = new URL('../fixtures/ledgers/corpus', import.meta.url).pathname;
const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'];
const UNIT = 10_000_000n;
const FIRST = (1n << 32n) + 1n;

/** Accounts a to i with 1000 XLM each; `poor` can spend 2101 stroops. A ledger takes 4 operations. */
const market = (): LedgerState =>
  createMarket(
    {
      networkPassphrase: PASSPHRASE,
      maxTxSetSize: 4,
      accounts: [...names, 'poor'].map((name) => ({
        name,
        address: keyOf(name).publicKey(),
        balance: name === 'poor' ? UNIT + 2101n : 1000n * UNIT,
        trustlines: [],
      })),
      offers: [],
    },
    START,
  ).state;

interface Draft {
  /** Stroops for the whole transaction. */
  bid?: number;
  operations?: number;
  sequence?: bigint;
}

const plain = (name: string, { bid = 100, operations = 1, sequence = FIRST }: Draft = {}): string =>
  envelope(
    Array.from({ length: operations }, () => Operation.bumpSequence({ bumpTo: '0' })),
    { source: keyOf(name), fee: String(bid / operations), sequence },
  );

const decode = (xdr: string): DecodedTransaction => decodeEnvelope(xdr, PASSPHRASE);

/** A fee bump of an inner transaction; `bid` is for the whole. */
function bump(inner: string, payer: string, bid: number): string {
  const transaction = TransactionBuilder.fromXDR(inner, PASSPHRASE) as Transaction;
  const rate = String(bid / (transaction.operations.length + 1));
  const bumped = TransactionBuilder.buildFeeBumpTransaction(keyOf(payer), rate, transaction, PASSPHRASE);
  bumped.sign(keyOf(payer));
  return bumped.toEnvelope().toXdr('base64');
}

describe('the transaction queue', function () {
  this.timeout(20_000);
  let state: LedgerState;
  let queue: Queue;
  beforeEach(() => {
    state = market();
    queue = createQueue(PASSPHRASE);
  });

  /** The status, or the code and fee of a refusal. */
  const send = (xdr: string, closeAhead = 0n): string => {
    const answer = queue.submit(state, decode(xdr), closeAhead);
    return answer.status === 'ERROR' ? `${answer.result.code} ${answer.result.feeCharged}` : answer.status;
  };
  const settle = (applied: DecodedTransaction[] = []): void => queue.settle(state, applied, 0n);
  const sources = (): string[] =>
    queue
      .pending()
      .map(({ source }) => [...names, 'poor'].find((name) => keyOf(name).publicKey() === source)!);

  it('holds one transaction of an account', () => {
    assert.equal(send(plain('a')), 'PENDING');
    assert.equal(send(plain('a')), 'DUPLICATE');
    assert.equal(send(plain('a', { bid: 5000 })), 'TRY_AGAIN_LATER');
    assert.equal(send(plain('a', { sequence: FIRST + 1n })), 'TRY_AGAIN_LATER');
    assert.equal(send(plain('a', { sequence: FIRST - 1n })), 'tx_bad_seq 0');
    assert.equal(send(plain('b')), 'PENDING');
    assert.deepEqual(sources(), ['a', 'b']);
  });

  it('lets a fee bump of ten times the rate take the place of a pending transaction', () => {
    const inner = plain('a', { bid: 300 });
    send(inner);
    assert.equal(send(bump(inner, 'b', 5998)), 'tx_insufficient_fee 6000');
    assert.equal(send(bump(plain('a', { sequence: FIRST + 1n }), 'b', 9000)), 'TRY_AGAIN_LATER');
    assert.equal(send(bump(inner, 'b', 6000)), 'PENDING');
    assert.deepEqual(queue.pending().map(bidOf), [6000n]);
    assert.equal(send(inner), 'DUPLICATE', 'the inner one is what waits already');
    const anew = TransactionBuilder.fromXDR(inner, PASSPHRASE) as Transaction;
    anew.sign(keyOf('b'));
    const resigned = anew.toEnvelope().toXdr('base64');
    assert.equal(send(resigned), 'TRY_AGAIN_LATER', 'with other signatures it is another one');
    assert.equal(send(bump(inner, 'b', 6000)), 'DUPLICATE');
  });

  it('does not take again what was applied within ten ledgers', () => {
    const one = plain('a');
    send(one);
    settle(queue.take(state, 0n).transactions);
    assert.deepEqual(sources(), []);
    for (let ledger = 1; ledger < 10; ledger += 1) {
      assert.equal(send(one), 'TRY_AGAIN_LATER', `${ledger} ledgers later`);
      settle();
    }
    assert.equal(send(one), 'PENDING', 'judged anew');
  });

  it('drops what waited for four ledgers, and what has become invalid', () => {
    send(plain('a', { bid: 500, operations: 5 }));
    for (let ledger = 0; ledger < 4; ledger += 1) {
      assert.deepEqual(queue.take(state, 0n).transactions, [], 'larger than a ledger');
      assert.deepEqual(sources(), ['a']);
      settle();
    }
    assert.deepEqual(sources(), []);
    assert.equal(send(plain('a', { bid: 500, operations: 5 })), 'TRY_AGAIN_LATER');

    send(plain('b'));
    const used = state.account(keyOf('b').publicKey())!;
    state.put({ ...used, sequence: FIRST });
    assert.deepEqual(queue.take(state, 0n).transactions, []);
    assert.deepEqual(sources(), []);
    assert.equal(send(plain('b')), 'TRY_AGAIN_LATER');

    send(plain('c'));
    state.put({ ...state.account(keyOf('c').publicKey())!, sequence: FIRST });
    settle();
    assert.deepEqual(sources(), []);
  });

  it('counts the age of the account’s first transaction, whatever takes its place', () => {
    const inner = plain('a', { bid: 500, operations: 5 });
    send(inner);
    settle();
    settle();
    assert.equal(send(bump(inner, 'b', 6000)), 'PENDING');
    settle();
    assert.deepEqual(sources(), ['a']);
    settle();
    assert.deepEqual(sources(), []);
  });

  it('when full, refuses with the fee that would do, and lets a higher bid push the lowest out', () => {
    for (const [index, name] of names.slice(0, 8).entries()) send(plain(name, { bid: 200 + 10 * index }));
    assert.equal(send(plain('i', { bid: 200 })), 'tx_insufficient_fee 201');
    assert.equal(send(plain('i', { bid: 200 })), 'TRY_AGAIN_LATER', 'remembered');
    assert.equal(send(plain('i', { bid: 600, operations: 3 })), 'tx_insufficient_fee 601');
    assert.equal(
      send(plain('i', { bid: 603, operations: 3 })),
      'tx_insufficient_fee 631',
      'of three, the second',
    );
    assert.equal(send(plain('i', { bid: 201 })), 'PENDING');
    assert.deepEqual(sources().sort(), ['b', 'c', 'd', 'e', 'f', 'g', 'h', 'i']);
    assert.equal(send(plain('a', { bid: 200 })), 'TRY_AGAIN_LATER', 'what was pushed out is banned');
    assert.equal(send(plain('i', { bid: 9999, operations: 9 })), 'TRY_AGAIN_LATER', 'larger than the queue');
  });

  it('does not push out what is to be replaced', () => {
    const inner = plain('a', { bid: 100 });
    send(inner);
    for (const name of names.slice(1, 8)) send(plain(name, { bid: 200 }));
    assert.equal(send(bump(inner, 'i', 2000)), 'TRY_AGAIN_LATER');
    assert.ok(sources().includes('a'));
  });

  it('until the next ledger, newcomers have to bid more than what was pushed out', () => {
    for (const name of names.slice(0, 8)) send(plain(name, { bid: 200 }));
    send(plain('i', { bid: 800, operations: 4 }));
    assert.deepEqual(sources().length, 8, 'equal bids push nothing out');
    send(plain('i', { bid: 804, operations: 4 }));
    const [free] = names.filter((name) => !sources().includes(name)) as [string];
    assert.deepEqual(sources().length, 5);
    queue.drop(queue.pending()[0]!.hash);
    assert.equal(send(plain(free, { bid: 150 })), 'tx_insufficient_fee 201', 'although there is room');
    settle();
    assert.equal(send(plain(free, { bid: 151 })), 'PENDING');
  });

  it('adds up what an account that pays the fees of others has promised', () => {
    assert.equal(send(bump(plain('a'), 'poor', 400)), 'PENDING');
    assert.equal(send(bump(plain('b'), 'poor', 1702)), 'tx_insufficient_balance 0');
    assert.equal(send(bump(plain('b'), 'poor', 1700)), 'PENDING');
    assert.equal(queue.take(state, 0n).transactions.length, 2);
    const poor = state.account(keyOf('poor').publicKey())!;
    state.put({ ...poor, balance: poor.balance - 2n });
    assert.equal(queue.take(state, 0n).transactions.length, 0, 'neither can be trusted to pay');

    assert.equal(send(bump(plain('c'), 'poor', 200)), 'PENDING');
    assert.equal(send(bump(plain('c'), 'poor', 2000)), 'PENDING', 'instead of the first, not beside it');
  });

  it('keeps one of an account and no more than two ledgers hold, whatever comes', () => {
    const drafts = names.flatMap((name) =>
      [1, 3, 5].flatMap((operations) =>
        [1, 2, 7].map((rate) => decode(plain(name, { operations, bid: 100 * rate * operations }))),
      ),
    );
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...drafts) },
      fc.constant('close' as const),
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 10, maxLength: 25 }), (steps) => {
        queue = createQueue(PASSPHRASE);
        for (const one of steps) {
          if (one === 'close') settle(queue.take(state, 0n).transactions);
          else queue.submit(state, one, 0n);
          const pending = queue.pending();
          assert.equal(new Set(pending.map(({ source }) => source)).size, pending.length);
          assert.ok(pending.reduce((sum, tx) => sum + sizeOf(tx), 0) <= 8);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('is the same after it was saved and restored', () => {
    for (const name of names.slice(0, 8)) send(plain(name, { bid: 200 }));
    send(plain('i', { bid: 201 }));
    settle([]);
    const saved = queue.save();
    queue = createQueue(PASSPHRASE, JSON.parse(JSON.stringify(saved)));
    assert.deepEqual(queue.save(), saved);
    assert.equal(sources().length, 8);
    const [gone] = names.filter((name) => !sources().includes(name)) as [string];
    assert.equal(send(plain(gone, { bid: 200 })), 'TRY_AGAIN_LATER');
  });
});

describe('surge pricing', () => {
  /** All that the choice looks at. */
  const candidate = (hash: string, bid: number, operations: number, isBump = false): DecodedTransaction =>
    ({
      hash,
      source: hash,
      fee: BigInt(bid),
      operations: Array(operations),
      feeBump: isBump ? { fee: BigInt(bid) } : undefined,
    }) as unknown as DecodedTransaction;
  const header = (maxTxSetSize: number): Header => ({ ...market().header, maxTxSetSize });
  const choose = (candidates: DecodedTransaction[], size: number) => {
    const { transactions, baseFee } = chooseSet(candidates, header(size));
    return [transactions.map(({ hash }) => hash), baseFee];
  };

  it('charges the base fee while all fit, else the lowest rate that got in', () => {
    const three = [candidate('a', 500, 1), candidate('b', 1000, 4), candidate('c', 301, 1)];
    assert.deepEqual(choose(three, 6), [['a', 'c', 'b'], 100n]);
    assert.deepEqual(choose(three, 2), [['a', 'c'], 301n]);
    assert.deepEqual(choose(three, 5), [['a', 'c'], 301n]);
    assert.deepEqual(choose([], 5), [[], 100n]);
  });

  it('passes over what is too large for one behind it, and rounds the rate down', () => {
    const two = [candidate('a', 4000, 4), candidate('b', 401, 3)];
    assert.deepEqual(choose(two, 3), [['b'], 133n]);
  });

  it('counts a fee bump as one operation more, and takes the higher hash of equal rates first', () => {
    const two = [candidate('a', 400, 1, true), candidate('b', 300, 1)];
    assert.deepEqual(choose(two, 2), [['b'], 300n]);
    assert.deepEqual(choose([candidate('a', 200, 1), candidate('b', 200, 1)], 1), [['b'], 200n]);
  });

  it('keeps to the size of the ledger, to what everyone bids, and to the order of the rates', () => {
    const one = fc.record({
      bid: fc.integer({ min: 1, max: 40 }),
      operations: fc.integer({ min: 1, max: 6 }),
    });
    const limit = header(0);
    fc.assert(
      fc.property(
        fc.array(one, { maxLength: 20 }),
        fc.integer({ min: 1, max: 30 }),
        (drafts, maxTxSetSize) => {
          const all = drafts.map(({ bid, operations }, index) =>
            candidate(String(index).padStart(2, '0'), 100 * bid * operations, operations, bid % 5 === 0),
          );
          const { transactions, baseFee } = chooseSet(all, { ...limit, maxTxSetSize });
          const size = (some: DecodedTransaction[]): number => some.reduce((sum, tx) => sum + sizeOf(tx), 0);
          assert.equal(new Set(transactions.map(({ source }) => source)).size, transactions.length);
          assert.ok(size(transactions) <= maxTxSetSize);
          for (const tx of transactions) assert.ok(baseFee * BigInt(sizeOf(tx)) <= bidOf(tx));
          for (const out of all.filter((tx) => !transactions.includes(tx))) {
            const before = transactions.filter(
              (tx) => bidOf(tx) * BigInt(sizeOf(out)) >= bidOf(out) * BigInt(sizeOf(tx)),
            );
            assert.ok(
              size(before) + sizeOf(out) > maxTxSetSize,
              'it would have fitted behind those who bid as much',
            );
          }
        },
      ),
    );
  });
});

describe('the transaction sets of a recorded network', function () {
  this.timeout(20_000);
  it('are applied in this order, at this price', async () => {
    let [ordered, dear] = [0, 0];
    for await (const ledger of openCorpus(CORPUS).ledgers()) {
      const { txSetHash } = ledger as unknown as { txSetHash: string };
      const recorded = ledger.transactions.map(({ hash, envelopeXdr }) => ({ hash, envelopeXdr }));
      const shuffled = recorded.toReversed() as unknown as DecodedTransaction[];
      assert.deepEqual(orderOfApplication(shuffled, Buffer.from(txSetHash, 'hex')), recorded);
      if (recorded.length > 1) ordered += 1;

      const [component] = ledger.txSetComponents;
      if (!component || Number(component.baseFee) === ledger.baseFee) continue;
      const rates = ledger.transactions.map(({ envelopeXdr }) => {
        const transaction = decodeEnvelope(envelopeXdr, 'its hash does not matter');
        return bidOf(transaction) / BigInt(sizeOf(transaction));
      });
      assert.equal(BigInt(component.baseFee!), rates.sort((a, b) => (a < b ? -1 : 1))[0]);
      dear += 1;
    }
    assert.ok(ordered > 300 && dear > 5);
  });
});
