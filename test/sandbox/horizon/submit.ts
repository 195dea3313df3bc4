import { whenApplied } from '../applied.ts';
import type { AppliedTransaction } from '../ledger/close.ts';
import { type DecodedTransaction, decodeEnvelope } from '../ledger/envelope.ts';
import { MalformedEnvelope, Refused } from '../ledger/errors.ts';
import { horizonCodes, resultToXdr, succeeded, type TransactionResult } from '../ledger/result.ts';
import type { Submission } from '../network.ts';
import { type Answer, type HorizonRequest, ok, type Route } from './http.ts';
import { problem, refusal } from './problems.ts';
import { transactionResource } from './transactions.ts';

/** Refusals of the ledger as an answer. */
function refusing<T>(envelopeXdr: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    throw refusal(400, error.message, {
      refused: error.what,
      ...(error.operationIndex !== undefined && { operation_index: error.operationIndex }),
      envelope_xdr: envelopeXdr,
    });
  }
}

/** The envelope of a form body, decoded. `extras` is what else the endpoint says about one that it cannot read. */
function readEnvelope(request: HorizonRequest, extras: Record<string, unknown>): DecodedTransaction {
  if (!request.contentType.startsWith('application/x-www-form-urlencoded')) {
    throw problem('unsupported_media_type');
  }
  const envelopeXdr = new URLSearchParams(request.body).get('tx') ?? request.query.get('tx') ?? '';
  try {
    return refusing(envelopeXdr, () => decodeEnvelope(envelopeXdr, request.network.passphrase));
  } catch (error) {
    if (!(error instanceof MalformedEnvelope)) throw error;
    throw problem('transaction_malformed', { envelope_xdr: envelopeXdr, ...extras });
  }
}

const submitTo = ({ network }: HorizonRequest, { envelopeXdr }: DecodedTransaction): Submission =>
  refusing(envelopeXdr, () => network.submit(envelopeXdr));

const failed = ({ envelopeXdr }: DecodedTransaction, result: TransactionResult) =>
  problem('transaction_failed', {
    envelope_xdr: envelopeXdr,
    result_codes: horizonCodes(result),
    result_xdr: resultToXdr(result).toXdr('base64'),
  });

/** What became of a transaction within `submitTimeoutMs`, unless the client goes before. */
async function waitFor(
  { network, signal, submitTimeoutMs }: HorizonRequest,
  hash: string,
): Promise<AppliedTransaction | undefined> {
  const enough = new AbortController();
  const timer = setTimeout(() => enough.abort(), submitTimeoutMs);
  const found = await whenApplied(network, hash, AbortSignal.any([signal, enough.signal]));
  clearTimeout(timer);
  return found;
}

/** @param hash of what was sent: its inner transaction may be what a fee bump brought into a ledger */
function answerApplied(found: AppliedTransaction, base: string, hash: string): Answer {
  if (!succeeded(found.result)) throw failed(found.transaction, found.result);
  return ok(transactionResource(found, base, hash));
}

/**
 * POST /transactions: waits until a ledger has the transaction. TRY_AGAIN_LATER looks like a long wait, so a 504 does
 * not say that the network took it.
 */
export const submit: Route = {
  method: 'POST',
  pattern: /^\/transactions$/,
  async handle(request) {
    const { network, base } = request;
    const decoded = readEnvelope(request, {});
    const known = network.transaction(decoded.hash);
    if (known) return answerApplied(known, base, decoded.hash);
    const submission = submitTo(request, decoded);
    if (submission.status === 'ERROR') throw failed(decoded, submission.result);
    const found = await waitFor(request, decoded.hash);
    if (found) return answerApplied(found, base, decoded.hash);
    throw problem('transaction_submission_timeout', {
      envelope_xdr: decoded.envelopeXdr,
      hash: decoded.hash,
    });
  },
};

const ASYNC_STATUS = { PENDING: 201, DUPLICATE: 409, TRY_AGAIN_LATER: 503, ERROR: 400 };

/** POST /transactions_async: core's own word, at once. */
export const submitAsync: Route = {
  method: 'POST',
  pattern: /^\/transactions_async$/,
  handle(request) {
    const decoded = readEnvelope(request, { error: {} });
    const submission = submitTo(request, decoded);
    return {
      status: ASYNC_STATUS[submission.status],
      body: {
        ...(submission.status === 'ERROR' && {
          error_result_xdr: resultToXdr(submission.result).toXdr('base64'),
        }),
        tx_status: submission.status,
        hash: decoded.hash,
      },
    };
  },
};
