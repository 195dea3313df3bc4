import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Account, MuxedAccount, StrKey } from '@stellar/stellar-sdk/base';
import { envelope, market, PASSPHRASE, START, strictSend } from '../testing.ts';
import { type DecodedTransaction, decodeEnvelope } from './envelope.ts';
import { outerCode, type TransactionResult } from './result.ts';
import {
  BASE_RESERVE,
  type Body,
  createWorld,
  feeBumpOf,
  G,
  keyOf,
  LEDGER,
  type Options,
  pay,
  SEQUENCE,
  type Step,
  transactionOf,
  UNIT,
  type World,
  XLM,
} from './testing.ts';
import { validate } from './validate.ts';

/** Seconds that the next close may be ahead. */
const AHEAD = 2n;

const world = (): World => createWorld('alice', 'bob');
const one: Body = pay('bob', XLM, 1n);

/** What submission says to alice's transaction; undefined where it may be queued. */
const judged = (
  options: Options = {},
  steps: Step[] = [one],
  setting: World = world(),
): TransactionResult | undefined => validate(setting.state, transactionOf('alice', steps, options), AHEAD);

const code = (...parameters: Parameters<typeof judged>): string | undefined => judged(...parameters)?.code;

const operationCodes = (result: TransactionResult | undefined): string[] =>
  result?.operations.map(({ outcome }) => ('code' in outcome ? outcome.code : 'success')) ?? [];

/** Preconditions of CAP-0021 in SEP-51 JSON. */
const v2 = (change: Record<string, unknown>): Options => ({
  conditions: {
    v2: {
      time_bounds: null,
      ledger_bounds: null,
      min_seq_num: null,
      min_seq_age: '0',
      min_seq_ledger_gap: 0,
      extra_signers: [],
      ...change,
    },
  },
});

const time = (min_time: number, max_time: number): Options => ({
  conditions: { time: { min_time: String(min_time), max_time: String(max_time) } },
});

const withAccount = (change: Parameters<World['account']>[1]): World => {
  const setting = world();
  setting.account('alice', change);
  return setting;
};

