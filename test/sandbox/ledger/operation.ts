import type { LedgerState } from './state.ts';

/** `code` as in SEP-51 JSON without prefix, or an outer one that starts with `op_`; `success` is the arm's value. */
export type OperationOutcome = { success: unknown } | { code: string };

/** The threshold of the source account that an operation's signatures have to reach. */
export type Level = 'low' | 'medium' | 'high';

/** What the ledger knows besides its entries. */
export interface OperationContext {
  /** The highest sequence number that a transaction of this ledger uses of an account. */
  highestSequence(account: string): bigint | undefined;
}

/** One operation type; `Body` is its XDR struct in SEP-51 JSON. Addresses of `source` are G…. */
export interface OperationModule<Body> {
  level(body: Body): Level;
  /** What can be seen without the ledger; a code where it is malformed. */
  check(body: Body, source: string): string | undefined;
  /** Changes the state; after a `code` the caller rolls back. */
  apply(state: LedgerState, source: string, body: Body, context: OperationContext): OperationOutcome;
  /** The arm of OperationResultTr where it is another one than the operation's. */
  resultArm?: string;
}

/** Void arms of a success are their own name in SEP-51 JSON. */
export const DONE: OperationOutcome = { success: undefined };
