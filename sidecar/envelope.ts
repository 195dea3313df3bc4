import { createHash } from 'node:crypto';
import { encodeMuxedAccountToAddress, StrKey, xdr } from '@stellar/stellar-sdk/base';
import { signerError } from './errors.ts';
import { MAX_ENVELOPE_CHARACTERS } from './protocol.ts';
import type {
  AssetId,
  FeeBump,
  Operation,
  PathPayment,
  Transaction,
  TransactionMemo,
} from './transaction.ts';

export interface DecodedEnvelope {
  /** Of a fee bump the inner one. */
  transaction: Transaction;
  feeBump: FeeBump | undefined;
  /** SHA-256 of the signature payload, the one thing that is ever signed for a client. */
  hash: Buffer;
  /** Signatures that the envelope already carries over `hash`. */
  signatures: { hint: Buffer; signature: Buffer }[];
  /** The transaction with exactly this one signature, base64. */
  withSignature(publicKey: Buffer, signature: Buffer): string;
}

const ENVELOPE_TYPE_TX = Buffer.from([0, 0, 0, 2]);

/** SHA-256 of the passphrase: what ties a signature to one network. */
export const networkId = (passphrase: string): Buffer => createHash('sha256').update(passphrase).digest();

/**
 * Reads a v1 transaction envelope. Its bytes must be the canonical encoding of what was understood, so that nothing is
 * signed that was not judged. The hash is `SHA-256(network id ‖ ENVELOPE_TYPE_TX ‖ transaction)` over the received
 * bytes (TransactionSignaturePayload of Stellar-transaction.x).
 * @throws SignerError `malformed-envelope`, `envelope-type-not-allowed`
 */
export function decodeEnvelope(base64: string, network: Buffer): DecodedEnvelope {
  if (base64.length > MAX_ENVELOPE_CHARACTERS) throw malformed('longer than 32,768 characters');
  const bytes = Buffer.from(base64, 'base64');
  // Node skips what is no base64; nothing was skipped when the way back gives the same text.
  if (bytes.toString('base64') !== base64) throw malformed('not canonical base64 with padding');
  const envelope = parse(bytes);
  if (!bytes.equals(envelope.toXdr()))
    throw malformed('the bytes are not the canonical XDR of what they say');
  if (envelope.type === 'envelopeTypeTxV0')
    throw signerError('envelope-type-not-allowed', 'v0 transactions are not signed', {
      field: 'envelopeXdr',
    });
  if (envelope.type === 'envelopeTypeTxFeeBump')
    throw signerError('envelope-type-not-allowed', 'fee bumps are not signed', { field: 'envelopeXdr' });
  const { tx, signatures } = envelope.v1;
  const transactionBytes = bytes.subarray(4, 4 + tx.toXdr().length);
  return {
    transaction: readTransaction(tx),
    feeBump: undefined,
    hash: createHash('sha256').update(network).update(ENVELOPE_TYPE_TX).update(transactionBytes).digest(),
    signatures: signatures.map(({ hint, signature }) => ({
      hint: Buffer.from(hint.toBytes()),
      signature: Buffer.from(signature.toBytes()),
    })),
    withSignature: (publicKey, signature) =>
      Buffer.concat([
        ENVELOPE_TYPE_TX,
        transactionBytes,
        uint32(1),
        publicKey.subarray(-4),
        uint32(signature.length),
        signature,
      ]).toString('base64'),
  };
}

const malformed = (detail: string, cause?: unknown): Error =>
  signerError('malformed-envelope', detail, { field: 'envelopeXdr', cause });

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function parse(bytes: Buffer): xdr.TransactionEnvelope {
  try {
    return xdr.TransactionEnvelope.fromXdr(bytes) as xdr.TransactionEnvelope;
  } catch (cause) {
    throw malformed('not a TransactionEnvelope', cause);
  }
}