describe('what may enter a ledger', () => {
  it('a transaction signed by its source for this network', () => assert.equal(code(), undefined));

  it('tx_malformed: two equal extra signers', () => {
    assert.equal(code(v2({ extra_signers: [G('bob'), G('bob')] })), 'tx_malformed');
  });

  it('tx_malformed: an extra signer over an empty payload, for it would sign anything', () => {
    const key = Buffer.concat([
      StrKey.decodeEd25519PublicKey(G('bob')),
      Buffer.from('00000004abcdabcd', 'hex'),
    ]);
    const patch = (hex: string): string => hex.replace('00000004abcdabcd', '00000000');
    const options = { ...v2({ extra_signers: [StrKey.encodeSignedPayload(key)] }), patch };
    assert.equal(code(options), 'tx_malformed');
  });

  it('tx_missing_operation: none, with the fee of one', () => {
    const result = judged({}, []);
    assert.deepEqual([result?.code, result?.feeCharged], ['tx_missing_operation', 100n]);
  });

  it('tx_too_early: a lower bound of time is judged by the last close', () => {
    assert.equal(code(time(START, 0)), undefined);
    assert.equal(code(time(START + 1, 0)), 'tx_too_early');
    assert.equal(code(v2({ time_bounds: { min_time: String(START + 1), max_time: '0' } })), 'tx_too_early');
  });

  it('tx_too_late: an upper bound of time holds for the close ahead', () => {
    assert.equal(code(time(0, START + Number(AHEAD))), undefined);
    assert.equal(code(time(0, START + Number(AHEAD) - 1)), 'tx_too_late');
  });

  it('tx_too_early: bounds of ledgers are those that it would be in, the upper one exclusive', () => {
    const next = LEDGER + 1;
    const bounds = (min_ledger: number, max_ledger: number): Options =>
      v2({ ledger_bounds: { min_ledger, max_ledger } });
    assert.equal(code(bounds(next, next + 1)), undefined);
    assert.equal(code(bounds(0, 0)), undefined);
    assert.equal(code(bounds(next + 1, 0)), 'tx_too_early');
    assert.equal(code(bounds(0, next)), 'tx_too_late');
  });

  it('tx_insufficient_fee: below the base fee an operation', () => {
    assert.equal(code({ fee: 199n }, [one, one]), 'tx_insufficient_fee');
    assert.equal(code({ fee: 200n }, [one, one]), undefined);
    assert.equal(judged({ fee: 1n }, [one, one])?.feeCharged, 200n);
  });

  it('tx_no_account: a source that is not there', () => {
    const result = validate(world().state, transactionOf('carol', [one]), AHEAD);
    assert.equal(result?.code, 'tx_no_account');
  });

  it('tx_bad_seq: exactly the next sequence number', () => {
    for (const sequence of [SEQUENCE, SEQUENCE + 2n]) assert.equal(code({ sequence }), 'tx_bad_seq');
  });

  it('tx_bad_seq: the first number of an account that the next ledger would make', () => {
    const sequence = BigInt(LEDGER + 1) << 32n;
    assert.equal(code({ sequence }, [one], withAccount({ sequence: sequence - 1n })), 'tx_bad_seq');
  });

  it('tx_bad_seq: with a least number any from there on, below its own, will do (CAP-0021)', () => {
    const from = (min: bigint, sequence: bigint) => code({ ...v2({ min_seq_num: String(min) }), sequence });
    assert.equal(from(SEQUENCE, SEQUENCE + 9n), undefined);
    assert.equal(from(0n, SEQUENCE + 9n), undefined);
    assert.equal(from(SEQUENCE + 1n, SEQUENCE + 9n), 'tx_bad_seq');
    assert.equal(from(0n, SEQUENCE), 'tx_bad_seq');
  });

  it('tx_bad_min_seq_age_or_gap: the number was used too short a time or too few ledgers ago', () => {
    const used = () =>
      withAccount({ extension: 3, sequenceLedger: LEDGER - 1, sequenceTime: BigInt(START - 60) });
    const of = (min_seq_age: number, min_seq_ledger_gap: number) =>
      code(v2({ min_seq_age: String(min_seq_age), min_seq_ledger_gap }), [one], used());
    assert.equal(of(60, 2), undefined);
    assert.equal(of(61, 0), 'tx_bad_min_seq_age_or_gap');
    assert.equal(of(0, 3), 'tx_bad_min_seq_age_or_gap');
    assert.equal(of(START + 1, 0), 'tx_bad_min_seq_age_or_gap');
  });

  it('@security tx_bad_auth: a signature of the source over the hash of this network', () => {
    assert.equal(code({ signers: [] }), 'tx_bad_auth');
    assert.equal(code({ signers: ['bob'] }), 'tx_bad_auth');
    const elsewhere = envelope([strictSend()], { passphrase: 'another network' });
    assert.equal(validate(market().state, decodeEnvelope(elsewhere, PASSPHRASE), AHEAD)?.code, 'tx_bad_auth');
  });

  it('tx_bad_auth: a master key without weight signs nothing, a signer of enough weight does', () => {
    const thresholds = { master: 0, low: 2, medium: 2, high: 2 };
    const of = (weight: number, signers: string[]) =>
      code(
        { signers },
        [one],
        withAccount({ thresholds, signers: [{ key: G('bob'), weight }], subentries: 1 }),
      );
    assert.equal(of(2, ['bob']), undefined);
    assert.equal(of(1, ['bob']), 'tx_bad_auth');
    assert.equal(of(2, ['alice']), 'tx_bad_auth');
  });

  it('@security tx_bad_auth_extra: a signature that nobody asked for, or the same twice', () => {
    for (const extra of ['carol', 'alice']) {
      assert.equal(code({ signers: ['alice', extra] }), 'tx_bad_auth_extra');
    }
  });

  it('tx_bad_auth: each extra signer has to sign, with whatever weight', () => {
    const options = v2({ extra_signers: [G('carol'), G('bob')] });
    assert.equal(code({ ...options, signers: ['alice', 'bob', 'carol'] }), undefined);
    assert.equal(code({ ...options, signers: ['alice', 'carol'] }), 'tx_bad_auth');
  });

  it('tx_insufficient_balance: the fee has to be above reserve and liabilities', () => {
    const of = (balance: bigint) => code({}, [one], withAccount({ balance }));
    assert.equal(of(2n * BASE_RESERVE + 100n), undefined);
    assert.equal(of(2n * BASE_RESERVE + 99n), 'tx_insufficient_balance');
  });

  it('tx_failed: op_bad_auth where an operation needs more weight than the transaction', () => {
    const thresholds = { master: 2, low: 1, medium: 2, high: 3 };
    const of = (body: Body) => operationCodes(judged({}, [body], withAccount({ thresholds })));
    assert.deepEqual(of({ bump_sequence: { bump_to: 0n } }), []);
    assert.deepEqual(of(one), []);
    assert.deepEqual(of({ account_merge: G('bob') }), ['op_bad_auth']);
  });

  it('op_bad_auth: the source of an operation has to sign, too; what follows was not looked at', () => {
    const step = { from: 'bob', body: pay('alice', XLM, 1n) };
    assert.deepEqual(operationCodes(judged({ signers: ['alice'] }, [one, step, step])), [
      'success',
      'op_bad_auth',
      'success',
    ]);
    assert.equal(code({}, [one, step]), undefined);
  });

  it('op_bad_auth: an account that is not there yet signs by its own key', () => {
    const step = { from: 'carol', body: pay('alice', XLM, 1n) };
    assert.equal(code({}, [step]), undefined);
    assert.deepEqual(operationCodes(judged({ signers: ['alice'] }, [step])), ['op_bad_auth']);
  });

  it('op_not_supported: inflation, since protocol 12', () => {
    assert.deepEqual(operationCodes(judged({}, [one, 'inflation'])), ['success', 'op_not_supported']);
  });

  it('finds a malformed operation before it is queued', () => {
    assert.deepEqual(operationCodes(judged({}, [one, pay('bob', XLM, 0n)])), ['success', 'malformed']);
  });

  it('a muxed source is its account', () => {
    const muxed = new MuxedAccount(new Account(G('alice'), '0'), '7').accountId();
    const account = Buffer.from(keyOf('alice').rawPublicKey()).toString('hex');
    const id = StrKey.decodeMed25519PublicKey(muxed);
    const asMuxed = `00000100${Buffer.from(id.subarray(32)).toString('hex')}${account}`;
    const patch = (hex: string): string => hex.replace(`00000000${account}`, asMuxed);
    const transaction = transactionOf('alice', [one], { patch });
    assert.deepEqual([transaction.source, transaction.sourceAddress], [G('alice'), muxed]);
    assert.equal(validate(world().state, transaction, AHEAD), undefined);
  });
});

