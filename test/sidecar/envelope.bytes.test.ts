import assert from 'node:assert/strict';
import {
  Asset,
  encodeMuxedAccount,
  encodeMuxedAccountToAddress,
  LiquidityPoolAsset,
  Memo,
  Operation,
  StrKey,
  type Transaction,
  TransactionBuilder,
  xdr,
} from '@stellar/stellar-sdk';
import fc from 'fast-check';
import { decodeEnvelope, networkId } from '../../sidecar/envelope.ts';
import { PASSPHRASE } from './signer.ts';
import { buildTransaction, EURC, ISSUER, STRANGER, sendSwap, USDC } from './transactions.ts';

const ACCOUNT = STRANGER.publicKey();
const NETWORK = networkId(PASSPHRASE);
const decode = (base64: string) => decodeEnvelope(base64, NETWORK);
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

describe('envelope decoding: every operation, bumps, any bytes @security', () => {
  const good = Buffer.from(buildTransaction({ account: ACCOUNT }).toXDR(), 'base64');

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
