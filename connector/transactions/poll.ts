import { connectorError } from '../errors.ts';
import { lastOfNetwork } from '../ledger/checks.ts';
import type { Horizon } from '../ledger/horizon.ts';
import { formatFee } from '../market/amount.ts';
import { isDead } from './decide.ts';
import { explainFailure, verifyRecord } from './result.ts';
import type { TransactionStore } from './store.ts';

/** The Gateway contract's answer to `poll`; `fee` in XLM. */
export interface PollAnswer {
  currentBlock: number;
  signature: string;
  txBlock: number | null;
  txStatus: 1 | 0 | -1 | -2;
  fee: string | null;
  error: string | null;
  txData: null;
}

export interface PollOptions {
  horizon: Horizon;
  store: TransactionStore;
  networkPassphrase: string;
  /** Milliseconds since 1970. */
  now(): number;
}

/**
 * Looks a transaction up. One of ours that is absent may still apply (0) until both the ledger and our clock are past
 * its maxTime; only then, or when we never made it, is it -2, on which the client sends its order again.
 * @throws `ledger-untrusted` when Horizon's record is not believed, `network-mismatch`
 */
export async function pollTransaction(
  hash: string,
  { horizon, store, networkPassphrase, now }: PollOptions,
  signal: AbortSignal,
): Promise<PollAnswer> {
  // The ledger first: a transaction absent after this ledger closed is not in it.
  const last = lastOfNetwork(await horizon.root(signal), networkPassphrase);
  const record = await horizon.transaction(hash, signal);
  const answer = { currentBlock: last.sequence, signature: hash, txData: null };
  if (record === undefined) {
    const dead = isDead(store.get(hash)?.maxTime ?? 0, last.closedAt, now());
    return { ...answer, txBlock: null, txStatus: dead ? -2 : 0, fee: null, error: null };
  }
  const result = verifyRecord(record, hash, networkPassphrase);
  if (result === undefined) {
    throw connectorError(
      'ledger-untrusted',
      'Horizon’s record of the transaction contradicts itself or its hash',
    );
  }
  return {
    ...answer,
    txBlock: record.ledger,
    txStatus: result.successful ? 1 : -1,
    fee: formatFee(result.feeCharged),
    error: result.successful ? null : explainFailure(result).message,
  };
}
