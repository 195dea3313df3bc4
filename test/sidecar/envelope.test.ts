import assert from 'node:assert/strict';
import {
  Asset,
  encodeMuxedAccount,
  encodeMuxedAccountToAddress,
  LiquidityPoolAsset,
  Memo,
  Operation,
  SorobanDataBuilder,
  StrKey,
  type Transaction,
  TransactionBuilder,
  xdr,
} from '@stellar/stellar-sdk';
import fc from 'fast-check';
import { decodeEnvelope, networkId } from '../../sidecar/envelope.ts';
import { MAX_ENVELOPE_CHARACTERS } from '../../sidecar/protocol.ts';
import { PASSPHRASE } from './signer.ts';
import { buildTransaction, EURC, ISSUER, STRANGER, sendSwap, USDC } from './transactions.ts';

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

  it('refuses v0 envelopes by name', () => {
    // A v0 envelope is a v1 without the key type of its source: 0 for the envelope type, then the key.
    const v0 = Buffer.concat([Buffer.alloc(4), good.subarray(8)]);
    assert.throws(() => decode(base64(v0)), { code: 'envelope-type-not-allowed', message: /v0/ });
  });

  /** The good transaction, signed, and a bump of it. */
  const bumped = () => {
    const inner = TransactionBuilder.fromXDR(base64(good), PASSPHRASE) as Transaction;
    inner.sign(STRANGER);
    const bump = TransactionBuilder.buildFeeBumpTransaction(STRANGER, '500', inner, PASSPHRASE);
    return { inner, bump };
  };

  it('reads a fee bump: the transaction inside, who pays what, both hashes, the signatures of each', () => {
    const { inner, bump } = bumped();
    const unsigned = decode(bump.toXDR());
    assert.deepEqual(unsigned.transaction, decode(base64(good)).transaction);
    assert.deepEqual(unsigned.feeBump, {
      source: ACCOUNT,
      fee: 1000n,
      innerHash: Buffer.from(inner.hash()).toString('hex'),
    });
    assert.equal(unsigned.hash.toString('hex'), Buffer.from(bump.hash()).toString('hex'));
    assert.notDeepEqual(unsigned.hash, decode(base64(good)).hash);
    assert.deepEqual(unsigned.signatures, []);
    const signatures = ({ signatures: list }: { signatures: xdr.DecoratedSignature[] }) =>
      list.map(({ signature }) => Buffer.from(signature.toBytes()).toString('hex'));
    assert.deepEqual(
      unsigned.innerSignatures.map(({ signature }) => signature.toString('hex')),
      signatures(inner),
    );
    bump.sign(STRANGER);
    const signed = decode(bump.toXDR());
    assert.deepEqual(
      signed.signatures.map(({ signature }) => signature.toString('hex')),
      signatures(bump),
    );
    const key = Buffer.from(StrKey.decodeEd25519PublicKey(ACCOUNT));
    assert.equal(unsigned.withSignature(key, signed.signatures[0]!.signature), bump.toXDR());
    assert.deepEqual(decode(base64(good)).innerSignatures, []);
  });

  it('keeps a muxed payer of a bump apart from its account, and refuses a negative fee', () => {
    const { inner } = bumped();
    const muxed = encodeMuxedAccountToAddress(encodeMuxedAccount(ACCOUNT, '9'));
    const build = (feeSource: string, fee: string) =>
      TransactionBuilder.buildFeeBumpTransaction(feeSource, fee, inner, PASSPHRASE).toXDR();
    assert.equal(decode(build(muxed, '500')).feeBump!.source, muxed);
    const bytes = Buffer.from(build(ACCOUNT, '500'), 'base64');
    bytes.writeBigInt64BE(-1n, 4 + 36);
    assert.throws(() => decode(base64(bytes)), { code: 'malformed-envelope', message: /fee/ });
    bytes.writeBigInt64BE(2n ** 63n - 1n, 4 + 36);
    assert.equal(decode(base64(bytes)).feeBump!.fee, 2n ** 63n - 1n);
  });

  /** One of each operation that a policy looks into. */
  const ALL = [
    Operation.payment({ destination: ISSUER, asset: USDC, amount: '1.5' }),
    Operation.manageSellOffer({
      selling: Asset.native(),
      buying: USDC,
      amount: '10',
      price: { n: 1, d: 10 },
      offerId: '5',
    }),
    Operation.manageBuyOffer({
      selling: USDC,
      buying: Asset.native(),
      buyAmount: '7',
      price: { n: 3, d: 20 },
      offerId: '9223372036854775807',
    }),
    Operation.changeTrust({ asset: EURC, limit: '12' }),
    Operation.changeTrust({ asset: new LiquidityPoolAsset(Asset.native(), USDC, 30), limit: '0' }),
    Operation.liquidityPoolDeposit({
      liquidityPoolId: 'ab'.repeat(32),
      maxAmountA: '1',
      maxAmountB: '2',
      minPrice: { n: 9, d: 1 },
      maxPrice: { n: 11, d: 1 },
    }),
    Operation.liquidityPoolWithdraw({
      liquidityPoolId: 'cd'.repeat(32),
      amount: '3',
      minAmountA: '4',
      minAmountB: '5',
      source: ACCOUNT,
    }),
  ] as ReturnType<typeof sendSwap>[];

  it('reads every operation that a policy looks into', () => {
    const source = undefined;
    assert.deepEqual(
      decode(buildTransaction({ account: ACCOUNT, operations: ALL }).toXDR()).transaction.operations,
      [
        {
          type: 'payment',
          source,
          destination: ISSUER,
          asset: `USDC:${ISSUER}`,
          amount: 15_000_000n,
        },
        {
          type: 'manageSellOffer',
          source,
          selling: 'XLM',
          buying: `USDC:${ISSUER}`,
          amount: 100_000_000n,
          price: { n: 1n, d: 10n },
          offerId: 5n,
        },
        {
          type: 'manageBuyOffer',
          source,
          selling: `USDC:${ISSUER}`,
          buying: 'XLM',
          amount: 70_000_000n,
          price: { n: 3n, d: 20n },
          offerId: 2n ** 63n - 1n,
        },
        { type: 'changeTrust', source, line: { asset: `EURC:${ISSUER}` }, limit: 120_000_000n },
        { type: 'changeTrust', source, line: { pool: ['XLM', `USDC:${ISSUER}`] }, limit: 0n },
        {
          type: 'liquidityPoolDeposit',
          source,
          poolId: 'ab'.repeat(32),
          maxAmountA: 10_000_000n,
          maxAmountB: 20_000_000n,
          minPrice: { n: 9n, d: 1n },
          maxPrice: { n: 11n, d: 1n },
        },
        {
          type: 'liquidityPoolWithdraw',
          source: ACCOUNT,
          poolId: 'cd'.repeat(32),
          amount: 30_000_000n,
          minAmountA: 40_000_000n,
          minAmountB: 50_000_000n,
        },
      ],
    );
  });

  it('refuses shares of a pool with another fee', () => {
    const bytes = Buffer.from(
      buildTransaction({ account: ACCOUNT, operations: [ALL[4]!] }).toXDR(),
      'base64',
    );
    // fee, limit, the end of the transaction, no signatures
    const at = bytes.length - 4 - 4 - 8 - 4;
    assert.equal(bytes.readInt32BE(at), 30);
    bytes.writeInt32BE(31, at);
    assert.throws(() => decode(base64(bytes)), { code: 'malformed-envelope', message: /fee/ });
  });

  /** Everything that can be signed, and a bump of it. */
  const everything = (): Buffer[] => {
    const inner = buildTransaction({
      account: ACCOUNT,
      operations: [sendSwap(ACCOUNT), ...ALL],
      edit: (builder) => builder.addMemo(Memo.text('memo')).setMinAccountSequence('1'),
    });
    inner.sign(STRANGER);
    const bump = TransactionBuilder.buildFeeBumpTransaction(STRANGER, '500', inner, PASSPHRASE);
    bump.sign(STRANGER);
    return [inner, bump].map((built) => Buffer.from(built.toXDR(), 'base64'));
  };

  it('never reads two texts as one: what decodes is its own canonical form, with a hash of its own', () => {
    const originals = everything();
    const mutation = fc.oneof(
      fc.record({ kind: fc.constant('byte' as const), at: fc.nat(), value: fc.nat({ max: 255 }) }),
      fc.record({
        kind: fc.constant('word' as const),
        at: fc.nat(),
        value: fc.constantFrom(0, 1, 2, 3, 5, -1, 2 ** 31 - 1),
      }),
      fc.record({ kind: fc.constant('cut' as const), at: fc.nat(), value: fc.nat({ max: 12 }) }),
      fc.record({ kind: fc.constant('insert' as const), at: fc.nat(), value: fc.nat({ max: 12 }) }),
    );
    const apply = (
      bytes: Buffer,
      { kind, at, value }: { kind: string; at: number; value: number },
    ): Buffer => {
      const place = at % bytes.length;
      if (kind === 'cut') return Buffer.concat([bytes.subarray(0, place), bytes.subarray(place + value)]);
      if (kind === 'insert')
        return Buffer.concat([bytes.subarray(0, place), Buffer.alloc(value), bytes.subarray(place)]);
      const changed = Buffer.from(bytes);
      if (kind === 'byte') changed[place] = value;
      else changed.writeInt32BE(value, Math.min(place & ~3, bytes.length - 4));
      return changed;
    };
    let read = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(0, 1),
        fc.array(mutation, { minLength: 1, maxLength: 3 }),
        (which, mutations) => {
          const original = originals[which]!;
          const changed = mutations.reduce(apply, original);
          let decoded: ReturnType<typeof decode>;
          try {
            decoded = decode(base64(changed));
          } catch (error) {
            assert.match(
              (error as { code: string }).code,
              /^(malformed-envelope|envelope-type-not-allowed)$/,
            );
            return;
          }
          read++;
          assert.ok(Buffer.from(xdr.TransactionEnvelope.fromXdr(changed).toXdr()).equals(changed));
          const same = decode(base64(original));
          const payload = (bytes: Buffer) => bytes.subarray(0, signedLength(bytes)).toString('hex');
          assert.equal(decoded.hash.equals(same.hash), payload(changed) === payload(original));
          // What is given back is what was judged: the same bytes up to the signatures.
          const [key, signature] = [Buffer.alloc(32), Buffer.alloc(64)];
          const back = Buffer.from(decoded.withSignature(key, signature), 'base64');
          assert.equal(payload(back), payload(changed));
        },
      ),
      { numRuns: 1_500 },
    );
    assert.ok(read > 100, `only ${read} were read`);
  });

  /** Envelope type and transaction, without the signatures after it. */
  function signedLength(bytes: Buffer): number {
    const envelope = xdr.TransactionEnvelope.fromXdr(bytes) as xdr.TransactionEnvelope;
    if (envelope.type === 'envelopeTypeTxV0') throw new Error('v0');
    const { tx } = envelope.type === 'envelopeTypeTx' ? envelope.v1 : envelope.feeBump;
    return 4 + tx.toXdr().length;
  }

  it('takes whatever bytes without another error than its own', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(0, 2, 5), (bytes, type) => {
        assert.throws(() => decode(base64(Buffer.concat([Buffer.from([0, 0, 0, type]), bytes]))), {
          name: 'CodedError',
        });
      }),
      { numRuns: 300 },
    );
  });

  it('takes whatever text without another error than its own', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (text) => {
        assert.throws(() => decode(text), { name: 'CodedError', code: 'malformed-envelope' });
      }),
      { numRuns: 200 },
    );
  });
});
