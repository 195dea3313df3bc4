import assert from 'node:assert/strict';
import { StrKey } from '@stellar/stellar-sdk/base';
import { START } from '../testing.ts';
import { applyTransaction, chargeFee } from './apply.ts';
import { applyLedger } from './close.ts';
import { AUTH_REVOCABLE } from './entries.ts';
import { outerCode, resultToXdr, type TransactionResult } from './result.ts';
import { UNCHANGED } from './set_options.ts';
import { assertSound, supply } from './soundness.ts';
import {
  type Body,
  createWorld,
  feeBumpOf,
  G,
  LEDGER,
  pay,
  SEQUENCE,
  transactionOf,
  UNIT,
  USD,
  type World,
  XLM,
} from './testing.ts';

const outcomes = (result: TransactionResult): string[] =>
  result.operations.map(({ outcome }) => ('code' in outcome ? outcome.code : 'success'));
const merge = (to: string): Body => ({ account_merge: G(to) });
const create = (to: string, amount: bigint): Body => ({
  create_account: { destination: G(to), starting_balance: amount },
});

/** Applies a ledger at the base fee. */
const close = (world: World, ...transactions: ReturnType<typeof transactionOf>[]) =>
  applyLedger(
    world.state,
    transactions.map((transaction) => ({ transaction, baseFee: 100n })),
    START + 5,
  ).map(({ result }) => result);

describe('applying a transaction', () => {
  it('tx_success: every operation succeeded; fee and sequence number are used', () => {
    const world = createWorld('alice', 'bob');
    const result = world.run('alice', [pay('bob', XLM, 1n), pay('bob', XLM, 2n)]);
    assert.deepEqual([result.code, result.feeCharged], ['tx_success', 200n]);
    assert.equal(world.balance('bob', XLM), 1000n * UNIT + 3n);
    assert.equal(world.accountOf('alice').sequence, SEQUENCE + 1n);
  });

  it('tx_failed: one failed, so that none did anything; each has a result', () => {
    const world = createWorld('alice', 'bob');
    const result = world.run('alice', [pay('bob', XLM, 1n), pay('carol', XLM, 1n), pay('bob', XLM, 1n)]);
    assert.deepEqual(
      [result.code, ...outcomes(result)],
      ['tx_failed', 'success', 'no_destination', 'success'],
    );
    assert.equal(world.balance('bob', XLM), 1000n * UNIT);
    assert.equal(world.balance('alice', XLM), 1000n * UNIT - 300n);
    assert.equal(world.accountOf('alice').sequence, SEQUENCE + 1n);
  });

  it('op_no_account: the source went away by an operation before', () => {
    const world = createWorld('alice', 'bob');
    const result = world.run('alice', [merge('bob'), pay('bob', XLM, 1n)]);
    assert.deepEqual(outcomes(result), ['success', 'op_no_account']);
    assert.equal(world.balance('alice', XLM), 1000n * UNIT - 200n);
  });

  it('lets an account that the transaction makes act in it', () => {
    const world = createWorld('alice', 'bob');
    const back = { from: 'carol', body: pay('bob', XLM, 1n) };
    assert.equal(world.run('alice', [create('carol', UNIT * 2n), back]).code, 'tx_success');
    assert.equal(world.balance('carol', XLM), 2n * UNIT - 1n);
  });

  it('merges an account away and makes it again, with the sequence number of the ledger', () => {
    const world = createWorld('alice', 'bob');
    const again = { from: 'bob', body: create('alice', UNIT) };
    assert.equal(world.run('alice', [merge('bob'), again]).code, 'tx_success');
    assert.equal(world.accountOf('alice').sequence, BigInt(LEDGER) << 32n);
  });

  it('counts signatures before the first operation: one may take the weight away that a later one needed', () => {
    const world = createWorld('alice', 'bob');
    const options = {
      set_options: {
        inflation_dest: null,
        clear_flags: null,
        set_flags: null,
        master_weight: 0,
        low_threshold: null,
        med_threshold: null,
        high_threshold: null,
        home_domain: null,
        signer: { key: G('bob'), weight: 1 },
      },
    };
    assert.equal(world.run('alice', [options, pay('bob', XLM, 1n)]).code, 'tx_success');
    assert.equal(world.run('alice', [pay('bob', XLM, 1n)]).code, 'tx_bad_auth');
  });

  it('finds a set of flags in force for the next operation', () => {
    const world = createWorld('bank', 'alice');
    world.line('alice', USD);
    const revoke = { allow_trust: { trustor: G('alice'), asset: 'USD', authorize: 0 } };
    const flags = {
      set_options: {
        ...UNCHANGED,
        set_flags: AUTH_REVOCABLE,
      },
    };
    world.ok('bank', flags, revoke);
    assert.equal(world.state.trustline(G('alice'), USD)!.flags, 0);
  });

  it('removes a pre-authorized hash that signed, though the transaction fails, with its reserve', () => {
    const world = createWorld('alice', 'bob');
    const transaction = transactionOf('alice', [pay('carol', XLM, 1n)], { signers: [] });
    const key = StrKey.encodePreAuthTx(Buffer.from(transaction.hash, 'hex'));
    world.account('alice', { signers: [{ key, weight: 1 }], subentries: 1 });
    const fee = chargeFee(world.state, transaction, 100n);
    const { result, changes } = applyTransaction(world.state, transaction, fee, {
      highestSequence: () => undefined,
    });
    assert.equal(result.code, 'tx_failed');
    assert.deepEqual([world.accountOf('alice').signers, world.accountOf('alice').subentries], [[], 0]);
    assert.equal(changes.before.length, 1);
    assertSound(world.state);
  });

  it('keeps the fee of one that has become invalid, and its sequence number where it was judged that far', () => {
    const world = createWorld('alice', 'bob');
    assert.equal(world.run('alice', [pay('bob', XLM, 1n)], { sequence: SEQUENCE + 5n }).code, 'tx_bad_seq');
    assert.equal(world.accountOf('alice').sequence, SEQUENCE);
    assert.equal(world.run('alice', [pay('bob', XLM, 1n)], { signers: ['bob'] }).code, 'tx_bad_auth');
    assert.deepEqual([world.accountOf('alice').sequence, world.state.header.feePool], [SEQUENCE + 1n, 200n]);
  });
});