describe('who may sign', () => {
  /** alice's master key is off; this signer alone may sign. */
  const withSigner = (key: string): World =>
    withAccount({
      thresholds: { master: 0, low: 1, medium: 1, high: 1 },
      signers: [{ key, weight: 1 }],
      subentries: 1,
    });
  const judge = (key: string, transaction: DecodedTransaction): string | undefined =>
    validate(withSigner(key).state, transaction, AHEAD)?.code;
  const unsigned = (): DecodedTransaction => transactionOf('alice', [one], { signers: [] });
  const signedBy = (hint: Uint8Array, signature: Uint8Array): DecodedTransaction => ({
    ...unsigned(),
    signatures: [{ hint, signature }],
  });

  it('the hash of the transaction itself, without a signature', () => {
    const { innerHash } = unsigned();
    const key = StrKey.encodePreAuthTx(Buffer.from(innerHash, 'hex'));
    assert.equal(judge(key, unsigned()), undefined);
    assert.equal(judge(StrKey.encodePreAuthTx(Buffer.alloc(32)), unsigned()), 'tx_bad_auth');
  });

  it('@security who shows what hashes to a key', () => {
    const secret = Buffer.from('secret');
    const digest = createHash('sha256').update(secret).digest();
    const key = StrKey.encodeSha256Hash(digest);
    assert.equal(judge(key, signedBy(digest.subarray(28), secret)), undefined);
    assert.equal(judge(key, signedBy(digest.subarray(28), Buffer.from('guess'))), 'tx_bad_auth');
    assert.equal(judge(key, signedBy(Buffer.alloc(4), secret)), 'tx_bad_auth');
  });

  it('@security who signs a payload (CAP-0040): the hint is the end of the key and of the payload, one XOR the other', () => {
    const payload = Buffer.from('0102030405', 'hex');
    const raw = Buffer.from(keyOf('carol').rawPublicKey());
    const length = Buffer.from('00000005', 'hex');
    const key = StrKey.encodeSignedPayload(Buffer.concat([raw, length, payload, Buffer.alloc(3)]));
    const hint = Buffer.from(raw.subarray(28).map((byte, index) => byte ^ payload[index + 1]!));
    const signature = keyOf('carol').sign(payload);
    assert.equal(judge(key, signedBy(hint, signature)), undefined);
    assert.equal(judge(key, signedBy(raw.subarray(28), signature)), 'tx_bad_auth');
    assert.equal(judge(key, signedBy(hint, keyOf('carol').sign(Buffer.from('other')))), 'tx_bad_auth');
  });

  it('@security nobody twice: one signature counts once', () => {
    const setting = withAccount({ thresholds: { master: 1, low: 2, medium: 2, high: 2 } });
    assert.equal(code({ signers: ['alice', 'alice'] }, [one], setting), 'tx_bad_auth');
  });
});

