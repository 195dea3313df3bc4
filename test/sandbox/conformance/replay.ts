import { xdr } from '@stellar/stellar-sdk/base';
import { raiseBaseReserve } from '../ledger/base_reserve.ts';
import { applyLedger, type Charged } from '../ledger/close.ts';
import { newAccount } from '../ledger/create_account.ts';
import { keyOf } from '../ledger/entries.ts';
import { entryFromXdr, entryToXdr } from '../ledger/entry_xdr.ts';
import { decodeEnvelope, sizeOf } from '../ledger/envelope.ts';
import { MalformedEnvelope } from '../ledger/errors.ts';
import { resultSetHash } from '../ledger/header.ts';
import { resultToXdr } from '../ledger/result.ts';
import { createState, type Header, type LedgerState } from '../ledger/state.ts';
import { validate } from '../ledger/validate.ts';
import type { Corpus, CorpusLedger, CorpusRejection } from './corpus.ts';
import { type Difference, entryDifferences, resultDifference } from './differences.ts';

export interface ReplayOptions {
  corpus: Corpus;
  /** A checkpoint to begin after; undefined: genesis. */
  from: number | undefined;
  /** The last ledger to replay; undefined: the last one there is. */
  to: number | undefined;
  /** Told of every ledger that was replayed. */
  progress: (ledger: number) => void;
}

export interface Report {
  transactions: number;
  rejected: number;
  /** Rejections that hang on the node's queue. */
  notComparable: number;
  differences: Difference[];
  /** How often each operation ended with each code, as `operation:code`. */
  codes: Map<string, number>;
}

/** A corpus or a range that cannot be replayed. */
export class ReplayError extends Error {
  override readonly name = 'ReplayError';
}

/** Core reckons with a close two of its intervals of five seconds ahead when it judges an upper time bound. */
const CLOSE_AHEAD = 10n;

/** The header that a ledger leaves: what consensus voted on, whatever the transactions did. */
const upgraded = (header: Pick<Header, 'feePool' | 'idPool'>, ledger: CorpusLedger): Header => ({
  feePool: header.feePool,
  idPool: header.idPool,
  sequence: ledger.sequence,
  closeTime: BigInt(ledger.closeTime),
  version: ledger.protocolVersion,
  baseFee: BigInt(ledger.baseFee),
  baseReserve: BigInt(ledger.baseReserve),
  maxTxSetSize: ledger.maxTxSetSize,
});

function genesis({ network }: Corpus): LedgerState {
  const { rootAccount, balance, sequence, ledger } = network.genesis;
  const state = createState({
    sequence: ledger,
    closeTime: 0n,
    version: 0,
    baseFee: 100n,
    baseReserve: 100_000_000n,
    maxTxSetSize: 100,
    feePool: 0n,
    idPool: 0n,
  });
  state.restore({ ...newAccount(rootAccount, BigInt(balance), ledger), sequence: BigInt(sequence) });
  return state;
}

/** The state that a checkpoint holds, with the header of its ledger. */
function resume(ledger: CorpusLedger, entries: readonly string[]): LedgerState {
  const pools = { feePool: BigInt(ledger.feePool), idPool: BigInt(ledger.idPool) };
  const state = createState(upgraded(pools, ledger));
  for (const entry of entries) state.restore(entryFromXdr(entry));
  return state;
}

/** The components of a set are of different sizes; where there are several, the one whose fee was charged is meant. */
function chargedBy(
  { txSetComponents }: CorpusLedger,
  charged: Omit<Charged, 'baseFee'>,
  fee: bigint,
): Charged {
  const fees = txSetComponents.map(({ baseFee }) => (baseFee === null ? undefined : BigInt(baseFee)));
  const size = BigInt(sizeOf(charged.transaction));
  const baseFee = fees.length > 1 ? fees.find((each) => each !== undefined && each * size === fee) : fees[0];
  return { ...charged, baseFee };
}

const feeOf = (resultXdr: string): bigint => xdr.TransactionResult.fromXdr(resultXdr, 'base64').feeCharged;

