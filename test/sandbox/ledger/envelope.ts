import { createHash } from 'node:crypto';
import { xdr } from '@stellar/stellar-sdk/base';
import { isServed, type OperationName } from './operations.ts';

export interface Operation {
  source: string | undefined;
  name: OperationName;
  /** The operation's struct in SEP-51 JSON. */
  body: unknown;
}

export interface Memo {
  type: 'none' | 'text' | 'id' | 'hash' | 'return';
  /** Bytes of text, hash and return; the number of an id. */
  value: Uint8Array | bigint | undefined;
}

export interface DecodedTransaction {
  /** Hex of the hash that was signed. */
  hash: string;
  envelopeXdr: string;
  source: string;
  /** Stroops that the source bids at most. */
  fee: bigint;
  sequence: bigint;
  timeBounds: { min: bigint; max: bigint } | undefined;
  memo: Memo;
  operations: Operation[];
  signatures: { hint: Uint8Array; signature: Uint8Array }[];
}

/** Bytes that are no envelope. */
export class MalformedEnvelope extends Error {
  override readonly name = 'MalformedEnvelope';
}

/** A real network would take it, this one does not know how: refused by name, never guessed. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly what: string;
  readonly operationIndex: number | undefined;
  constructor(what: string, operationIndex?: number) {
    super(
      `the sandbox does not do ${what}${operationIndex === undefined ? '' : ` (operation ${operationIndex})`}`,
    );
    this.what = what;
    this.operationIndex = operationIndex;
  }
}

export const sha256 = (...parts: (Uint8Array | string)[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

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

function readTimeBounds(cond: xdr.Preconditions): DecodedTransaction['timeBounds'] {
  if (cond.type === 'precondV2') throw new Refused('preconditions_v2');
  return cond.type === 'precondTime'
    ? { min: cond.timeBounds.minTime, max: cond.timeBounds.maxTime }
    : undefined;
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
  if (json.source_account?.startsWith('M')) throw new Refused('muxed_source_account', index);
  return { source: json.source_account ?? undefined, name, body };
}

/**
 * Reads a base64 TransactionEnvelope; the hash is that of `passphrase`'s network.
 * @throws MalformedEnvelope, Refused
 */
export function decodeEnvelope(envelopeXdr: string, passphrase: string): DecodedTransaction {
  const envelope = parse(envelopeXdr);
  if (envelope.type === 'envelopeTypeTxV0') throw new Refused('envelope_type_tx_v0');
  if (envelope.type === 'envelopeTypeTxFeeBump') throw new Refused('envelope_type_tx_fee_bump');
  const { tx, signatures } = envelope.v1;
  if (tx.ext.type !== 'v0') throw new Refused('soroban_data');
  if (tx.sourceAccount.type !== 'keyTypeEd25519') throw new Refused('muxed_source_account');
  const payload = new xdr.TransactionSignaturePayload({
    networkId: new xdr.Hash(sha256(passphrase)),
    taggedTransaction: xdr.TransactionSignaturePayloadTaggedTransaction.envelopeTypeTx(tx),
  });
  return {
    hash: sha256(payload.toXdr()).toString('hex'),
    envelopeXdr,
    source: tx.sourceAccount.toJson() as string,
    fee: BigInt(tx.fee),
    sequence: tx.seqNum,
    timeBounds: readTimeBounds(tx.cond),
    memo: readMemo(tx.memo),
    operations: tx.operations.map(readOperation),
    signatures: signatures.map(({ hint, signature }) => ({
      hint: hint.toBytes(),
      signature: signature.toBytes(),
    })),
  };
}
