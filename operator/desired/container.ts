/** What both containers have in common: the pod security standard `restricted`, and probes over TLS. */
import type { V1Probe, V1ResourceRequirements, V1SecurityContext } from '@kubernetes/client-node';
import type { StellarConnectorSpecPodTemplateResourcesSigner } from '../api/v1alpha1.gen.ts';

/** Pod Security Standard `restricted`, and a root file system that nothing can write to. */
export function restricted(user: number): V1SecurityContext {
  return {
    runAsUser: user,
    runAsGroup: user,
    runAsNonRoot: true,
    allowPrivilegeEscalation: false,
    privileged: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  };
}

/** A GET over TLS; the kubelet does not verify the certificate. */
export function probe(path: string, port: string, timing: Omit<V1Probe, 'httpGet'>): V1Probe {
  return { httpGet: { scheme: 'HTTPS', path, port }, timeoutSeconds: 5, ...timing };
}

/** Environment variables in the form of a container. */
export function envOf(values: Readonly<Record<string, string>>): { name: string; value: string }[] {
  return Object.entries(values).map(([name, value]) => ({ name, value }));
}

/** Requests and limits with every quantity as a string, the form in which the API server returns them. */
export function resourcesOf(given: StellarConnectorSpecPodTemplateResourcesSigner): V1ResourceRequirements {
  const strings = (of: Record<string, number | string>) =>
    Object.fromEntries(Object.entries(of).map(([name, quantity]) => [name, String(quantity)]));
  return {
    ...(given.requests === undefined ? {} : { requests: strings(given.requests) }),
    ...(given.limits === undefined ? {} : { limits: strings(given.limits) }),
  };
}
