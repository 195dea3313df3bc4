import { createHash, createPublicKey, verify } from 'node:crypto';
import { StrKey } from '@stellar/stellar-sdk/base';
import * as xdr from '@stellar/stellar-sdk/xdr';
import { connectorError } from '../errors.ts';
import { toXdrAsset } from '../market/asset.ts';
import type { Quote } from '../market/quote.ts';

const ENVELOPE_TYPE_TX = Buffer.from([0, 0, 0, 2]);
const NO_SIGNATURES = Buffer.from([0, 0, 0, 0]);
/** count (4) + hint (4) + length (4) + Ed25519 signature (64). */
const ONE_SIGNATURE_BYTES = 76;
/** SubjectPublicKeyInfo of an Ed25519 key up to its 32 bytes (RFC 8410). */
const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex');

export interface Prepared {
  /** Envelope without signatures, base64. */
  envelopeXdr: string;
  /** Hash that the signer signs and the ledger knows the transaction by, lower-case hex. */
  hash: string;
  /** Last second (since 1970) whose ledger may hold it. */
  maxTime: number;
}

export interface BuildOptions {
  account: string;
  networkPassphrase: string;
  /** The account's sequence in the ledger; the transaction takes the next one. */
  sequence: bigint;
  /** The most that is paid, stroops. */
  fee: bigint;
  /** Seconds since 1970. */
  maxTime: number;
}

/** The swap as a path payment of the account to itself: strict send for SELL, strict receive for BUY. */
export function buildSwap(quote: Quote, options: BuildOptions): Prepared {
  const self = xdr.MuxedAccount.keyTypeEd25519(StrKey.decodeEd25519PublicKey(options.account));
  const shared = {
    sendAsset: toXdrAsset(quote.tokenIn),
    destination: self,
    destAsset: toXdrAsset(quote.tokenOut),
    path: quote.path.map(toXdrAsset),
  };
  const body =
    quote.side === 'SELL'
      ? xdr.OperationBody.pathPaymentStrictSend(
          new xdr.PathPaymentStrictSendOp({
            ...shared,
            sendAmount: quote.amountIn,
            destMin: quote.minAmountOut,
          }),
        )
      : xdr.OperationBody.pathPaymentStrictReceive(
          new xdr.PathPaymentStrictReceiveOp({
            ...shared,
            sendMax: quote.maxAmountIn,
            destAmount: quote.amountOut,
          }),
        );
  const tx = new xdr.Transaction({
    sourceAccount: self,
    fee: Number(options.fee),
    seqNum: options.sequence + 1n,
    cond: xdr.Preconditions.precondTime(
      new xdr.TimeBounds({ minTime: 0n, maxTime: BigInt(options.maxTime) }),
    ),
    memo: xdr.Memo.memoNone(),
    operations: [new xdr.Operation({ sourceAccount: null, body })],
    ext: xdr.TransactionExt.v0(),
  });
  const bytes = Buffer.from(tx.toXdr());
  return {
    envelopeXdr: Buffer.concat([ENVELOPE_TYPE_TX, bytes, NO_SIGNATURES]).toString('base64'),
    hash: transactionHash(bytes, options.networkPassphrase),
    maxTime: options.maxTime,
  };
}

/** SHA-256 of network id, envelope type and transaction (the signature payload of CAP-0015), hex. */
export function transactionHash(transaction: Uint8Array, networkPassphrase: string): string {
  const networkId = createHash('sha256').update(networkPassphrase).digest();
  return createHash('sha256').update(networkId).update(ENVELOPE_TYPE_TX).update(transaction).digest('hex');
}

/** The hash of an envelope that someone else answered; undefined unless it is a plain transaction (no fee bump, no V0). */
export function envelopeHash(envelopeXdr: string, networkPassphrase: string): string | undefined {
  try {
    const envelope = xdr.TransactionEnvelope.fromXdr(envelopeXdr, 'base64');
    if (envelope.type !== 'envelopeTypeTx') return undefined;
    return transactionHash(envelope.v1.tx.toXdr(), networkPassphrase);
  } catch {
    return undefined;
  }
}

/**
 * The signer's envelope must be, byte for byte, what was asked, with exactly one signature: the account's, valid.
 * The bytes are compared as they stand, nothing is decoded that could be read in two ways.
 * @throws `signer-untrusted`
 */
export function checkSigned(prepared: Prepared, signedXdr: string, account: string): void {
  const refuse = (what: string): never => {
    throw connectorError('signer-untrusted', `the signer's envelope is not used: ${what}`);
  };
  const asked = Buffer.from(prepared.envelopeXdr, 'base64');
  const body = asked.subarray(0, asked.length - NO_SIGNATURES.length);
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
  if (!verify(null, Buffer.from(prepared.hash, 'hex'), key, rest.subarray(12))) {
    refuse('the signature does not verify');
  }
}
