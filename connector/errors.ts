import { CodedError } from '../common/errors.ts';

/**
 * The connector's one table of errors: HTTP status of the gateway's answer and, where the Gateway contract has one,
 * the code that the Hummingbot client switches on. The client retries RATE_LIMITED ("nothing was broadcast"), polls
 * after TRANSACTION_TIMEOUT ("was broadcast"), widens after SLIPPAGE_EXCEEDED and fails the order on anything else.
 */
const TABLE = {
  'invalid-params': { status: 400, gatewayCode: 'INVALID_PARAMS' },
  'not-found': { status: 404, gatewayCode: undefined },
  'body-refused': { status: 400, gatewayCode: 'INVALID_PARAMS' },
  'body-too-large': { status: 413, gatewayCode: 'INVALID_PARAMS' },
  'media-type': { status: 415, gatewayCode: 'INVALID_PARAMS' },
  'client-refused': { status: 403, gatewayCode: 'CLIENT_REFUSED' },
  'keys-refused': { status: 403, gatewayCode: 'KEYS_REFUSED' },
  'insufficient-balance': { status: 400, gatewayCode: 'INSUFFICIENT_BALANCE' },
  'no-route-found': { status: 400, gatewayCode: 'NO_ROUTE_FOUND' },
  'would-cross': { status: 400, gatewayCode: 'WOULD_CROSS' },
  'price-out-of-collar': { status: 400, gatewayCode: 'PRICE_OUT_OF_COLLAR' },
  conflict: { status: 409, gatewayCode: undefined },
  'key-busy': { status: 409, gatewayCode: undefined },
  'key-reused': { status: 422, gatewayCode: undefined },
  'dry-run': { status: 400, gatewayCode: 'DRY_RUN' },
  'slippage-exceeded': { status: 400, gatewayCode: 'SLIPPAGE_EXCEEDED' },
  'transaction-failed': { status: 400, gatewayCode: 'TRANSACTION_FAILED' },
  'transaction-timeout': { status: 504, gatewayCode: 'TRANSACTION_TIMEOUT' },
  'rate-limited': { status: 429, gatewayCode: 'RATE_LIMITED' },
  'signer-refused': { status: 403, gatewayCode: 'SIGNER_REFUSED' },
  'signer-unavailable': { status: 503, gatewayCode: 'SIGNER_UNAVAILABLE' },
  'signer-untrusted': { status: 502, gatewayCode: 'SIGNER_UNTRUSTED' },
  'ledger-unreachable': { status: 503, gatewayCode: 'LEDGER_UNREACHABLE' },
  'address-unknown': { status: 503, gatewayCode: 'LEDGER_UNREACHABLE' },
  'pin-mismatch': { status: 503, gatewayCode: 'LEDGER_UNREACHABLE' },
  'ledger-untrusted': { status: 502, gatewayCode: 'LEDGER_UNTRUSTED' },
  'network-mismatch': { status: 502, gatewayCode: 'LEDGER_UNTRUSTED' },
  'ledger-stale': { status: 503, gatewayCode: 'LEDGER_STALE' },
  'state-unavailable': { status: 503, gatewayCode: undefined },
  'client-gone': { status: 400, gatewayCode: undefined },
  'shutting-down': { status: 503, gatewayCode: undefined },
  'config-invalid': { status: 500, gatewayCode: undefined },
  internal: { status: 500, gatewayCode: undefined },
} as const;

export type ErrorCode = keyof typeof TABLE;

export const ERROR_CODES = Object.keys(TABLE) as ErrorCode[];

/** The row of the table; `internal` for anything that is not one of ours. */
export function errorRow(error: unknown): {
  code: ErrorCode;
  status: number;
  gatewayCode: string | undefined;
} {
  const code = error instanceof CodedError && error.code in TABLE ? (error.code as ErrorCode) : 'internal';
  return { code, ...TABLE[code] };
}

/** An error of the connector's table; `message` is shown to the client, `cause` only logged. */
export function connectorError(
  code: ErrorCode,
  message: string,
  options: { cause?: unknown; field?: string } = {},
): CodedError<ErrorCode> {
  return new CodedError(code, message, options);
}
