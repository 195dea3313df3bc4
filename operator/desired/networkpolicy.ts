/** Default deny both ways. What is let out: the pinned addresses, each at its port. There is no rule for DNS. */
import type { V1NetworkPolicyPeer } from '@kubernetes/client-node';
import type { StellarConnector } from '../api/v1alpha1.gen.ts';
import { destinations, rangeOf } from '../egress/pinned.ts';
import type { KubeObject } from '../kube/resource.ts';
import { child, operatorPodLabels, podSelector, ports } from './names.ts';

const tcp = (port: number) => ({ protocol: 'TCP', port });

/** The NetworkPolicy of the connector's pod; `operatorNamespace` is where the operator's pods run, if in the cluster. */
export function networkPolicy(
  connector: StellarConnector,
  operatorNamespace: string | undefined,
): KubeObject {
  const { name } = connector.metadata;
  const type = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' };
  return child(connector, type, name, {
    spec: {
      podSelector: { matchLabels: podSelector(name) },
      policyTypes: ['Ingress', 'Egress'],
      ingress: ingress(connector, operatorNamespace),
      egress: egress(connector),
    },
  });
}

/** One rule for each port, its addresses without repetition. */
function egress(connector: StellarConnector) {
  const byPort = Map.groupBy(destinations(connector), ({ port }) => port);
  return [...byPort].map(([port, at]) => ({
    to: [...new Set(at.map(({ ip }) => rangeOf(ip)))].map((cidr) => ({ ipBlock: { cidr } })),
    ports: [tcp(port)],
  }));
}

/** Bots to the gateway; operator and Prometheus to the ports that answer health, status and metrics. */
function ingress(connector: StellarConnector, operatorNamespace: string | undefined) {
  const { gateway, monitoring } = connector.spec;
  const bots: readonly unknown[] = gateway.from ?? [{ podSelector: {} }];
  const observers: V1NetworkPolicyPeer[] = [];
  if (operatorNamespace !== undefined) {
    observers.push({
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': operatorNamespace } },
      podSelector: { matchLabels: { ...operatorPodLabels } },
    });
  }
  if (monitoring.from !== undefined) observers.push({ namespaceSelector: monitoring.from });
  return [
    // An empty list of peers would mean everybody; an empty gateway.from means nobody.
    ...(bots.length === 0 ? [] : [{ from: bots, ports: [tcp(ports.gateway)] }]),
    ...(observers.length === 0
      ? []
      : [{ from: observers, ports: [tcp(ports.signer), tcp(ports.connector)] }]),
  ];
}
