import type { StellarConnector } from '../api/v1alpha1.gen.ts';
import type { KubeObject } from '../kube/resource.ts';
import { child, podSelector, ports } from './names.ts';

/** The gateway's address within the cluster; health and metrics ports are reached at the pod. */
export function service(connector: StellarConnector): KubeObject {
  const { name } = connector.metadata;
  return child(connector, { apiVersion: 'v1', kind: 'Service' }, name, {
    spec: {
      type: 'ClusterIP',
      selector: podSelector(name),
      ports: [
        {
          name: 'gateway',
          port: ports.gateway,
          targetPort: 'gateway',
          protocol: 'TCP',
          appProtocol: 'https',
        },
      ],
    },
  });
}
