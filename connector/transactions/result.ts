import { StrKey } from '@stellar/stellar-sdk/base';
import * as xdr from '@stellar/stellar-sdk/xdr';
import type { ErrorCode } from '../errors.ts';
import { type AssetId, fromXdrAsset } from '../market/asset.ts';
import type { Quote } from '../market/quote.ts';

/** What the result XDR of a transaction says; fees and amounts in stroops. */
export interface DecodedResult {
  successful: boolean;
  feeCharged: bigint;
  /** Code of the transaction in the XDR's names, e.g. `txFailed`. */
  code: string;
  /** Code of the first operation that failed, e.g. `pathPaymentStrictSendUnderDestmin`. */
  operationCode: string | undefined;
  operations: readonly xdr.OperationResult[];
}

/** Of a fee bump: the result of the transaction inside, with what both were charged. Undefined when it is no TransactionResult. */
export function decodeResult(resultXdr: string): DecodedResult | undefined {
  try {
    const { feeCharged, result: outer } = xdr.TransactionResult.fromXdr(resultXdr, 'base64');
    const isBump = outer.type === 'txFeeBumpInnerSuccess' || outer.type === 'txFeeBumpInnerFailed';
    const result = isBump ? outer.innerResultPair.result.result : outer;
    const operations = result.type === 'txSuccess' || result.type === 'txFailed' ? result.results : [];
    const codes = operations.map((entry) => (entry.type === 'opInner' ? entry.tr.value.type : entry.type));
    return {
      successful: result.type === 'txSuccess',
      feeCharged,
      code: result.type,
      operationCode: codes.find((code) => !code.endsWith('Success')),
      operations,
    };
  } catch {
    return undefined;
  }
}

export interface Realized {
  amountIn: bigint;
  amountOut: bigint;
}

/**
 * What a swap really moved, from its result; undefined when the result contradicts the order: another operation,
 * destination or asset, less than the least accepted, more than the most paid.
 */
export function realizedAmounts(result: DecodedResult, quote: Quote, account: string): Realized | undefined {
  const [operation, ...others] = result.operations;
  if (!result.successful || others.length > 0 || operation?.type !== 'opInner') return undefined;
  const { tr } = operation;
  if (quote.side === 'SELL') {
    if (tr.type !== 'pathPaymentStrictSend') return undefined;
    const { value } = tr;
    if (value.type !== 'pathPaymentStrictSendSuccess') return undefined;
    const { last } = value.success;
    if (!isFor(last, account, quote.tokenOut) || last.amount < quote.minAmountOut) return undefined;
    return { amountIn: quote.amountIn, amountOut: last.amount };
  }
  if (tr.type !== 'pathPaymentStrictReceive') return undefined;
  const { value } = tr;
  if (value.type !== 'pathPaymentStrictReceiveSuccess') return undefined;
  const { last, offers } = value.success;
  const paid = offers.reduce((sum, atom) => {
    const { assetBought, amountBought } = atom.value;
    return fromXdrAsset(assetBought) === quote.tokenIn ? sum + amountBought : sum;
  }, 0n);
  if (!isFor(last, account, quote.tokenOut) || last.amount !== quote.amountOut) return undefined;
  return paid > 0n && paid <= quote.maxAmountIn ? { amountIn: paid, amountOut: last.amount } : undefined;
}

function isFor(last: xdr.SimplePaymentResult, account: string, asset: AssetId): boolean {
  const to = StrKey.encodeEd25519PublicKey(last.destination.value.toBytes());
  return to === account && fromXdrAsset(last.asset) === asset;
}

/** The error of the table for a result that is no success, with words for the client. */
export function explainFailure(result: DecodedResult): { code: ErrorCode; message: string } {
  const operation = result.operationCode ?? '';
  if (/(UnderDestmin|OverSendmax|DepositBadPrice|UnderMinimum)$/.test(operation)) {
    return { code: 'slippage-exceeded', message: 'the market moved beyond slippagePct' };
  }
  if (operation.endsWith('Underfunded') || result.code === 'txInsufficientBalance') {
    return { code: 'insufficient-balance', message: 'the account holds less than the swap needs' };
  }
  if (operation.endsWith('TooFewOffers')) {
    return { code: 'no-route-found', message: 'the market holds too few offers for this amount' };
  }
  const code = operation === '' ? result.code : operation;
  return { code: 'transaction-failed', message: `the ledger refused the transaction: ${code}` };
}
