/**
 * Two connectors on one account and network would race for its sequence numbers, each with spending windows of its
 * own: only one goes on, the one that has signed already, else the older.
 */
import type { StellarConnector } from '../api/v1alpha1.gen.ts';
import { onSameNetwork } from './network.ts';
import type { Problem } from './problems.ts';

/** True when both are on one account and network, and not the same object. */
export function areRivals(a: StellarConnector, b: StellarConnector): boolean {
  return titleOf(a) !== titleOf(b) && a.spec.account === b.spec.account && onSameNetwork(a.spec, b.spec);
}

/**
 * The rival that has the account, if there is one among `all`. One that is being deleted has it until it is gone, since
 * its pod may still sign; one that is paused may go on at any time.
 */
export function accountInUse(
  connector: StellarConnector,
  all: readonly StellarConnector[],
): Problem | undefined {
  const [holder] = all
    .filter((other) => areRivals(connector, other) && isFirst(other, connector))
    .sort(byRank);
  if (holder === undefined) return undefined;
  const { network, account } = connector.spec;
  return {
    reason: 'AccountInUse',
    message:
      `StellarConnector ${titleOf(holder)} has account ${account} on network ${network}: ` +
      'delete one of the two; this one goes on when the other is gone',
  };
}

const isFirst = (a: StellarConnector, b: StellarConnector): boolean => byRank(a, b) < 0;

/**
 * One whose journal is recorded first, then by time of creation, then uid; what was never in a cluster (`render`) comes
 * last, by name.
 */
function byRank(a: StellarConnector, b: StellarConnector): number {
  const [left, right] = [rankOf(a), rankOf(b)];
  const at = left.findIndex((value, index) => value !== right[index]);
  return at < 0 ? 0 : left[at]! < right[at]! ? -1 : 1;
}

/** RFC 3339 in UTC with whole seconds, as the API server writes it, so that texts compare as times; `~` is after all. */
function rankOf({ metadata, status }: StellarConnector): string[] {
  const journal = status?.journal === undefined ? '~' : '';
  return [
    journal,
    metadata.creationTimestamp ?? '~',
    metadata.uid ?? '~',
    metadata.namespace ?? '',
    metadata.name,
  ];
}

function titleOf({ metadata: { namespace, name } }: StellarConnector): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}
