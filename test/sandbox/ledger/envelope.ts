import { createHash } from 'node:crypto';
import { xdr } from '@stellar/stellar-sdk/base';
import { accountOf } from './address.ts';
import { MalformedEnvelope, Refused } from './errors.ts';
import { isServed, type OperationName } from './operations.ts';

export interface Operation {
  /** The account that it acts for, where it names one: G…. */
  source: string | undefined;
  /** As it is written: G… or M…. */
  sourceAddress: string | undefined;
  name: OperationName;
  /** The operation's struct in SEP-51 JSON. */
  body: unknown;
}

export interface Memo {
  type: 'none' | 'text' | 'id' | 'hash' | 'return';
  /** Bytes of text, hash and return; the number of an id. */
  value: Uint8Array | bigint | undefined;
}

/** CAP-0021. A maximum of zero is none. */
export interface Preconditions {
  /** Unix seconds. */
  timeBounds: { min: bigint; max: bigint } | undefined;
  ledgerBounds: { min: number; max: number } | undefined;
  minSequence: bigint | undefined;
  /** Seconds. */
  minSequenceAge: bigint;
  minSequenceLedgerGap: number;
  /** Strkeys. */
  extraSigners: readonly string[];
}

export interface Signature {
  hint: Uint8Array;
  signature: Uint8Array;
}

/** Who pays for a fee bump, and signs for that alone (CAP-0015). */
export interface FeeBump {
  source: string;
  sourceAddress: string;
  /** Stroops that it bids at most, for one operation more than the inner transaction has. */
  fee: bigint;
  signatures: readonly Signature[];
}

/** A transaction, or the inner one of a fee bump and what surrounds it. */
export interface DecodedTransaction {
  /** Hex of the hash by which the ledger knows it: the fee bump's own, where it is one. */
  hash: string;
  /** Of the network whose hashes these are. */
  passphrase: string;
  envelopeXdr: string;
  /** Hex of the hash that `signatures` sign. */
  innerHash: string;
  source: string;
  /** G… or M…, as it is written. */
  sourceAddress: string;
  /** Stroops that the source bids at most. */
  fee: bigint;
  sequence: bigint;
  preconditions: Preconditions;
  memo: Memo;
  operations: readonly Operation[];
  signatures: readonly Signature[];
  feeBump: FeeBump | undefined;
  /** Resources of Soroban beside operations that are none of it. */
  hasSorobanData: boolean;
}

