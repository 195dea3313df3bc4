import { xdr } from '@stellar/stellar-sdk/base';
import type { OperationName } from '../ledger/operations.ts';
import { succeeded } from '../ledger/result.ts';
import {
  type AppliedOperation,
  accountFields,
  keptLedger,
  operationsIn,
  operationsOf,
  participantsOf,
  readIncludeFailed,
  readOperationId,
  readScope,
} from './history.ts';
import { type HorizonRequest, link, ok, type Route } from './http.ts';
import { operationDetails } from './operation_details.ts';
import { historyList, isNumberCursor, type Listing, ledgerOf, listRoute } from './page.ts';
import { formatTime } from './parameters.ts';
import { badField, problem } from './problems.ts';
import { transactionResource } from './transactions.ts';

/** Its number in OperationType, whose members have names in camel case. */
function typeNumber(name: OperationName): number {
  const member = name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  return xdr.OperationType.fromName(member as never).value;
}

const PAYMENTS: readonly string[] = [
  'create_account',
  'payment',
  'path_payment_strict_receive',
  'path_payment_strict_send',
  'account_merge',
];

function resource(of: AppliedOperation, base: string, joined: boolean) {
  const { applied, operation, sourceAddress } = of;
  const id = String(of.id);
  const self = `${base}/operations/${id}`;
  const { hash } = applied.transaction;
  return {
    _links: {
      self: link(self),
      transaction: link(`${base}/transactions/${hash}`),
      effects: link(`${self}/effects`),
      succeeds: link(`${base}/effects?order=desc&cursor=${id}`),
      precedes: link(`${base}/effects?order=asc&cursor=${id}`),
    },
    id,
    paging_token: id,
    transaction_successful: succeeded(applied.result),
    ...accountFields('source_account', sourceAddress),
    type: operation.name,
    type_i: typeNumber(operation.name),
    created_at: formatTime(applied.closeTime),
    transaction_hash: hash,
    ...(joined && { transaction: transactionResource(applied, base) }),
    ...operationDetails(of),
  };
}

/** Whether each operation carries its transaction. */
function readJoin(query: URLSearchParams): boolean {
  const join = query.get('join') ?? '';
  if (join !== '' && join !== 'transactions') throw badField('join', 'Accepted values: transactions');
  return join !== '';
}

/** GET /operations/{id} */
export const operation: Route = {
  method: 'GET',
  pattern: /^\/operations\/([^/]+)$/,
  handle({ network, base, query, parameters: [text = ''] }) {
    const id = readOperationId(text, 'id');
    const joined = readJoin(query);
    const { transactions } = keptLedger(network, ledgerOf(id));
    const found = transactions.flatMap(operationsOf).find((one) => one.id === id);
    if (!found) throw problem('not_found');
    return ok(resource(found, base, joined));
  },
};

const list = (request: HorizonRequest, isListed: (name: string) => boolean): Listing =>
  historyList(request, isNumberCursor, () => {
    const { network, base, query, parameters } = request;
    const failed = readIncludeFailed(query);
    const joined = readJoin(query);
    const scope = readScope(network, parameters[0], parameters[1]);
    return (ledger) =>
      operationsIn(scope, ledger, failed)
        .filter((one) => isListed(one.operation.name))
        .filter((one) => scope.account === undefined || participantsOf(one).includes(scope.account))
        .map((one) => ({ token: String(one.id), render: () => resource(one, base, joined) }));
  });

/** GET /operations, and those of a ledger, an account, a transaction or a pool */
export const operations = listRoute(
  /^(?:\/(accounts|ledgers|liquidity_pools|transactions)\/([^/]+))?\/operations$/,
  (request) => list(request, () => true),
);

/** GET /payments: the operations that may move lumens or assets from one account to another */
export const payments = listRoute(/^(?:\/(accounts|ledgers|transactions)\/([^/]+))?\/payments$/, (request) =>
  list(request, (name) => PAYMENTS.includes(name)),
);
