import { createHash } from 'node:crypto';
import { encodeMuxedAccountToAddress, xdr } from '@stellar/stellar-sdk/base';
import { messageOf } from '../common/errors.ts';
import { malformed } from './envelope/malformed.ts';
import { readOperation } from './envelope/operations.ts';
import { signerError } from './errors.ts';
import { MAX_ENVELOPE_CHARACTERS } from './protocol.ts';
import type { FeeBump, Transaction, TransactionMemo } from './transaction.ts';

export interface DecoratedSignature {
  hint: Buffer;
  signature: Buffer;
}

export interface DecodedEnvelope {
  /** Of a fee bump the inner one. */
  transaction: Transaction;
  feeBump: FeeBump | undefined;
  /** SHA-256 of the signature payload, the one thing that is ever signed for a client. */
  hash: Buffer;
  /** Signatures that the envelope already carries over `hash`. */
  signatures: DecoratedSignature[];
  /** Of a fee bump: those of the inner transaction over `feeBump.innerHash`. They are part of what is signed. */
  innerSignatures: DecoratedSignature[];
  /** What was signed with exactly this one signature, base64; an inner transaction keeps its own. */
  withSignature(publicKey: Buffer, signature: Buffer): string;
}

/** Characters. */
const MAX_CAUSE = 300;
const ENVELOPE_TYPE_TX = Buffer.from([0, 0, 0, 2]);
const ENVELOPE_TYPE_TX_FEE_BUMP = Buffer.from([0, 0, 0, 5]);

/** SHA-256 of the passphrase: what ties a signature to one network. */
export const networkId = (passphrase: string): Buffer => createHash('sha256').update(passphrase).digest();

/**
 * Reads a v1 transaction envelope or a fee bump of one (CAP-15). Its bytes must be the canonical encoding of what was
 * understood, so that nothing is signed that was not judged. The hash is `SHA-256(network id ‖ envelope type ‖
 * transaction)` over the received bytes (TransactionSignaturePayload of Stellar-transaction.x).
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
  if (envelope.type === 'envelopeTypeTxFeeBump') return readFeeBump(envelope.feeBump, bytes, network);
  const { tx, signatures } = envelope.v1;
  return {
    transaction: readTransaction(tx),
    feeBump: undefined,
    innerSignatures: [],
    ...readPayload(ENVELOPE_TYPE_TX, bytes, signatures, network),
  };
}

function readFeeBump(
  { tx, signatures }: xdr.FeeBumpTransactionEnvelope,
  bytes: Buffer,
  network: Buffer,
): DecodedEnvelope {
  // Core refuses it too; here it would be a line that no journal can hold.
  if (tx.fee < 0n) throw malformed('a fee is at least 0');
  const { v1 } = tx.innerTx;
  // Canonical by the comparison of the whole envelope, so these are the bytes that came.
  const innerHash = hashOf(ENVELOPE_TYPE_TX, Buffer.from(v1.tx.toXdr()), network);
  return {
    transaction: readTransaction(v1.tx),
    feeBump: {
      source: encodeMuxedAccountToAddress(tx.feeSource),
      fee: tx.fee,
      innerHash: innerHash.toString('hex'),
    },
    innerSignatures: v1.signatures.map(readSignature),
    ...readPayload(ENVELOPE_TYPE_TX_FEE_BUMP, bytes, signatures, network),
  };
}

/** What of the result hangs on the signed bytes alone, whichever type of envelope they are of: all between type and signatures. */
function readPayload(
  type: Buffer,
  envelope: Buffer,
  signatures: readonly xdr.DecoratedSignature[],
  network: Buffer,
): Pick<DecodedEnvelope, 'hash' | 'signatures' | 'withSignature'> {
  const read = signatures.map(readSignature);
  // The envelope is canonical, so its end is known: a count, and of each signature hint, length and padded bytes.
  const end = read.reduce((sum, { signature }) => sum + 8 + Math.ceil(signature.length / 4) * 4, 4);
  const payload = envelope.subarray(4, envelope.length - end);
  return {
    hash: hashOf(type, payload, network),
    signatures: read,
    withSignature: (publicKey, signature) =>
      Buffer.concat([
        type,
        payload,
        uint32(1),
        publicKey.subarray(-4),
        uint32(signature.length),
        signature,
      ]).toString('base64'),
  };
}

const hashOf = (type: Buffer, payload: Buffer, network: Buffer): Buffer =>
  createHash('sha256').update(network).update(type).update(payload).digest();

const readSignature = ({ hint, signature }: xdr.DecoratedSignature): DecoratedSignature => ({
  hint: Buffer.from(hint.toBytes()),
  signature: Buffer.from(signature.toBytes()),
});

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function parse(bytes: Buffer): xdr.TransactionEnvelope {
  try {
    return xdr.TransactionEnvelope.fromXdr(bytes) as xdr.TransactionEnvelope;
  } catch (cause) {
    // The library's path to what is wrong is as long as the envelope is deep: a log needs only its end.
    throw malformed('not a TransactionEnvelope', messageOf(cause).slice(-MAX_CAUSE));
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