describe('applying a fee bump', () => {
  const bump = (inner = transactionOf('alice', [pay('bob', XLM, 1n)], { fee: 0n })) =>
    feeBumpOf('bob', inner, 1000n);

  it('tx_fee_bump_inner_success: the payer pays for one operation more, and the inner result says nothing', () => {
    const world = createWorld('alice', 'bob');
    const [result] = close(world, bump());
    assert.equal(outerCode(result!), 'tx_fee_bump_inner_success');
    assert.equal(world.balance('bob', XLM), 1000n * UNIT + 1n - 200n);
    assert.equal(world.balance('alice', XLM), 1000n * UNIT - 1n);
    const json = resultToXdr(result!).toJson() as unknown as {
      fee_charged: string;
      result: { tx_fee_bump_inner_success: { result: { fee_charged: string } } };
    };
    assert.deepEqual(
      [json.fee_charged, json.result.tx_fee_bump_inner_success.result.fee_charged],
      ['200', '0'],
    );
  });

  it('tx_fee_bump_inner_failed: uses the sequence number of the inner source', () => {
    const world = createWorld('alice', 'bob');
    const [result] = close(world, bump(transactionOf('alice', [pay('carol', XLM, 1n)], { fee: 0n })));
    assert.deepEqual([outerCode(result!), result!.code], ['tx_fee_bump_inner_failed', 'tx_failed']);
    assert.equal(world.accountOf('alice').sequence, SEQUENCE + 1n);
  });
});

describe('applying a ledger', () => {
  it('charges all fees before the first transaction: what it would have paid with is not there', () => {
    const world = createWorld('alice', 'bob');
    const all = 1000n * UNIT - UNIT - 100n;
    const [first, second] = close(
      world,
      transactionOf('alice', [pay('bob', XLM, all)]),
      transactionOf('alice', [pay('bob', XLM, 1n)], { sequence: SEQUENCE + 2n }),
    );
    assert.deepEqual(outcomes(first!), ['underfunded']);
    assert.equal(second!.code, 'tx_success');
  });

  it('charges what is bid at most, and no more than there is', () => {
    const world = createWorld('alice', 'bob');
    world.account('bob', { balance: 30n });
    const results = close(
      world,
      transactionOf('alice', [pay('alice', XLM, 1n)], { fee: 5000n }),
      transactionOf('bob', [pay('alice', XLM, 1n)]),
    );
    assert.deepEqual(
      results.map(({ code, feeCharged }) => [code, feeCharged]),
      [
        ['tx_success', 100n],
        ['tx_insufficient_balance', 30n],
      ],
    );
    assert.equal(supply(world.state, XLM), 1000n * UNIT + 30n);
  });

  it('charges what each bids where its part of the set has no base fee', () => {
    const world = createWorld('alice');
    const transaction = transactionOf('alice', [pay('alice', XLM, 1n)], { fee: 5000n });
    const [applied] = applyLedger(world.state, [{ transaction, baseFee: undefined }], START + 5);
    assert.deepEqual([applied!.result.feeCharged, world.state.header.feePool], [5000n, 5000n]);
  });

  it('tells merging what sequence numbers of the account the ledger uses: it must not use one twice', () => {
    const far = (BigInt(LEDGER + 1) << 32n) + 7n;
    const world = createWorld('alice', 'bob');
    const jump = {
      conditions: {
        v2: {
          time_bounds: null,
          ledger_bounds: null,
          min_seq_num: '0',
          min_seq_age: '0',
          min_seq_ledger_gap: 0,
          extra_signers: [],
        },
      },
    };
    const [merged, after] = close(
      world,
      transactionOf('alice', [merge('bob')]),
      transactionOf('alice', [pay('bob', XLM, 1n)], { ...jump, sequence: far }),
    );
    assert.deepEqual(outcomes(merged!), ['seqnum_too_far']);
    assert.equal(after!.code, 'tx_success');
  });

  it('refuses a transaction whose source an earlier one merged away; its fee is gone', () => {
    const world = createWorld('alice', 'bob');
    const [, second] = close(
      world,
      transactionOf('alice', [merge('bob')]),
      transactionOf('alice', [pay('bob', XLM, 1n)], { sequence: SEQUENCE + 2n }),
    );
    assert.equal(second!.code, 'tx_no_account');
    assert.equal(world.balance('bob', XLM), 2000n * UNIT - 200n);
  });

  it('notes in each entry the ledger that wrote it', () => {
    const world = createWorld('alice', 'bob');
    close(world, transactionOf('alice', [pay('bob', XLM, 1n)]));
    assert.deepEqual(
      [world.state.header.sequence, world.accountOf('bob').modified],
      [LEDGER + 1, LEDGER + 1],
    );
  });
});
