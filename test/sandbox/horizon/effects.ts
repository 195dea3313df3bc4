import { succeeded } from '../ledger/result.ts';
import { effectsOf } from './effect_details.ts';
import { type AppliedOperation, accountFields, operationsIn, readScope } from './history.ts';
import { link } from './http.ts';
import { historyList, isPairCursor, listRoute, type Row } from './page.ts';
import { formatTime } from './parameters.ts';

function rowsOf(of: AppliedOperation, account: string | undefined, base: string): Row[] {
  return effectsOf(of).flatMap(({ address, type, number, details }, index) => {
    const fields = accountFields('account', address);
    if (account !== undefined && fields.account !== account) return [];
    const token = `${of.id}-${index + 1}`;
    const render = () => ({
      _links: {
        operation: link(`${base}/operations/${of.id}`),
        succeeds: link(`${base}/effects?order=desc&cursor=${token}`),
        precedes: link(`${base}/effects?order=asc&cursor=${token}`),
      },
      id: `${String(of.id).padStart(19, '0')}-${String(index + 1).padStart(10, '0')}`,
      paging_token: token,
      ...fields,
      type,
      type_i: number,
      created_at: formatTime(of.applied.closeTime),
      ...details,
    });
    return [{ token, render }];
  });
}

/** GET /effects, and those of a ledger, an account, a transaction, an operation or a pool */
export const effects = listRoute(
  /^(?:\/(accounts|ledgers|liquidity_pools|operations|transactions)\/([^/]+))?\/effects$/,
  (request) =>
    historyList(request, isPairCursor, () => {
      const { network, base, parameters } = request;
      const scope = readScope(network, parameters[0], parameters[1]);
      return (ledger) =>
        operationsIn(scope, ledger, false)
          .filter(({ applied }) => succeeded(applied.result))
          .flatMap((of) => rowsOf(of, scope.account, base));
    }),
);
