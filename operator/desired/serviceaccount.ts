import type { StellarConnector } from '../api/v1alpha1.gen.ts';
import type { KubeObject } from '../kube/resource.ts';
import { child } from './names.ts';

/** An identity without rights and without a token: neither container talks to the API server. */
export function serviceAccount(connector: StellarConnector): KubeObject {
  const type = { apiVersion: 'v1', kind: 'ServiceAccount' };
  return child(connector, type, connector.metadata.name, { automountServiceAccountToken: false });
}