describe('a fee bump', () => {
  const inner = (options: Options = {}): DecodedTransaction =>
    transactionOf('alice', [one], { fee: 0n, ...options });
  const result = (bump: DecodedTransaction, setting: World = world()) => validate(setting.state, bump, AHEAD);

  it('may carry a transaction that bids nothing', () => {
    assert.equal(result(feeBumpOf('bob', inner(), 200n)), undefined);
  });

  it('tx_malformed: a bid below zero', () => {
    assert.deepEqual(result(feeBumpOf('bob', inner(), -1n))?.code, 'tx_malformed');
  });

  it('tx_insufficient_fee: pays for one operation more than it carries', () => {
    const { code, feeCharged } = result(feeBumpOf('bob', inner(), 199n))!;
    assert.deepEqual([code, feeCharged], ['tx_insufficient_fee', 200n]);
  });

  it('tx_insufficient_fee: bids at least the rate of what it carries; the answer tells how much', () => {
    const { code, feeCharged } = result(feeBumpOf('bob', inner({ fee: 150n }), 299n))!;
    assert.deepEqual([code, feeCharged], ['tx_insufficient_fee', 300n]);
    assert.equal(result(feeBumpOf('bob', inner({ fee: 150n }), 300n)), undefined);
  });

  it('tx_no_account: a payer that is not there', () => {
    assert.equal(result(feeBumpOf('carol', inner(), 200n))?.code, 'tx_no_account');
  });

  it('@security tx_bad_auth: the payer signs the outer hash, nobody else', () => {
    assert.equal(result(feeBumpOf('bob', inner(), 200n, []))?.code, 'tx_bad_auth');
    assert.equal(result(feeBumpOf('bob', inner(), 200n, ['alice']))?.code, 'tx_bad_auth');
    assert.equal(result(feeBumpOf('bob', inner(), 200n, ['bob', 'alice']))?.code, 'tx_bad_auth_extra');
  });

  it('tx_insufficient_balance: of the payer; the inner source needs none', () => {
    const poor = world();
    poor.account('bob', { balance: 2n * BASE_RESERVE + 199n });
    assert.equal(result(feeBumpOf('bob', inner(), 200n), poor)?.code, 'tx_insufficient_balance');
    const empty = withAccount({ balance: 2n * BASE_RESERVE + 1n });
    assert.equal(result(feeBumpOf('bob', inner(), 200n), empty), undefined);
  });

  it('tx_fee_bump_inner_failed: tells what stands against the inner transaction', () => {
    const bad = result(feeBumpOf('bob', inner({ sequence: 5n }), 200n))!;
    assert.deepEqual(
      [outerCode(bad), bad.code, bad.feeCharged],
      ['tx_fee_bump_inner_failed', 'tx_bad_seq', 200n],
    );
    assert.equal(bad.innerHash, inner({ sequence: 5n }).innerHash);
  });

  it('holds the inner transaction to its own signatures', () => {
    const bad = result(feeBumpOf('bob', inner({ signers: ['bob'] }), 200n))!;
    assert.deepEqual([outerCode(bad), bad.code], ['tx_fee_bump_inner_failed', 'tx_bad_auth']);
  });

  it('asks nobody for more than he has: the payer may be the source', () => {
    assert.equal(result(feeBumpOf('alice', inner(), UNIT)), undefined);
  });
});
