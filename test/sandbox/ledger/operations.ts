import { pathPaymentStrictReceive } from './path_payment_strict_receive.ts';
import { pathPaymentStrictSend } from './path_payment_strict_send.ts';
import type { LedgerState } from './state.ts';

/** `code` as in SEP-51 JSON without prefix, or an outer one that starts with `op_`; `success` is the arm's value. */
export type OperationOutcome = { success: unknown } | { code: string };

/** One operation type; `Body` is its XDR struct in SEP-51 JSON. */
export interface OperationModule<Body> {
  /** What can be seen without the ledger; a code where it is malformed. */
  check(body: Body): string | undefined;
  /** Changes the state; after a `code` the caller rolls back. */
  apply(state: LedgerState, source: string, body: Body): OperationOutcome;
}

/** By the name on the wire. What is not here is refused by that name. */
const modules = {
  path_payment_strict_receive: pathPaymentStrictReceive,
  path_payment_strict_send: pathPaymentStrictSend,
};

export type OperationName = keyof typeof modules;

export const isServed = (name: string): name is OperationName => Object.hasOwn(modules, name);

export const operationModule = (name: OperationName): OperationModule<unknown> =>
  modules[name] as OperationModule<unknown>;
