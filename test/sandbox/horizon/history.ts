import { StrKey } from '@stellar/stellar-sdk/base';
import { accountOf } from '../ledger/address.ts';
import type { AppliedTransaction, ClosedLedger } from '../ledger/close.ts';
import type { Change } from '../ledger/entries.ts';
import { feeSourceOf, type Operation } from '../ledger/envelope.ts';
import { succeeded } from '../ledger/result.ts';
import type { View } from '../network.ts';
import { ledgerOf, tokenOf } from './page.ts';
import { accountId, poolIdOf } from './parameters.ts';
import { badField, problem } from './problems.ts';

/** An operation of a transaction that a ledger has. */
export interface AppliedOperation {
  applied: AppliedTransaction;
  operation: Operation;
  id: bigint;
  /** G…, and as it is written. */
  source: string;
  sourceAddress: string;
  /** The arm's value of its result; undefined where it has none or the transaction failed. */
  success: unknown;
  /** Entries that it wrote; none where the transaction failed. */
  changes: readonly Change[];
}

export function operationsOf(applied: AppliedTransaction): AppliedOperation[] {
  const { transaction, result, ledger, order, changes } = applied;
  return transaction.operations.map((operation, index) => {
    const outcome = result.operations[index]?.outcome;
    return {
      applied,
      operation,
      id: tokenOf(ledger, order, index + 1),
      source: operation.source ?? transaction.source,
      sourceAddress: operation.sourceAddress ?? transaction.sourceAddress,
      success: succeeded(result) && outcome && 'success' in outcome ? outcome.success : undefined,
      changes: changes.operations[index] ?? [],
    };
  });
}

/** Who an operation names besides its source, under the names of its struct. */
interface Named {
  destination?: string;
  trustor?: string;
}

/** Whose lists have the operation: its source and who it names; not the owners of offers that it takes. */
export function participantsOf({ operation, source }: AppliedOperation): string[] {
  if (operation.name === 'account_merge') return [source, accountOf(operation.body as string)];
  const { destination, trustor } = (operation.body ?? {}) as Named;
  return [source, destination, trustor].flatMap((address) => (address ? [accountOf(address)] : []));
}

/** Whether an account's list has the transaction, failed or not: who pays, or takes part in an operation. */
const takesPart = (applied: AppliedTransaction, account: string): boolean =>
  applied.transaction.source === account ||
  feeSourceOf(applied.transaction) === account ||
  operationsOf(applied).some((operation) => participantsOf(operation).includes(account));

const writesPool = (changes: readonly Change[], id: string): boolean =>
  changes.some(({ before, after }) => {
    const entry = after ?? before;
    return entry?.type === 'pool' && entry.id === id;
  });

/** What a list is limited to by its path. */
export interface Scope {
  ledger?: number;
  account?: string;
  pool?: string;
  /** The hash by which the ledger knows it. */
  transaction?: string;
  operation?: bigint;
}

export function readHash(hash: string): string {
  if (/^[0-9a-f]{64}$/.test(hash)) return hash;
  throw badField('tx_id', 'Transaction hash must be a hex-encoded, lowercase SHA-256 hash');
}

function readSequence(id: string): number {
  if (/^\d{1,10}$/.test(id) && Number(id) > 0) return Number(id);
  throw badField('ledger_id', 'Ledger ID must be an integer higher than 0');
}

/** @throws HorizonProblem for one that is not kept, or not there yet */
export function keptLedger({ ledgers }: View, sequence: number): ClosedLedger {
  const first = ledgers[0]!.sequence;
  if (sequence < first) throw problem('before_history');
  const found = ledgers[sequence - first];
  if (!found) throw problem('not_found');
  return found;
}

export const readLedgerId = (view: View, id: string): ClosedLedger => keptLedger(view, readSequence(id));

export function readOperationId(id: string, field: string): bigint {
  if (/^\d{1,19}$/.test(id) && BigInt(id) < 2n ** 63n) return BigInt(id);
  throw badField(field, `schema: error converting value for "${field}"`);
}

const anywhere = ({ ledgers }: View, holds: (applied: AppliedTransaction) => boolean): boolean =>
  ledgers.some(({ transactions }) => transactions.some(holds));

