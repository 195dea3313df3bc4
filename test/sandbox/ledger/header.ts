import { xdr } from '@stellar/stellar-sdk/base';
import { sha256 } from './envelope.ts';

export const PROTOCOL_VERSION = 28;
export const MAX_TX_SET_SIZE = 1000;
/** Stroops; the whole supply, of which the root account holds what the scenario does not give away. */
export const TOTAL_COINS = 1_000_000_000_000_000_000n;
const ZERO = '0'.repeat(64);

export interface HeaderFields {
  sequence: number;
  previousHash: string;
  closeTime: number;
  txSetHash: string;
  txSetResultHash: string;
  feePool: bigint;
  idPool: bigint;
  baseFee: bigint;
  baseReserve: bigint;
}

/**
 * LedgerHeader of Stellar-ledger.x. Not as core: the bucket list hash and the skip list are zero and nobody signed the
 * close value.
 */
export function headerXdr(fields: HeaderFields): Uint8Array {
  return xdr.LedgerHeader.fromJson({
    ledger_version: PROTOCOL_VERSION,
    previous_ledger_hash: fields.previousHash,
    scp_value: {
      tx_set_hash: fields.txSetHash,
      close_time: String(fields.closeTime),
      upgrades: [],
      ext: 'basic',
    },
    tx_set_result_hash: fields.txSetResultHash,
    bucket_list_hash: ZERO,
    ledger_seq: fields.sequence,
    total_coins: String(TOTAL_COINS),
    fee_pool: String(fields.feePool),
    inflation_seq: 0,
    id_pool: String(fields.idPool),
    base_fee: Number(fields.baseFee),
    base_reserve: Number(fields.baseReserve),
    max_tx_set_size: MAX_TX_SET_SIZE,
    skip_list: [ZERO, ZERO, ZERO, ZERO],
    ext: 'v0',
  }).toXdr();
}

/** Hash of the TransactionResultSet of results in the order of application. */
export function resultSetHash(results: readonly { hash: string; result: xdr.TransactionResult }[]): string {
  const set = new xdr.TransactionResultSet({
    results: results.map(
      ({ hash, result }) =>
        new xdr.TransactionResultPair({
          transactionHash: new xdr.Hash(Buffer.from(hash, 'hex')),
          result,
        }),
    ),
  });
  return sha256(set.toXdr()).toString('hex');
}

/**
 * Hash of the GeneralizedTransactionSet: one classic component in which each pays at most `baseFee`, sorted by the hash
 * of the whole envelope, and an empty Soroban phase.
 */
export function transactionSetHash(
  previousHash: string,
  envelopes: readonly string[],
  baseFee: bigint,
): string {
  const txs = envelopes
    .map((envelope) => Buffer.from(envelope, 'base64'))
    .map((bytes) => ({ bytes, hash: sha256(bytes) }))
    .sort((a, b) => Buffer.compare(a.hash, b.hash))
    .map(({ bytes }) => xdr.TransactionEnvelope.fromXdr(bytes).toJson());
  const component = { txset_comp_txs_maybe_discounted_fee: { base_fee: String(baseFee), txs } };
  const set = xdr.GeneralizedTransactionSet.fromJson({
    v1: {
      previous_ledger_hash: previousHash,
      phases: [{ v0: txs.length > 0 ? [component] : [] }, { v1: { base_fee: null, execution_stages: [] } }],
    },
  });
  return sha256(set.toXdr()).toString('hex');
}
