import type { SigningPolicy, StellarConnector } from '../api/v1alpha1.gen.ts';

/**
 * The policies that apply to a connector: all of its namespace that name its account, whatever the connector says,
 * sorted by name.
 */
export function matchingPolicies(
  connector: StellarConnector,
  policies: readonly SigningPolicy[],
): SigningPolicy[] {
  return policies
    .filter(({ metadata, spec }) => {
      return (
        metadata.namespace === connector.metadata.namespace && spec.accounts.includes(connector.spec.account)
      );
    })
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}
