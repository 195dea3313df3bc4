import { xdr } from '@stellar/stellar-sdk/base';
import { sha256 } from './envelope.ts';
import type { Header } from './state.ts';

export const PROTOCOL_VERSION = 28;
/** Stroops; the whole supply, of which the root account holds what nobody else has. */
export const TOTAL_COINS = 1_000_000_000_000_000_000n;
const ZERO = '0'.repeat(64);

/** Hex hashes that a header commits to. */
export interface Commitments {
  previousHash: string;
  txSetHash: string;
  txSetResultHash: string;
  /** LedgerUpgrade, hex: what the network agreed to change at the end of this ledger. */
  upgrades: readonly string[];
}

/**
 * LedgerHeader of Stellar-ledger.x. Not as core: the bucket list hash and the skip list are zero and nobody signed the
 * close value.
 */
export function headerXdr(header: Header, commitments: Commitments): Uint8Array {
  return xdr.LedgerHeader.fromJson({
    ledger_version: header.version,
    previous_ledger_hash: commitments.previousHash,
    scp_value: {
      tx_set_hash: commitments.txSetHash,
      close_time: String(header.closeTime),
      upgrades: [...commitments.upgrades],
      ext: 'basic',
    },
    tx_set_result_hash: commitments.txSetResultHash,
    bucket_list_hash: ZERO,
    ledger_seq: header.sequence,
    total_coins: String(TOTAL_COINS),
    fee_pool: String(header.feePool),
    inflation_seq: 0,
    id_pool: String(header.idPool),
    base_fee: Number(header.baseFee),
    base_reserve: Number(header.baseReserve),
    max_tx_set_size: header.maxTxSetSize,
    skip_list: [ZERO, ZERO, ZERO, ZERO],
    ext: 'v0',
  }).toXdr();
}

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

const int64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
};

/** Hash of the TransactionResultSet of results in the order of application: their pairs behind their number. */
export function resultSetHash(
  results: readonly { transaction: { hash: string }; resultXdr: string }[],
): string {
  const pairs = results.flatMap(({ transaction, resultXdr }) => [
    Buffer.from(transaction.hash, 'hex'),
    Buffer.from(resultXdr, 'base64'),
  ]);
  return sha256(uint32(results.length), ...pairs).toString('hex');
}

/**
 * GeneralizedTransactionSet: one classic component in which each pays at most `baseFee`, sorted by the hash of the
 * whole envelope, and an empty Soroban phase. The envelopes are put in as they came, which spares decoding them.
 */
export function transactionSetXdr(
  previousHash: string,
  envelopes: readonly string[],
  baseFee: bigint,
): Uint8Array {
  const sorted = envelopes
    .map((envelope) => Buffer.from(envelope, 'base64'))
    .map((bytes) => ({ bytes, hash: sha256(bytes) }))
    .sort((a, b) => Buffer.compare(a.hash, b.hash))
    .map(({ bytes }) => bytes);
  const component = [uint32(0), uint32(1), int64(baseFee), uint32(sorted.length), ...sorted];
  const classic = [uint32(0), uint32(sorted.length > 0 ? 1 : 0), ...(sorted.length > 0 ? component : [])];
  const soroban = [uint32(1), uint32(0), uint32(0)];
  return Buffer.concat([uint32(1), Buffer.from(previousHash, 'hex'), uint32(2), ...classic, ...soroban]);
}
