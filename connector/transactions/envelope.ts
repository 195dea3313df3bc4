import { createHash, createPublicKey, verify } from 'node:crypto';
import { StrKey } from '@stellar/stellar-sdk/base';
import * as xdr from '@stellar/stellar-sdk/xdr';
import { connectorError } from '../errors.ts';

/** The types of envelope in front of what is signed (Stellar-ledger-entries.x, EnvelopeType). */
const ENVELOPE_TYPE_TX = Buffer.from([0, 0, 0, 2]);
const ENVELOPE_TYPE_TX_FEE_BUMP = Buffer.from([0, 0, 0, 5]);
const NO_SIGNATURES = Buffer.from([0, 0, 0, 0]);
/** count (4) + hint (4) + length (4) + Ed25519 signature (64). */
const ONE_SIGNATURE_BYTES = 76;
/** SubjectPublicKeyInfo of an Ed25519 key up to its 32 bytes (RFC 8410). */
const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex');

export interface Unsigned {
  /** Envelope without signatures, base64. */
  envelopeXdr: string;
  /** Hash that the signer signs and the ledger knows the transaction by, lower-case hex. */
  hash: string;
}

export interface TransactionParts {
  /** The trading account: source of every operation. */
  account: string;
  /** Gives the sequence number and pays the fee: the trading account or a channel. */
  source: string;
  networkPassphrase: string;
  /** The number that the transaction takes. */
  sequence: bigint;
  /** The most that is paid, stroops. */
  fee: bigint;
  /** Last second (since 1970) whose ledger may hold it. */
  maxTime: number;
  operations: readonly xdr.OperationBody[];
}

const accountXdr = (account: string): xdr.MuxedAccount =>
  xdr.MuxedAccount.keyTypeEd25519(StrKey.decodeEd25519PublicKey(account));

/** The transaction of these operations. A channel's operations name the account, they would be the channel's otherwise. */
export function buildTransaction(parts: TransactionParts): Unsigned {
  const { account, source, operations } = parts;
  const sourceAccount = source === account ? null : accountXdr(account);
  const tx = new xdr.Transaction({
    sourceAccount: accountXdr(source),
    fee: Number(parts.fee),
    seqNum: parts.sequence,
    cond: xdr.Preconditions.precondTime(new xdr.TimeBounds({ minTime: 0n, maxTime: BigInt(parts.maxTime) })),
    memo: xdr.Memo.memoNone(),
    operations: operations.map((body) => new xdr.Operation({ sourceAccount, body })),
    ext: xdr.TransactionExt.v0(),
  });
  return unsigned(ENVELOPE_TYPE_TX, Buffer.from(tx.toXdr()), parts.networkPassphrase);
}

/** Takes an offer of ours away and does nothing else: amount 0 with an id. */
export function isDeletion(body: xdr.OperationBody): boolean {
  if (body.type === 'manageSellOffer')
    return body.manageSellOfferOp.amount === 0n && body.manageSellOfferOp.offerId > 0n;
  if (body.type === 'manageBuyOffer')
    return body.manageBuyOfferOp.buyAmount === 0n && body.manageBuyOfferOp.offerId > 0n;
  return false;
}

/** A fee bump (CAP-0015) around the signed envelope, paid by `feeSource`; `fee` in stroops, for all and itself. */
export function buildBump(
  signedXdr: string,
  { feeSource, fee, networkPassphrase }: { feeSource: string; fee: bigint; networkPassphrase: string },
): Unsigned {
  const inner = xdr.TransactionEnvelope.fromXdr(signedXdr, 'base64');
  if (inner.type !== 'envelopeTypeTx') throw new Error('only a transaction can be bumped');
  const tx = new xdr.FeeBumpTransaction({
    feeSource: accountXdr(feeSource),
    fee,
    innerTx: xdr.FeeBumpTransactionInnerTx.envelopeTypeTx(inner.v1),
    ext: xdr.FeeBumpTransactionExt.v0(),
  });
  return unsigned(ENVELOPE_TYPE_TX_FEE_BUMP, Buffer.from(tx.toXdr()), networkPassphrase);
}

/** The hash is SHA-256 of network id, envelope type and transaction (the signature payload of CAP-0015). */
function unsigned(type: Buffer, bytes: Buffer, networkPassphrase: string): Unsigned {
  const networkId = createHash('sha256').update(networkPassphrase).digest();
  return {
    envelopeXdr: Buffer.concat([type, bytes, NO_SIGNATURES]).toString('base64'),
    hash: createHash('sha256').update(networkId).update(type).update(bytes).digest('hex'),
  };
}

/**
 * The hash of an envelope that someone else answered, of a fee bump that of the transaction inside; undefined when it is
 * neither (V0, or no envelope).
 */
export function envelopeHash(envelopeXdr: string, networkPassphrase: string): string | undefined {
  try {
    const envelope = xdr.TransactionEnvelope.fromXdr(envelopeXdr, 'base64');
    if (envelope.type === 'envelopeTypeTxV0') return undefined;
    const { tx } = envelope.type === 'envelopeTypeTx' ? envelope.v1 : envelope.feeBump.tx.innerTx.v1;
    return unsigned(ENVELOPE_TYPE_TX, Buffer.from(tx.toXdr()), networkPassphrase).hash;
  } catch {
    return undefined;
  }
}

/**
 * The signer's envelope must be, byte for byte, what was asked, with exactly one signature: the account's, valid.
 * The bytes are compared as they stand, nothing is decoded that could be read in two ways.
 * @throws `signer-untrusted`
 */
export function checkSigned(asked: Unsigned, signedXdr: string, account: string): void {
  const refuse = (what: string): never => {
    throw connectorError('signer-untrusted', `the signer's envelope is not used: ${what}`);
  };
  const bytes = Buffer.from(asked.envelopeXdr, 'base64');
  const body = bytes.subarray(0, bytes.length - NO_SIGNATURES.length);
  const signed = Buffer.from(signedXdr, 'base64');
  if (signed.toString('base64') !== signedXdr) refuse('it is not canonical base64');
  if (!signed.subarray(0, body.length).equals(body)) refuse('the transaction was changed');
  const rest = signed.subarray(body.length);
  if (rest.length < 4 || rest.readUInt32BE(0) !== 1) refuse('it has not exactly one signature');
  if (rest.length !== ONE_SIGNATURE_BYTES || rest.readUInt32BE(8) !== 64)
    refuse('the signature has not its length');
  const publicKey = Buffer.from(StrKey.decodeEd25519PublicKey(account));
  if (!rest.subarray(4, 8).equals(publicKey.subarray(28))) refuse('the signature names another key');
  const key = createPublicKey({ key: Buffer.concat([ED25519_SPKI, publicKey]), format: 'der', type: 'spki' });
  if (!verify(null, Buffer.from(asked.hash, 'hex'), key, rest.subarray(12))) {
    refuse('the signature does not verify');
  }
}