/** What the sandbox says to a submission: a result, nothing (it would be queued), or that it cannot be read. */
function judge(state: LedgerState, passphrase: string, { envelopeXdr }: CorpusRejection, closeAhead: bigint) {
  try {
    const transaction = decodeEnvelope(envelopeXdr, passphrase);
    const minimum = state.header.baseFee * BigInt(Math.max(1, sizeOf(transaction)));
    return { result: validate(state, transaction, closeAhead), minimum };
  } catch (error) {
    if (error instanceof MalformedEnvelope) return { unreadable: error.message };
    throw error;
  }
}

/**
 * Whether the queue refused it, which hangs on what else waited: for a fee that had to be above the network's minimum;
 * for a sequence number below the one that waits, or for the fees that its payer has promised. Those two say a fee of
 * zero, which the ledger never does.
 */
const isByQueue = (expectedXdr: string, minimum: bigint): boolean => {
  const { feeCharged, result } = xdr.TransactionResult.fromXdr(expectedXdr, 'base64');
  if (result.type === 'txBadSeq' || result.type === 'txInsufficientBalance') return feeCharged === 0n;
  return result.type === 'txInsufficientFee' && feeCharged > minimum;
};

type Compared = 'same' | 'not comparable' | Omit<Difference, 'ledger'>;

function compareRejection(
  state: LedgerState,
  passphrase: string,
  rejection: CorpusRejection,
  closeAhead: bigint,
): Compared {
  const { status, errorResultXdr } = rejection;
  if (status === 'DUPLICATE' || status === 'TRY_AGAIN_LATER') return 'not comparable';
  const judged = judge(state, passphrase, rejection, closeAhead);
  if (status === 'EXCEPTION') {
    if ('unreadable' in judged) return 'same';
    return { where: 'bytes', expected: 'no envelope', got: judged.result?.code ?? 'accepted' };
  }
  if (errorResultXdr === undefined) throw new ReplayError('a rejection with ERROR has no errorResultXdr');
  if ('unreadable' in judged) {
    return { where: 'bytes', expected: 'an envelope', got: judged.unreadable };
  }
  const gotXdr = judged.result && resultToXdr(judged.result).toXdr('base64');
  if (gotXdr === errorResultXdr) return 'same';
  if (isByQueue(errorResultXdr, judged.minimum)) return 'not comparable';
  if (gotXdr === undefined) return { where: 'result', expected: 'a rejection', got: 'accepted' };
  return resultDifference(errorResultXdr, gotXdr);
}

/** Entries by key, without those that no operation touches. */
function pictureOf(entries: Iterable<ReturnType<typeof entryFromXdr>>): Map<string, string> {
  const picture = new Map<string, string>();
  for (const entry of entries) {
    if (entry.type !== 'foreign') picture.set(keyOf(entry), entryToXdr(entry).toXdr('base64'));
  }
  return picture;
}

/** The same of a checkpoint, as its bytes are. */
function recordedPicture(entries: readonly string[]): Map<string, string> {
  const picture = new Map<string, string>();
  for (const text of entries) {
    const entry = entryFromXdr(text);
    if (entry.type !== 'foreign') picture.set(keyOf(entry), text);
  }
  return picture;
}

/**
 * Applies the ledgers of a corpus in its order and compares results, fees, hashes and entries with core's.
 * @throws ReplayError where the range does not fit the corpus
 */
export async function replay({ corpus, from, to, progress }: ReplayOptions): Promise<Report> {
  const { networkPassphrase: passphrase } = corpus.network;
  const report: Report = {
    transactions: 0,
    rejected: 0,
    notComparable: 0,
    differences: [],
    codes: new Map(),
  };
  const first = from === undefined ? undefined : corpus.stateAfter(from);
  if (from !== undefined && first === undefined) {
    throw new ReplayError(`FROM=${from} is no checkpoint; there are ${corpus.checkpoints.join(', ')}`);
  }
  const last = to ?? corpus.network.lastLedger;
  if (last > corpus.network.lastLedger || last <= (from ?? corpus.network.genesis.ledger)) {
    throw new ReplayError(
      `nothing to replay up to TO=${last}: the last ledger is ${corpus.network.lastLedger}`,
    );
  }
  let state = from === undefined ? genesis(corpus) : undefined;
  let next = (from ?? corpus.network.genesis.ledger) + 1;
  for await (const ledger of corpus.ledgers()) {
    if (ledger.sequence > last) break;
    if (state) {
      if (ledger.sequence !== next) break;
      replayLedger(state, passphrase, ledger, corpus.stateAfter(ledger.sequence), report);
      next += 1;
    } else if (ledger.sequence === from && first) state = resume(ledger, first);
    progress(ledger.sequence);
  }
  if (next <= last) throw new ReplayError(`ledger ${next} is not in the corpus`);
  return report;
}

