import assert from 'node:assert/strict';
import { Asset, Memo, Operation, SorobanDataBuilder, StrKey, xdr } from '@stellar/stellar-sdk';
import { decodeEnvelope, networkId } from '../../sidecar/envelope.ts';
import { MAX_ENVELOPE_CHARACTERS } from '../../sidecar/protocol.ts';
import { PASSPHRASE } from './signer.ts';
import { buildTransaction, ISSUER, STRANGER, sendSwap, USDC } from './transactions.ts';

const ACCOUNT = STRANGER.publicKey();
const NETWORK = networkId(PASSPHRASE);
const decode = (base64: string) => decodeEnvelope(base64, NETWORK);
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

describe('envelope decoding @security', () => {
  it('reads what the policy judges, and computes the hash itself', () => {
    const operations = [
      sendSwap(ACCOUNT, { path: [new Asset('LONGCODE', ISSUER)], source: ACCOUNT }),
      Operation.pathPaymentStrictReceive({
        sendAsset: USDC,
        sendMax: '2.5',
        destination: ISSUER,
        destAsset: Asset.native(),
        destAmount: '0.0000001',
        path: [],
      }),
      Operation.bumpSequence({ bumpTo: '77' }),
    ];
    const built = buildTransaction({
      account: ACCOUNT,
      operations: operations as ReturnType<typeof sendSwap>[],
      edit: (builder) => builder.addMemo(Memo.text('hi')),
    });
    const { transaction, hash, signatures } = decode(built.toXDR());
    assert.equal(hash.toString('hex'), Buffer.from(built.hash()).toString('hex'));
    assert.deepEqual(signatures, []);
    assert.deepEqual(transaction, {
      source: ACCOUNT,
      sequence: 101n,
      fee: 300n,
      timeBounds: { minTime: 0n, maxTime: BigInt(built.timeBounds!.maxTime) },
      otherPreconditions: [],
      memo: { kind: 'text', bytes: Buffer.from('hi') },
      hasSorobanData: false,
      operations: [
        {
          type: 'pathPaymentStrictSend',
          source: ACCOUNT,
          destination: ACCOUNT,
          sendAsset: 'XLM',
          sendMax: 100_000_000n,
          destAsset: `USDC:${ISSUER}`,
          destMin: 10_000_000n,
          path: [`LONGCODE:${ISSUER}`],
        },
        {
          type: 'pathPaymentStrictReceive',
          source: undefined,
          destination: ISSUER,
          sendAsset: `USDC:${ISSUER}`,
          sendMax: 25_000_000n,
          destAsset: 'XLM',
          destMin: 1n,
          path: [],
        },
        { type: 'bumpSequence', source: undefined },
      ],
    });
  });

  it('gives the same envelope with exactly one signature back', () => {
    const built = buildTransaction({ account: ACCOUNT });
    const unsigned = decode(built.toXDR());
    built.sign(STRANGER);
    const signed = decode(built.toXDR());
    const { signature } = signed.signatures[0]!;
    const key = Buffer.from(StrKey.decodeEd25519PublicKey(ACCOUNT));
    assert.equal(unsigned.withSignature(key, signature), built.toXDR());
    assert.equal(signed.withSignature(key, signature), built.toXDR());
  });

  it('names every precondition but time bounds', () => {
    const built = buildTransaction({
      account: ACCOUNT,
      edit: (builder) =>
        builder
          .setLedgerbounds(1, 2)
          .setMinAccountSequence('1')
          .setMinAccountSequenceAge(1n)
          .setMinAccountSequenceLedgerGap(1)
          .setExtraSigners([ISSUER]),
    });
    assert.deepEqual(decode(built.toXDR()).transaction.otherPreconditions, [
      'ledgerBounds',
      'minSeqNum',
      'minSeqAge',
      'minSeqLedgerGap',
      'extraSigners',
    ]);
  });

  it('keeps muxed addresses apart from their account', () => {
    const muxed = StrKey.encodeMed25519PublicKey(
      Buffer.concat([StrKey.decodeEd25519PublicKey(ACCOUNT), Buffer.alloc(8, 1)]),
    );
    const { transaction } = decode(
      buildTransaction({ account: ACCOUNT, operations: [sendSwap(muxed)] }).toXDR(),
    );
    assert.equal(transaction.operations[0]!.type, 'pathPaymentStrictSend');
    assert.equal((transaction.operations[0] as { destination: string }).destination, muxed);
  });

  const good = Buffer.from(buildTransaction({ account: ACCOUNT }).toXDR(), 'base64');
  /** An envelope whose base64 needs padding. */
  const padded = ['', 'memo1', 'memo56789']
    .map((text) =>
      buildTransaction({
        account: ACCOUNT,
        edit: (builder) => void (text !== '' && builder.addMemo(Memo.text(text))),
      }).toXDR(),
    )
    .find((text) => text.endsWith('A=') || text.endsWith('A=='))!;
  const malformed: [string, string][] = [
    ['nothing', ''],
    ['text', 'hello world!'],
    ['a byte after the end', base64(Buffer.concat([good, Buffer.alloc(1)]))],
    ['a second envelope after the first', base64(Buffer.concat([good, good]))],
    ['a missing byte', base64(good.subarray(0, -1))],
    ['base64 of the other alphabet', base64(good).replace('A', '-')],
    ['base64 with a line end', `${base64(good)}\n`],
    ['base64 without padding', padded.replace(/=+$/, '')],
    ['base64 with stray bits', padded.replace(/A(=+)$/, 'B$1')],
    ['too many characters', 'A'.repeat(MAX_ENVELOPE_CHARACTERS + 4)],
  ];
  for (const [what, text] of malformed)
    it(`refuses ${what}`, () => {
      assert.ok(decode(padded));
      assert.throws(() => decode(text), { code: 'malformed-envelope' });
    });

  it('says of a long text that it is too long', () => {
    assert.throws(() => decode('A'.repeat(MAX_ENVELOPE_CHARACTERS + 4)), /longer than 32,768 characters/);
  });

  it('refuses bytes that the decoder reads but would write otherwise', () => {
    // The SDK's decoder knows no such bytes today: here is one that takes everything for the good envelope.
    const lax = xdr.TransactionEnvelope as { fromXdr?: unknown };
    const read = xdr.TransactionEnvelope.fromXdr(good);
    lax.fromXdr = () => read;
    try {
      assert.ok(decode(base64(good)));
      assert.throws(() => decode(base64(Buffer.concat([good, Buffer.alloc(3)]))), /not the canonical XDR/);
    } finally {
      delete lax.fromXdr;
    }
  });

  it('refuses an asset code in the wrong width or with foreign bytes', () => {
    const usdc4 = Buffer.from('USDC');
    const at = good.indexOf(usdc4);
    for (const code of ['US\0C', 'US C', '\0\0\0\0', 'US\xffC'])
      assert.throws(
        () =>
          decode(
            base64(Buffer.concat([good.subarray(0, at), Buffer.from(code, 'latin1'), good.subarray(at + 4)])),
          ),
        {
          code: 'malformed-envelope',
        },
      );
    // The type goes from alphanum4 to alphanum12, the code is filled up with zeros.
    const wide = Buffer.concat([
      good.subarray(0, at - 1),
      Buffer.from([2]),
      usdc4,
      Buffer.alloc(8),
      good.subarray(at + 4),
    ]);
    assert.equal(xdr.TransactionEnvelope.fromXdr(wide).toXdr().length, wide.length);
    assert.throws(() => decode(base64(wide)), { code: 'malformed-envelope' });
  });

  it('sees Soroban data', () => {
    const built = buildTransaction({
      account: ACCOUNT,
      edit: (builder) => builder.setSorobanData(new SorobanDataBuilder().build()),
    });
    assert.equal(decode(built.toXDR()).transaction.hasSorobanData, true);
  });

  it('refuses a sequence number below 1, which no ledger takes and no journal can hold', () => {
    const at = 4 + 36 + 4;
    const withSequence = (sequence: bigint): string => {
      const changed = Buffer.from(good);
      changed.writeBigInt64BE(sequence, at);
      return base64(changed);
    };
    for (const sequence of [0n, -1n, -(2n ** 63n)])
      assert.throws(() => decode(withSequence(sequence)), {
        code: 'malformed-envelope',
        message: /sequence/,
      });
    for (const sequence of [1n, 2n ** 63n - 1n])
      assert.equal(decode(withSequence(sequence)).transaction.sequence, sequence);
  });

  it('refuses what is nested without end, and keeps little of why', () => {
    const words = (...values: number[]) =>
      Buffer.concat(values.map((value) => Buffer.from([0, 0, 0, value])));
    const bare = buildTransaction({
      account: ACCOUNT,
      operations: [Operation.bumpSequence({ bumpTo: '1' }) as unknown as ReturnType<typeof sendSwap>],
    });
    const bytes = Buffer.from(bare.toXDR(), 'base64');
    const vector = words(16, 1, 1);
    const nested = Buffer.concat([
      // Up to the operation, which ends with source, type and int64 before the transaction's ext and signatures.
      bytes.subarray(0, -24),
      words(0, 24, 0, 1),
      Buffer.alloc(32),
      words(1),
      Buffer.from('f\0\0\0'),
      words(1),
      ...Array.from({ length: 1_500 }, () => vector),
      words(1, 0, 0, 0),
    ]);
    assert.throws(
      () => decode(nested.toString('base64')),
      (error: { code: string; cause: string }) => {
        assert.equal(error.code, 'malformed-envelope');
        assert.match(error.cause, /depth/);
        return error.cause.length <= 300;
      },
    );
  });

  it('refuses v0 envelopes by name', () => {
    // A v0 envelope is a v1 without the key type of its source: 0 for the envelope type, then the key.
    const v0 = Buffer.concat([Buffer.alloc(4), good.subarray(8)]);
    assert.throws(() => decode(base64(v0)), { code: 'envelope-type-not-allowed', message: /v0/ });
  });
});
