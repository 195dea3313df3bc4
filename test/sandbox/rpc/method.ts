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

/** A method of the interface; it takes its parameters as they came. */
export interface Method {
  name: string;
  /** @throws RpcError */
  call(context: RpcContext, parameters: unknown): unknown;
}

export const method = <S extends Shape>(
  name: string,
  shape: S,
  handle: (context: RpcContext, parameters: Parameters<S>) => unknown,
): Method => ({
  name,
  call: (context, parameters) =>
    handle(
      context,
      readParameters(parameters, shape, `${name.replace(/^./, (c) => c.toUpperCase())}Request`),
    ),
});

/** Which ledgers there are, and when the first and the last closed: in Unix seconds, mostly as text. */
export function ledgerRange(
  { network: { ledgers, latest } }: RpcContext,
  suffix = 'CloseTime',
  write: (seconds: number) => unknown = String,
) {
  const oldest = ledgers[0]!;
  return {
    latestLedger: latest.sequence,
    [`latestLedger${suffix}`]: write(latest.closeTime),
    oldestLedger: oldest.sequence,
    [`oldestLedger${suffix}`]: write(oldest.closeTime),
  };
}

/** What is wrong with `xdrFormat`. */
export const formatFault = (format: string): string | undefined =>
  ['', 'base64', 'json'].includes(format)
    ? undefined
    : `got '${format}': expected base64, json for optional 'xdrFormat'`;

/** @throws RpcError */
export function checkFormat(format: string): void {
  const fault = formatFault(format);
  if (fault !== undefined) throw rpcError('invalid_params', fault);
}
