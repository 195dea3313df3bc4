import type { Network } from '../network.ts';
import { rpcError } from './errors.ts';
import { type Parameters, readParameters, type Shape } from './parameters.ts';

export interface RpcContext {
  network: Network;
  /** Milliseconds since the epoch. */
  clock: () => number;
  /** How many ledgers the network keeps. */
  retain: number;
}

/** A method of the interface; its parameters as they came. */
export interface Method {
  name: string;
  /** @throws RpcError */
  call(context: RpcContext, parameters: unknown): unknown;
}

const capitalized = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

export const method = <S extends Shape>(
  name: string,
  shape: S,
  handle: (context: RpcContext, parameters: Parameters<S>) => unknown,
): Method => ({
  name,
  call: (context, parameters) =>
    handle(context, readParameters(parameters, shape, `${capitalized(name)}Request`)),
});

export type Format = '' | 'base64' | 'json';

/** What is wrong with `xdrFormat`. */
export const formatFault = (format: string): string | undefined =>
  ['', 'base64', 'json'].includes(format)
    ? undefined
    : `got '${format}': expected base64, json for optional 'xdrFormat'`;

export function checkFormat(format: string): void {
  const fault = formatFault(format);
  if (fault !== undefined) throw rpcError('invalid_params', fault);
}

/** Which ledgers there are, and when the first and the last closed: numbers, in Unix seconds. */
export function ledgerRange({ network }: RpcContext) {
  const { latest } = network;
  const oldest = network.ledgers[0]!;
  return {
    latest: latest.sequence,
    latestCloseTime: latest.closeTime,
    oldest: oldest.sequence,
    oldestCloseTime: oldest.closeTime,
  };
}

/** Close times are texts here, other than in `getTransactions` and `getLedgers`. */
export function rangeAnswer(context: RpcContext) {
  const range = ledgerRange(context);
  return {
    latestLedger: range.latest,
    latestLedgerCloseTime: String(range.latestCloseTime),
    oldestLedger: range.oldest,
    oldestLedgerCloseTime: String(range.oldestCloseTime),
  };
}
