import * as xdr from '@stellar/stellar-sdk/xdr';
import { connectorError, type ErrorCode } from '../errors.ts';
import { formatFee } from '../market/amount.ts';
import type { Found, Outcome } from './decide.ts';
import type { StoredEnding } from './records.ts';
import { type DecodedResult, explainFailure } from './result.ts';
import type { Ending } from './types.ts';

/** The operations of one intent in its transaction. */
export interface Share {
  first: number;
  count: number;
}

/** How one intent ended, and whether it may be tried again in another transaction: its own part did nothing wrong. */
export interface Verdict {
  ending: StoredEnding;
  again: boolean;
}

/**
 * Pure: what the fate of a transaction is for one of its intents. `operations` is how many the transaction has. An
 * intent may be tried again only when no ledger can hold the transaction any more, or one does and it failed there: no
 * other outcome exists. A number that another transaction took (txBadSeq) is no fault of any intent.
 */
export function verdict(
  outcome: Outcome,
  { hash, operations }: { hash: string; operations: number },
  share: Share,
): Verdict {
  switch (outcome.kind) {
    case 'applied':
      return { ending: applied(outcome.found, operations, share), again: false };
    case 'failed': {
      const { ledger, result } = outcome.found;
      const isInnocent = !isCulprit(result, operations, share);
      const { code, message } = isInnocent ? OTHERS : explainFailure(ownResult(result, share));
      const ending: StoredEnding = {
        ...{ kind: 'failed', ledger, code, fee: String(feeShare(result.feeCharged, operations, share)) },
        message: `Transaction ${hash} failed in ledger ${ledger}: ${message}`,
      };
      return { ending, again: isInnocent };
    }
    case 'expired': {
      const { refusal, rateLimited } = outcome;
      if (rateLimited) {
        const why = 'the servers limit our requests; no ledger took it';
        return { ending: dead('rate-limited', hash, why), again: false };
      }
      if (refusal === undefined) {
        const why = 'no ledger took it before its time passed; nothing was traded';
        return { ending: dead('transaction-failed', hash, why), again: false };
      }
      const { result, reason } = refusal;
      if (result === undefined) return { ending: dead('transaction-failed', hash, reason), again: false };
      const isInnocent = !isCulprit(result, operations, share);
      const { code, message } = isInnocent ? OTHERS : explainFailure(ownResult(result, share));
      const again = isInnocent || result.code === 'txBadSeq';
      return { ending: dead(code, hash, `it was refused: ${message}`), again };
    }
    case 'unsent': {
      const why = 'no server could be reached; nothing was sent';
      return { ending: dead('ledger-unreachable', hash, why), again: false };
    }
  }
}

const OTHERS = {
  code: 'transaction-failed',
  message: 'another order in it could not be done, so nothing of it was',
} as const;

const dead = (code: ErrorCode, hash: string, message: string): StoredEnding => ({
  ...{ kind: 'dead', code, message: `Transaction ${hash}: ${message}` },
});

function applied({ ledger, result }: Found, operations: number, share: Share): StoredEnding {
  return {
    ...{ kind: 'applied', ledger, fee: String(feeShare(result.feeCharged, operations, share)) },
    results: result.operations.slice(share.first, share.first + share.count).map((it) => it.toXdr('base64')),
  };
}

/** Its part of what was charged, stroops; the first intent pays what does not divide. */
function feeShare(charged: bigint, operations: number, { first, count }: Share): bigint {
  const each = charged / BigInt(operations);
  return each * BigInt(count) + (first === 0 ? charged - each * BigInt(operations) : 0n);
}

const isSuccess = (result: xdr.OperationResult): boolean =>
  result.type === 'opInner' && result.tr.value.type.endsWith('Success');

/** One of its own operations failed, or the transaction as a whole, for which nobody else can be blamed. */
function isCulprit({ operations: results }: DecodedResult, operations: number, share: Share): boolean {
  if (results.length !== operations) return true;
  const own = results.slice(share.first, share.first + share.count);
  return own.some((it) => !isSuccess(it)) || results.every(isSuccess);
}

/** The result with the code of its own operation that failed. */
function ownResult(result: DecodedResult, { first, count }: Share): DecodedResult {
  const failed = result.operations.slice(first, first + count).find((it) => !isSuccess(it));
  if (failed === undefined) return result;
  return { ...result, operationCode: failed.type === 'opInner' ? failed.tr.value.type : failed.type };
}

/** The ending as the rooms that own intents read it. */
export function endingOf(
  hash: string,
  ending: StoredEnding | undefined,
  envelopeXdr: string,
): Ending | undefined {
  if (ending === undefined) return undefined;
  const { kind, ledger, message = '' } = ending;
  const code = (ending.code ?? 'transaction-failed') as ErrorCode;
  if (kind === 'dead') return { kind, hash, code, message };
  if (kind === 'failed') return { kind, hash, ledger, result: undefined, code, message };
  return {
    kind,
    receipt: {
      ...{ hash, ledger: ledger!, fee: BigInt(ending.fee!), envelopeXdr },
      results: ending.results!.map((it) => xdr.OperationResult.fromXdr(it, 'base64')),
    },
  };
}

/** The error of the table that an ending other than `applied` is for whoever waits. */
export const errorOf = ({ code, message }: StoredEnding) =>
  connectorError(code as ErrorCode, message ?? 'the transaction failed');

export const shuttingDown = () => connectorError('shutting-down', 'the connector is shutting down');

/** The client finds the hash by these words and polls it. */
export const timedOut = (hash: string) =>
  connectorError(
    'transaction-timeout',
    `Transaction ${hash} was not confirmed in time; it may still be applied`,
  );

/** Words for a transaction that was built and is neither signed nor sent (`--dry-run`). */
export const dryRunText = (operations: readonly xdr.OperationBody[], fee: bigint): string =>
  `dry run: nothing was signed or sent; it would be ${operations.map(({ type }) => type).join(', ')} ` +
  `for a fee of at most ${formatFee(fee)} XLM`;
