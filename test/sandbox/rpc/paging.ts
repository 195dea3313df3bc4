import { rpcError } from './errors.ts';
import { formatFault, ledgerRange, type RpcContext } from './method.ts';

export const PAGE_SHAPE = {
  startLedger: 'uint32',
  pagination: { cursor: 'string', limit: 'uint' },
  xdrFormat: 'string',
} as const;

export interface PageRequest {
  readonly startLedger: number;
  readonly pagination: { readonly cursor: string; readonly limit: number };
  readonly xdrFormat: string;
}

const MAX_LIMIT = 200;
const DEFAULT_LIMIT = 50;

/**
 * How many records a page may have.
 * @throws RpcError
 */
export function checkPage(context: RpcContext, { startLedger, pagination, xdrFormat }: PageRequest): number {
  const { cursor, limit } = pagination;
  const { oldestLedger, latestLedger } = ledgerRange(context);
  const faults: string[] = [];
  if (cursor !== '' && startLedger !== 0)
    faults.push(`startLedger (${startLedger}) and cursor (${cursor}) cannot both be set`);
  else if (cursor === '' && (startLedger < oldestLedger || startLedger > latestLedger))
    faults.push(
      `start ledger (${startLedger}) must be between the oldest ledger: ${oldestLedger} and the latest ledger: ${latestLedger} for this rpc instance`,
    );
  else if (limit > MAX_LIMIT) faults.push(`limit must not exceed ${MAX_LIMIT}`);
  const format = formatFault(xdrFormat);
  if (format !== undefined) faults.push(format);
  if (faults.length > 0) throw rpcError('invalid_request', faults.join('\n'));
  return limit || DEFAULT_LIMIT;
}

/**
 * A decimal as Go's strconv reads it.
 * @throws RpcError
 */
export function parseCursor(text: string, of: 'ParseInt' | 'ParseUint'): bigint {
  const [pattern, minimum, maximum] =
    of === 'ParseInt' ? [/^[+-]?\d+$/, -(2n ** 63n), 2n ** 63n - 1n] : [/^\d+$/, 0n, 2n ** 32n - 1n];
  const fault = (what: string) =>
    rpcError('invalid_params', `strconv.${of}: parsing ${JSON.stringify(text)}: ${what}`);
  if (!pattern.test(text)) throw fault('invalid syntax');
  const value = text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text.replace('+', ''));
  if (value < minimum || value > maximum) throw fault('value out of range');
  return value;
}