/** The scope of `/<parent>/<id>/…`; all of the history without. What is not known there is not found. */
export function readScope(view: View, parent: string | undefined, id = ''): Scope {
  switch (parent) {
    case 'ledgers': {
      // Of a ledger before the history only the ledger itself is gone, its lists were never there.
      const ledger = readSequence(id);
      if (ledger < view.ledgers[0]!.sequence || ledger > view.latest.sequence) throw problem('not_found');
      return { ledger };
    }
    case 'accounts': {
      const account = accountId('account_id', id);
      const known = view.state.account(account) || anywhere(view, (applied) => takesPart(applied, account));
      if (!known) throw problem('not_found');
      return { account };
    }
    case 'liquidity_pools': {
      const pool = poolIdOf('liquidity_pool_id', id);
      const known =
        view.state.pool(pool) ||
        anywhere(view, ({ changes }) => changes.operations.some((some) => writesPool(some, pool)));
      if (!known) throw problem('not_found');
      return { pool };
    }
    case 'transactions': {
      const applied = view.transaction(readHash(id));
      if (!applied) throw problem('not_found');
      return { ledger: applied.ledger, transaction: applied.transaction.hash };
    }
    case 'operations': {
      const operation = readOperationId(id, 'op_id');
      return { ledger: ledgerOf(operation), operation };
    }
    default:
      return {};
  }
}

/** Transactions of a ledger within a scope; failed ones where they are asked for, or one by its hash. */
export function transactionsIn(scope: Scope, ledger: ClosedLedger, failed: boolean): AppliedTransaction[] {
  if (scope.ledger !== undefined && scope.ledger !== ledger.sequence) return [];
  return ledger.transactions.filter(
    (applied) =>
      (scope.transaction === undefined
        ? failed || succeeded(applied.result)
        : scope.transaction === applied.transaction.hash) &&
      (scope.account === undefined || takesPart(applied, scope.account)) &&
      (scope.pool === undefined ||
        applied.changes.operations.some((changes) => writesPool(changes, scope.pool!))),
  );
}

/** Operations of a ledger within a scope; that of an account is for the caller to narrow. */
export function operationsIn(scope: Scope, ledger: ClosedLedger, failed: boolean): AppliedOperation[] {
  const { account: _, ...rest } = scope;
  return transactionsIn(rest, ledger, failed)
    .flatMap(operationsOf)
    .filter(
      ({ id, changes }) =>
        (scope.operation === undefined || scope.operation === id) &&
        (scope.pool === undefined || writesPool(changes, scope.pool)),
    );
}

/** An address under `name`, and where it is muxed, as it is written and its id; Go leaves out an id of zero. */
export function accountFields(name: string, address: string): Record<string, string> {
  if (!address.startsWith('M')) return { [name]: address };
  const id = Buffer.from(StrKey.decodeMed25519PublicKey(address)).readBigUInt64BE(32);
  return {
    [name]: accountOf(address),
    [`${name}_muxed`]: address,
    ...(id !== 0n && { [`${name}_muxed_id`]: String(id) }),
  };
}

const ESCAPES: Record<string, number> = { '0': 0, t: 9, n: 10, r: 13 };

/** The text of an escaped SEP-51 string. */
export function unescaped(escaped: string): string {
  const parts = escaped.split(/(\\x[0-9a-f]{2}|\\.)/).map((part) => {
    if (!part.startsWith('\\')) return Buffer.from(part);
    if (part.length === 4) return Buffer.from(part.slice(2), 'hex');
    const code = ESCAPES[part[1]!];
    return code === undefined ? Buffer.from(part[1]!) : Buffer.of(code);
  });
  return Buffer.concat(parts).toString('utf8');
}

/** `include_failed` of a list, as Go reads a boolean. */
export function readIncludeFailed(query: URLSearchParams): boolean {
  const text = query.get('include_failed') ?? '';
  if (/^(|0|f|F|FALSE|false|False)$/.test(text)) return false;
  if (/^(on|1|t|T|TRUE|true|True)$/.test(text)) return true;
  throw badField('include_failed', 'Filter should be true or false');
}
