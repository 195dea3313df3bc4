import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAuthority, type Pem } from '../certificates.ts';
import { API_SERVER, type Layout, NETWORK, NODE_NAME } from './layout.ts';

/** Who talks to the API server, each with a client certificate of its own, as kubeadm does it. */
const CLIENTS = {
  admin: { commonName: 'admin', organization: 'system:masters' },
  'kube-controller-manager': { commonName: 'system:kube-controller-manager' },
  'kube-scheduler': { commonName: 'system:kube-scheduler' },
  'kube-proxy': { commonName: 'system:kube-proxy' },
  kubelet: { commonName: `system:node:${NODE_NAME}`, organization: 'system:nodes' },
  'kube-apiserver': { commonName: 'kube-apiserver', organization: 'system:masters' },
} as const;

export type Client = keyof typeof CLIENTS;

export const clientKubeconfig = (paths: Layout, client: Client): string =>
  client === 'admin' ? paths.kubeconfig : join(paths.certs, `${client}.kubeconfig`);

/** Writes the CA, all certificates, the service account key and a kubeconfig per client. */
export async function writeCredentials(paths: Layout): Promise<void> {
  mkdirSync(paths.certs, { recursive: true, mode: 0o700 });
  const write = (name: string, text: string): void =>
    writeFileSync(join(paths.certs, name), text, { mode: 0o600 });
  const writePair = (name: string, pem: Pem): void => {
    write(`${name}.crt`, pem.cert);
    write(`${name}.key`, pem.key);
  };
  const authority = await createAuthority(paths.name);
  write('ca.crt', authority.cert);
  const { node, apiService } = NETWORK;
  const serving = {
    apiserver: ['kubernetes.default.svc', 'kubernetes.default', 'kubernetes', '127.0.0.1', apiService],
    'kubelet-server': [NODE_NAME],
  };
  for (const [name, names] of Object.entries(serving)) {
    writePair(name, await authority.issue({ names: [...names, node.v4, node.v6], usage: 'server' }));
  }
  for (const [client, who] of Object.entries(CLIENTS)) {
    const subject = `CN=${who.commonName}${'organization' in who ? `,O=${who.organization}` : ''}`;
    const pem = await authority.issue({ subject, names: [], usage: 'client' });
    writePair(client, pem);
    const file = clientKubeconfig(paths, client as Client);
    writeFileSync(file, kubeconfig(paths.name, authority.cert, pem), { mode: 0o600 });
  }
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  write('service-account.key', privateKey.export({ type: 'sec1', format: 'pem' }).toString());
}

/** A kubeconfig that needs no other file; JSON is YAML. */
function kubeconfig(name: string, ca: string, client: Pem): string {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return JSON.stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': name,
      clusters: [{ name, cluster: { server: API_SERVER, 'certificate-authority-data': base64(ca) } }],
      users: [
        {
          name,
          user: { 'client-certificate-data': base64(client.cert), 'client-key-data': base64(client.key) },
        },
      ],
      contexts: [{ name, context: { cluster: name, user: name, namespace: 'default' } }],
    },
    null,
    2,
  );
}