/** One ledger: what was refused before it, then its transactions, then the header and the entries. */
function replayLedger(
  state: LedgerState,
  passphrase: string,
  ledger: CorpusLedger,
  checkpoint: string[] | undefined,
  report: Report,
): void {
  const { sequence } = ledger;
  const differ = (difference: Omit<Difference, 'ledger'>): void => {
    report.differences.push({ ledger: sequence, ...difference });
  };
  const attempt = <T>(where: string, action: () => T): T | undefined => {
    const start = state.savepoint();
    try {
      return action();
    } catch (error) {
      if (error instanceof ReplayError || !(error instanceof Error)) throw error;
      state.rollback(start);
      differ({ where, expected: 'an answer', got: error.message });
      return undefined;
    }
  };

  // When a submission came in is not recorded: an upper time bound between the two closes may or may not have run out.
  const moments = [0n, BigInt(ledger.closeTime) - state.header.closeTime].map((drift) => CLOSE_AHEAD + drift);
  ledger.rejectedSinceLastClose.forEach((rejection, index) => {
    report.rejected += 1;
    const where = `rejection ${index + 1}`;
    const compared = attempt(where, () => {
      const each = moments.map((closeAhead) => compareRejection(state, passphrase, rejection, closeAhead));
      return each.find((one) => typeof one === 'string') ?? each[0];
    });
    if (compared === 'not comparable') report.notComparable += 1;
    else if (compared !== undefined && compared !== 'same') {
      differ({ ...compared, where: `${where}, ${compared.where}` });
    }
  });

  report.transactions += ledger.transactions.length;
  attempt('all transactions', () => {
    const charged = ledger.transactions.map(({ envelopeXdr, resultXdr }) =>
      chargedBy(ledger, { transaction: decodeEnvelope(envelopeXdr, passphrase) }, feeOf(resultXdr)),
    );
    const applied = applyLedger(state, charged, ledger.closeTime);
    applied.forEach(({ transaction, result, resultXdr }, index) => {
      const recorded = ledger.transactions[index]!;
      const where = `transaction ${index + 1} (${recorded.hash.slice(0, 8)})`;
      for (const { name, outcome } of result.operations) {
        const code = `${name}:${'code' in outcome ? outcome.code : 'success'}`;
        report.codes.set(code, (report.codes.get(code) ?? 0) + 1);
      }
      if (transaction.hash !== recorded.hash) {
        differ({ where: `${where}, hash`, expected: recorded.hash, got: transaction.hash });
      }
      if (resultXdr !== recorded.resultXdr) {
        const parting = resultDifference(recorded.resultXdr, resultXdr);
        differ({ ...parting, where: `${where}, ${parting.where}` });
      }
    });
    const hash = resultSetHash(applied);
    if (hash !== ledger.txSetResultHash) {
      differ({ where: 'header, txSetResultHash', expected: ledger.txSetResultHash, got: hash });
    }
  });

  for (const field of ['feePool', 'idPool'] as const) {
    const [expected, got] = [String(ledger[field]), String(state.header[field])];
    if (expected !== got) differ({ where: `header, ${field}`, expected, got });
  }
  const before = state.header.baseReserve;
  state.setHeader(upgraded(state.header, ledger));
  if (state.header.baseReserve > before) attempt('upgrade', () => raiseBaseReserve(state));
  state.commit();
  if (checkpoint) {
    report.differences.push(
      ...entryDifferences(sequence, recordedPicture(checkpoint), pictureOf(state.entries())),
    );
  }
}
