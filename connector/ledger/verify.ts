import { createHash, createPublicKey, verify } from 'node:crypto';
import { StrKey } from '@stellar/stellar-sdk/base';
import * as xdr from '@stellar/stellar-sdk/xdr';
import { connectorError } from '../errors.ts';
import type { DecodedResult } from '../transactions/result.ts';
import type { LedgerTransaction } from './types.ts';

/** What a server says of a transaction, before anything of it is believed. */
export interface TransactionClaim {
  /** The one that was asked for: of a fee bump the outer or the inner hash. */
  hash: string;
  ledger: number;
  successful: boolean;
  /** Where the server says it beside the result, stroops. */
  feeCharged?: bigint | undefined;
  envelopeXdr: string;
  resultXdr: string;
}

export interface VerifyOptions {
  networkPassphrase: string;
  /**
   * Transactions of these sources (account and channels) are believed only with exactly one signature, a valid one of
   * `signer`; of others the hash alone is checked.
   */
  own?: { sources: readonly string[]; signer: string } | undefined;
}

/** SubjectPublicKeyInfo of an Ed25519 key up to its 32 bytes (RFC 8410). */
const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex');

/**
 * Believes a transaction only when its envelope has the hash that was asked for (its own, or that of the inner one of a
 * fee bump), our own ones bear our signature, the result decodes, is of these operations, and says what the claim says.
 * That a ledger has it, and which, carries no proof.
 * @throws `ledger-untrusted`
 */
export function verifyTransaction(
  claim: TransactionClaim,
  { networkPassphrase, own }: VerifyOptions,
): LedgerTransaction {
  const { envelopeXdr, hash, ledger } = claim;
  const layers = envelopeLayers(envelopeXdr, networkPassphrase);
  const inner = layers?.at(-1);
  if (layers === undefined || inner === undefined || layers.every((layer) => layer.hash !== hash)) {
    throw untrusted('its envelope has not the hash that was asked for');
  }
  for (const layer of layers) {
    if (own?.sources.includes(layer.source) && !isSignedBy(layer, own.signer)) {
      throw untrusted('it bears not exactly our signature');
    }
  }
  const result = decodeLedgerResult(claim.resultXdr);
  if (result === undefined) throw untrusted('its result cannot be read');
  if (result.innerHash !== (layers.length === 2 ? inner.hash : undefined)) {
    throw untrusted('its result is of another kind of transaction');
  }
  if (
    result.successful !== claim.successful ||
    (claim.feeCharged ?? result.feeCharged) !== result.feeCharged
  ) {
    throw untrusted('its result and what is said beside it differ');
  }
  // Nobody pays more than was bid (CAP-0005): of a fee bump its own bid counts.
  if (result.feeCharged > layers[0]!.fee) throw untrusted('it paid a higher fee than it bid');
  if (!isResultOf(result, inner.operations)) throw untrusted('its result is of other operations');
  const { innerHash: _, ...decoded } = result;
  return { hash, ledger, result: decoded, envelopeXdr };
}

const untrusted = (why: string) =>
  connectorError('ledger-untrusted', `a transaction is not believed: ${why}`);

/**
 * The hash by which the network knows an envelope, of a fee bump the outer one; undefined when it cannot be read, and for
 * the old form (V0), which nobody makes any more.
 */
export const envelopeHash = (envelopeXdr: string, networkPassphrase: string): string | undefined =>
  envelopeLayers(envelopeXdr, networkPassphrase)?.[0]?.hash;

interface Layer {
  hash: string;
  source: string;
  /** What it bids at most, stroops. */
  fee: bigint;
  signatures: readonly xdr.DecoratedSignature[];
  operations: readonly xdr.Operation[];
}

/** The transaction, or a fee bump and the transaction in it. Hashes: SHA-256 of network id, type and transaction (CAP-0015). */
function envelopeLayers(envelopeXdr: string, networkPassphrase: string): Layer[] | undefined {
  try {
    const envelope = xdr.TransactionEnvelope.fromXdr(envelopeXdr, 'base64');
    if (envelope.toXdr('base64') !== envelopeXdr || envelope.type === 'envelopeTypeTxV0') return undefined;
    const networkId = createHash('sha256').update(networkPassphrase).digest();
    const layer = (type: number, tx: xdr.Transaction | xdr.FeeBumpTransaction, source: xdr.MuxedAccount) => ({
      hash: createHash('sha256')
        .update(networkId)
        .update(Buffer.from([0, 0, 0, type]))
        .update(tx.toXdr())
        .digest('hex'),
      source: accountOf(source),
      fee: BigInt(tx.fee),
    });
    const plain = ({ tx, signatures }: xdr.TransactionV1Envelope): Layer => ({
      ...layer(2, tx, tx.sourceAccount),
      signatures,
      operations: tx.operations,
    });
    if (envelope.type === 'envelopeTypeTx') return [plain(envelope.v1)];
    const { tx, signatures } = envelope.feeBump;
    return [{ ...layer(5, tx, tx.feeSource), signatures, operations: [] }, plain(tx.innerTx.v1)];
  } catch {
    return undefined;
  }
}

const accountOf = (source: xdr.MuxedAccount): string =>
  StrKey.encodeEd25519PublicKey(
    source.type === 'keyTypeEd25519' ? source.ed25519.value : source.med25519.ed25519.value,
  );

function isSignedBy({ hash, signatures }: Layer, signer: string): boolean {
  const [only, ...others] = signatures;
  if (only === undefined || others.length > 0) return false;
  const publicKey = StrKey.decodeEd25519PublicKey(signer);
  const key = createPublicKey({ key: Buffer.concat([ED25519_SPKI, publicKey]), format: 'der', type: 'spki' });
  return verify(null, Buffer.from(hash, 'hex'), key, only.signature.value);
}

/**
 * What a result says of the operations, whether a fee bump carried them or not: fee and success are of the outer result,
 * code and operations of the inner one, whose hash is `innerHash`. Undefined when it is not a TransactionResult.
 */
export function decodeLedgerResult(
  resultXdr: string,
): (DecodedResult & { innerHash: string | undefined }) | undefined {
  try {
    const { feeCharged, result: outer } = xdr.TransactionResult.fromXdr(resultXdr, 'base64');
    if (feeCharged < 0n) return undefined;
    const pair = 'innerResultPair' in outer ? outer.innerResultPair : undefined;
    const result = pair === undefined ? outer : pair.result.result;
    const successful = result.type === 'txSuccess';
    if (pair !== undefined && successful !== (outer.type === 'txFeeBumpInnerSuccess')) return undefined;
    const operations = 'results' in result ? result.results : [];
    const codes = operations.map((entry) => (entry.type === 'opInner' ? entry.tr.value.type : entry.type));
    return {
      successful,
      feeCharged,
      code: result.type,
      operationCode: codes.find((code) => !code.endsWith('Success')),
      operations,
      innerHash: pair === undefined ? undefined : Buffer.from(pair.transactionHash.value).toString('hex'),
    };
  } catch {
    return undefined;
  }
}

/**
 * Each operation has its result, of its own type; one refused before it was tried says no type. Core answers a passive offer
 * as if it were a plain one.
 */
function isResultOf(
  { code, operations: results }: DecodedResult,
  operations: readonly xdr.Operation[],
): boolean {
  if (code !== 'txSuccess' && code !== 'txFailed') return results.length === 0;
  if (results.length !== operations.length) return false;
  return results.every((result, index) => {
    if (result.type !== 'opInner') return true;
    const type = operations[index]?.body.type;
    return result.tr.type === (type === 'createPassiveSellOffer' ? 'manageSellOffer' : type);
  });
}