export const sha256 = (...parts: (Uint8Array | string)[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** The account whose lumens pay the fee. */
export const feeSourceOf = ({ feeBump, source }: DecodedTransaction): string => feeBump?.source ?? source;

/** What is bid, in stroops. */
export const bidOf = ({ feeBump, fee }: DecodedTransaction): bigint => feeBump?.fee ?? fee;

/** How many operations are paid for and count towards the size of a ledger: a fee bump is one more. */
export const sizeOf = ({ feeBump, operations }: DecodedTransaction): number =>
  operations.length + (feeBump ? 1 : 0);

function parse(envelopeXdr: string): xdr.TransactionEnvelope {
  const bytes = Buffer.from(envelopeXdr, 'base64');
  if (bytes.toString('base64') !== envelopeXdr) throw new MalformedEnvelope('not base64');
  try {
    return xdr.TransactionEnvelope.fromXdr(bytes);
  } catch (cause) {
    throw new MalformedEnvelope('not an envelope', { cause });
  }
}

function readMemo(memo: xdr.Memo): Memo {
  switch (memo.type) {
    case 'memoNone':
      return { type: 'none', value: undefined };
    case 'memoText':
      return { type: 'text', value: memo.text.bytes };
    case 'memoId':
      return { type: 'id', value: memo.id };
    case 'memoHash':
      return { type: 'hash', value: memo.hash.toBytes() };
    case 'memoReturn':
      return { type: 'return', value: memo.retHash.toBytes() };
  }
}

type TimeBoundsJson = { min_time: string; max_time: string } | null;

/** Preconditions in SEP-51 JSON. */
type ConditionsJson =
  | 'none'
  | { time: NonNullable<TimeBoundsJson> }
  | {
      v2: {
        time_bounds: TimeBoundsJson;
        ledger_bounds: { min_ledger: number; max_ledger: number } | null;
        min_seq_num: string | null;
        min_seq_age: string;
        min_seq_ledger_gap: number;
        extra_signers: string[];
      };
    };

const readTimeBounds = (bounds: TimeBoundsJson): Preconditions['timeBounds'] =>
  bounds ? { min: BigInt(bounds.min_time), max: BigInt(bounds.max_time) } : undefined;

function readPreconditions(conditions: ConditionsJson): Preconditions {
  const none: Preconditions = {
    timeBounds: undefined,
    ledgerBounds: undefined,
    minSequence: undefined,
    minSequenceAge: 0n,
    minSequenceLedgerGap: 0,
    extraSigners: [],
  };
  if (conditions === 'none') return none;
  if ('time' in conditions) return { ...none, timeBounds: readTimeBounds(conditions.time) };
  const { v2 } = conditions;
  return {
    timeBounds: readTimeBounds(v2.time_bounds),
    ledgerBounds: v2.ledger_bounds
      ? { min: v2.ledger_bounds.min_ledger, max: v2.ledger_bounds.max_ledger }
      : undefined,
    minSequence: v2.min_seq_num === null ? undefined : BigInt(v2.min_seq_num),
    minSequenceAge: BigInt(v2.min_seq_age),
    minSequenceLedgerGap: v2.min_seq_ledger_gap,
    extraSigners: v2.extra_signers,
  };
}

function readOperation(operation: xdr.Operation, index: number): Operation {
  const json = operation.toJson() as {
    source_account: string | null;
    body: string | Record<string, unknown>;
  };
  const [name, body] =
    typeof json.body === 'string'
      ? [json.body, undefined]
      : (Object.entries(json.body)[0] ?? ['', undefined]);
  if (!isServed(name)) throw new Refused(name, index);
  const address = json.source_account ?? undefined;
  return { source: address && accountOf(address), sourceAddress: address, name, body };
}

const readSignatures = (signatures: readonly xdr.DecoratedSignature[]): Signature[] =>
  signatures.map(({ hint, signature }) => ({ hint: hint.toBytes(), signature: signature.toBytes() }));

/** An envelope of before protocol 13 as the one of today that core makes of it; their hash is the same. */
function fromV0({ tx, signatures }: xdr.TransactionV0Envelope): xdr.TransactionV1Envelope {
  return new xdr.TransactionV1Envelope({
    tx: new xdr.Transaction({
      sourceAccount: xdr.MuxedAccount.keyTypeEd25519(tx.sourceAccountEd25519),
      fee: tx.fee,
      seqNum: tx.seqNum,
      cond: tx.timeBounds ? xdr.Preconditions.precondTime(tx.timeBounds) : xdr.Preconditions.precondNone(),
      memo: tx.memo,
      operations: tx.operations,
      ext: xdr.TransactionExt.v0(),
    }),
    signatures,
  });
}

function hashOf(passphrase: string, tagged: xdr.TransactionSignaturePayloadTaggedTransaction): string {
  const payload = new xdr.TransactionSignaturePayload({
    networkId: new xdr.Hash(sha256(passphrase)),
    taggedTransaction: tagged,
  });
  return sha256(payload.toXdr()).toString('hex');
}

/**
 * Reads a base64 TransactionEnvelope; the hash is that of `passphrase`'s network.
 * @throws MalformedEnvelope, Refused
 */
export function decodeEnvelope(envelopeXdr: string, passphrase: string): DecodedTransaction {
  const envelope = parse(envelopeXdr);
  const bump = envelope.type === 'envelopeTypeTxFeeBump' ? envelope.feeBump : undefined;
  const { tx, signatures } =
    envelope.type === 'envelopeTypeTxV0'
      ? fromV0(envelope.v0)
      : envelope.type === 'envelopeTypeTx'
        ? envelope.v1
        : envelope.feeBump.tx.innerTx.v1;
  const operations = tx.operations.map(readOperation);
  const { TransactionSignaturePayloadTaggedTransaction: Tagged } = xdr;
  const innerHash = hashOf(passphrase, Tagged.envelopeTypeTx(tx));
  const sourceAddress = tx.sourceAccount.toJson() as string;
  const payer = bump && (bump.tx.feeSource.toJson() as string);
  return {
    hash: bump ? hashOf(passphrase, Tagged.envelopeTypeTxFeeBump(bump.tx)) : innerHash,
    passphrase,
    // What the network passes on is always of today's kind.
    envelopeXdr:
      envelope.type === 'envelopeTypeTxV0'
        ? xdr.TransactionEnvelope.envelopeTypeTx(fromV0(envelope.v0)).toXdr('base64')
        : envelopeXdr,
    innerHash,
    source: accountOf(sourceAddress),
    sourceAddress,
    fee: BigInt(tx.fee),
    sequence: tx.seqNum,
    preconditions: readPreconditions(tx.cond.toJson() as ConditionsJson),
    memo: readMemo(tx.memo),
    operations,
    signatures: readSignatures(signatures),
    hasSorobanData: tx.ext.type !== 'v0',
    feeBump:
      bump && payer !== undefined
        ? {
            source: accountOf(payer),
            sourceAddress: payer,
            fee: bump.tx.fee,
            signatures: readSignatures(bump.signatures),
          }
        : undefined,
  };
}
