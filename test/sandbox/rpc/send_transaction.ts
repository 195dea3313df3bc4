import { MalformedEnvelope, Refused } from '../ledger/errors.ts';
import { resultToXdr } from '../ledger/result.ts';
import type { Submission } from '../network.ts';
import { refusal, rpcError } from './errors.ts';
import { checkFormat, method, type RpcContext } from './method.ts';

function submit({ network }: RpcContext, envelopeXdr: string): Submission {
  try {
    return network.submit(envelopeXdr);
  } catch (error) {
    if (error instanceof MalformedEnvelope) throw rpcError('invalid_params', 'invalid_xdr');
    if (error instanceof Refused) throw refusal(error.what);
    throw error;
  }
}

/** Tells what the node made of it, and does not wait for a ledger. */
export const sendTransaction = method(
  'sendTransaction',
  { transaction: 'string', xdrFormat: 'string' },
  (context, { transaction, xdrFormat }) => {
    checkFormat(xdrFormat);
    const { latest } = context.network;
    const submission = submit(context, transaction);
    // A fault of the recorded server, which does not take the empty list of events that core sends.
    if (submission.status === 'ERROR' && xdrFormat === 'json')
      throw rpcError(
        'internal',
        "couldn't decode events: xdr:DecodeUint: EOF while decoding 4 bytes - read: '[]'",
      );
    return {
      ...(submission.status === 'ERROR' && {
        errorResultXdr: resultToXdr(submission.result).toXdr('base64'),
      }),
      status: submission.status,
      hash: submission.transaction.hash,
      latestLedger: latest.sequence,
      latestLedgerCloseTime: String(latest.closeTime),
    };
  },
);