function readTransaction(tx: xdr.Transaction): Transaction {
  // Core refuses it too; here it would be a line that no journal can hold.
  if (tx.seqNum < 1n) throw malformed('a sequence number is at least 1');
  const { timeBounds, others } = readPreconditions(tx.cond);
  return {
    source: encodeMuxedAccountToAddress(tx.sourceAccount),
    sequence: tx.seqNum,
    fee: BigInt(tx.fee),
    timeBounds:
      timeBounds === null ? undefined : { minTime: timeBounds.minTime, maxTime: timeBounds.maxTime },
    otherPreconditions: others,
    memo: readMemo(tx.memo),
    operations: tx.operations.map(readOperation),
    hasSorobanData: tx.ext.type !== 'v0',
  };
}

function readPreconditions(cond: xdr.Preconditions): { timeBounds: xdr.TimeBounds | null; others: string[] } {
  if (cond.type === 'precondNone') return { timeBounds: null, others: [] };
  if (cond.type === 'precondTime') return { timeBounds: cond.timeBounds, others: [] };
  const { v2 } = cond;
  const others = [
    v2.ledgerBounds === null ? '' : 'ledgerBounds',
    v2.minSeqNum === null ? '' : 'minSeqNum',
    v2.minSeqAge === 0n ? '' : 'minSeqAge',
    v2.minSeqLedgerGap === 0 ? '' : 'minSeqLedgerGap',
    v2.extraSigners.length === 0 ? '' : 'extraSigners',
  ];
  return { timeBounds: v2.timeBounds, others: others.filter((name) => name !== '') };
}

function readMemo(memo: xdr.Memo): TransactionMemo {
  switch (memo.type) {
    case 'memoNone':
      return { kind: 'none' };
    case 'memoText':
      return { kind: 'text', bytes: Buffer.from(memo.text.bytes) };
    case 'memoId':
      return { kind: 'id' };
    case 'memoHash':
      return { kind: 'hash' };
    case 'memoReturn':
      return { kind: 'return' };
  }
}

function readOperation({ sourceAccount, body }: xdr.Operation): Operation {
  const source = sourceAccount === null ? undefined : encodeMuxedAccountToAddress(sourceAccount);
  if (body.type === 'pathPaymentStrictSend') {
    const op = body.pathPaymentStrictSendOp;
    return { ...readEnds(body.type, op), source, sendMax: op.sendAmount, destMin: op.destMin };
  }
  if (body.type === 'pathPaymentStrictReceive') {
    const op = body.pathPaymentStrictReceiveOp;
    return { ...readEnds(body.type, op), source, sendMax: op.sendMax, destMin: op.destAmount };
  }
  return { type: body.type, source } as Operation;
}

function readEnds<Type extends PathPayment['type']>(
  type: Type,
  op: xdr.PathPaymentStrictSendOp | xdr.PathPaymentStrictReceiveOp,
) {
  return {
    type,
    destination: encodeMuxedAccountToAddress(op.destination),
    sendAsset: readAsset(op.sendAsset),
    destAsset: readAsset(op.destAsset),
    path: op.path.map(readAsset),
  };
}

/** Exactly one encoding per asset: a code in the wrong width or with other bytes could pass for another asset. */
function readAsset(asset: xdr.Asset): AssetId {
  if (asset.type === 'assetTypeNative') return 'XLM';
  const [alphanum, pattern] =
    asset.type === 'assetTypeCreditAlphanum4'
      ? [asset.alphaNum4, /^[A-Za-z0-9]{1,4}\0*$/]
      : [asset.alphaNum12, /^[A-Za-z0-9]{5,12}\0*$/];
  const code = Buffer.from(alphanum.assetCode.toBytes()).toString('latin1');
  if (!pattern.test(code)) throw malformed('an asset code is not of the protocol');
  return `${code.replace(/\0+$/, '')}:${StrKey.encodeEd25519PublicKey(readIssuer(alphanum.issuer))}`;
}

const readIssuer = (issuer: xdr.PublicKey): Uint8Array => issuer.value.toBytes();
