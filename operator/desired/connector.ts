/** The connector's container. Of the signer it sees the socket, in a folder that it cannot write to. */
import type { V1Container } from '@kubernetes/client-node';
import type { StellarConnector } from '../api/v1alpha1.gen.ts';
import { envOf, probe, resourcesOf, restricted } from './container.ts';
import type { Facts } from './index.ts';
import { ids, paths, ports } from './names.ts';
import { serverFiles } from './volumes.ts';

export function connectorContainer(connector: StellarConnector, images: Facts['images']): V1Container {
  return {
    name: 'connector',
    image: images.connector,
    imagePullPolicy: images.pullPolicy,
    env: envOf({
      STELLAR_CONFIG_FILE: `${paths.config}/connector.yaml`,
      STELLAR_ADDRESSES_FILE: `${paths.addresses}/addresses.json`,
      STELLAR_LIMITS_FILE: `${paths.addresses}/limits.json`,
      STELLAR_SIGNER_SOCKET: paths.socket,
      STELLAR_STATE_DIR: paths.state,
      STELLAR_TLS_CERT_FILE: `${paths.connectorTls}/tls.crt`,
      STELLAR_TLS_KEY_FILE: `${paths.connectorTls}/tls.key`,
      STELLAR_TLS_CLIENT_CA_FILE: `${paths.trust}/ca_cert.pem`,
    }),
    ports: [
      { name: 'gateway', containerPort: ports.gateway, protocol: 'TCP' },
      { name: 'health', containerPort: ports.connector, protocol: 'TCP' },
    ],
    readinessProbe: probe('/readyz', 'health', { periodSeconds: 2, failureThreshold: 3 }),
    livenessProbe: probe('/healthz', 'health', {
      initialDelaySeconds: 10,
      periodSeconds: 10,
      failureThreshold: 6,
    }),
    resources: resourcesOf(connector.spec.podTemplate.resources.connector),
    securityContext: restricted(ids.connector),
    volumeMounts: [
      // connect(2) needs to write to the socket, not to its folder; read-only, the connector cannot replace it.
      { name: 'socket', mountPath: paths.socketFolder, readOnly: true },
      { name: 'state', mountPath: paths.state },
      { name: 'config', mountPath: paths.config, readOnly: true },
      { name: 'addresses', mountPath: paths.addresses, readOnly: true },
      { name: 'connector-tls', mountPath: paths.connectorTls, readOnly: true },
      { name: 'trust', mountPath: paths.trust, readOnly: true },
      ...serverFiles(connector).map(({ volume: { name }, folder }) => ({
        name,
        mountPath: folder,
        readOnly: true,
      })),
    ],
  };
}
