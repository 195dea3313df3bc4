/**
 * What the API has and this version does not carry out. A field that is silently ignored would be a promise broken:
 * each is refused by name until it works.
 */
import type { SigningPolicy, StellarConnector, StellarConnectorSpec } from '../api/v1alpha1.gen.ts';
import type { Problem } from './problems.ts';

/** Which fields are set that this version cannot carry out, and what to do instead. */
function laterFields(spec: StellarConnectorSpec): [set: boolean, field: string, advice: string][] {
  const { gateway, monitoring } = spec;
  return [
    [gateway.tls.secretName !== undefined, 'gateway.tls.secretName', 'use selfSigned'],
    [gateway.tls.certManager !== undefined, 'gateway.tls.certManager', 'use selfSigned'],
    [monitoring.podMonitor, 'monitoring.podMonitor', 'set it to false and make the PodMonitor yourself'],
  ];
}

/** The first such field of the connector or of a policy that applies to it. */
export function unsupportedFields(
  { spec }: StellarConnector,
  policies: readonly SigningPolicy[],
): Problem | undefined {
  const found = laterFields(spec).find(([set]) => set);
  if (found !== undefined) {
    const [, field, advice] = found;
    return {
      reason: 'FieldNotSupported',
      message: `spec.${field} is not supported by this version: ${advice}`,
    };
  }
  return policies.map(unsupportedInPolicy).find((problem) => problem !== undefined);
}

/** `Required` promises a lock that this version does not have; to run without it must be somebody's decision. */
function unsupportedInPolicy({ metadata, spec }: SigningPolicy): Problem | undefined {
  const refuse = (field: string, advice: string): Problem => ({
    reason: 'FieldNotSupported',
    message: `SigningPolicy ${metadata.name}: spec.egress.${field} is not supported by this version: ${advice}`,
  });
  if (spec.egress.enforcement === 'Required') {
    return refuse(
      'enforcement Required',
      'set it to Warn if the cluster is known to enforce NetworkPolicies',
    );
  }
  return (spec.egress.extra ?? []).length > 0 ? refuse('extra', 'remove it') : undefined;
}
