/** Bytes that are no envelope. */
export class MalformedEnvelope extends Error {
  override readonly name = 'MalformedEnvelope';
}

/** A real network would take it, this one does not know how: refused by name, never guessed. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly what: string;
  readonly operationIndex: number | undefined;
  /** Hash of the transaction, where it was refused while a ledger applied it. */
  transaction: string | undefined;
  constructor(what: string, operationIndex?: number) {
    super(
      `the sandbox does not do ${what}${operationIndex === undefined ? '' : ` (operation ${operationIndex})`}`,
    );
    this.what = what;
    this.operationIndex = operationIndex;
  }
}

/** Core throws there as well: the transaction ends as `tx_internal_error` and keeps nothing of its operations. */
export class InternalError extends Error {
  override readonly name = 'InternalError';
}
