import { BASE_IMAGE } from './images.ts';

/** The port that `serverPod` answers on. */
export const SERVER_PORT = 9000;

const SERVER = `require('node:net').createServer((socket) => socket.on('error', () => {}).end('hello')).listen(${SERVER_PORT}, '::');
process.on('SIGTERM', () => process.exit(0));`;

export interface ServerPod {
  namespace: string;
  name: string;
  labels?: Record<string, string>;
  image?: string;
  /** Mounted at /data. */
  claim?: string;
}

/** A pod that the `restricted` standard takes, answers on SERVER_PORT, and has Node to dial out with. */
export function serverPod({ namespace, name, labels = {}, image = BASE_IMAGE, claim }: ServerPod): object {
  const data = claim ? [{ name: 'data', persistentVolumeClaim: { claimName: claim } }] : [];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: { app: name, ...labels } },
    spec: {
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 1,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 10001,
        fsGroup: 10000,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      containers: [
        {
          name: 'server',
          image,
          imagePullPolicy: 'Never',
          command: ['node', '-e', SERVER],
          ports: [{ name: 'hello', containerPort: SERVER_PORT }],
          readinessProbe: { tcpSocket: { port: SERVER_PORT }, periodSeconds: 1 },
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
          volumeMounts: data.map(({ name: volume }) => ({ name: volume, mountPath: '/data' })),
        },
      ],
      volumes: data,
    },
  };
}

/** A namespace that enforces the `restricted` pod security standard. */
export const restrictedNamespace = (name: string): object => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
});

export const claim = (namespace: string, name: string, volumeName?: string): object => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name, namespace },
  spec: {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '1Gi' } },
    ...(volumeName ? { volumeName } : {}),
  },
});
