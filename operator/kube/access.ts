import { readFileSync } from 'node:fs';
import type { KubeConfig } from '@kubernetes/client-node';
import { messageOf } from '../../common/errors.ts';
import { KubeError } from './errors.ts';

/** How to reach one API server and prove who we are. */
export interface Access {
  /** Origin, e.g. `https://10.96.0.1:443`. */
  server: string;
  tls: {
    ca?: string | Buffer;
    cert?: string | Buffer;
    key?: string | Buffer;
    servername?: string;
    rejectUnauthorized?: boolean;
  };
  /** The value of the Authorization header, undefined with a client certificate. Reads anew when `fresh`. */
  authorization(fresh: boolean): Promise<string | undefined>;
}

export interface AccessOptions {
  /** Path of a kubeconfig; without it the pod's service account is used. */
  kubeconfig?: string | undefined;
  /** A context of that kubeconfig, its current one by default. */
  context?: string | undefined;
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
/** Projected tokens are replaced well before they expire; client-go re-reads them at this rate too. */
const TOKEN_AGE_MS = 60_000;

/**
 * The cluster that the process runs in, or the one that a kubeconfig names. The pod's case needs no library, so that
 * the operator does not pay 80 MB for one.
 * @throws KubeError `kubeconfig`
 */
export async function loadAccess(
  options: AccessOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Access> {
  return options.kubeconfig === undefined
    ? inCluster(env, SERVICE_ACCOUNT)
    : fromKubeconfig(options.kubeconfig, options.context);
}

/** Access by the service account files that the kubelet mounts under `folder`. */
export function inCluster(env: Readonly<Record<string, string | undefined>>, folder: string): Access {
  const host = env.KUBERNETES_SERVICE_HOST;
  const port = env.KUBERNETES_SERVICE_PORT ?? '443';
  if (host === undefined || host === '') {
    throw new KubeError(
      'kubeconfig',
      'not in a pod (KUBERNETES_SERVICE_HOST is unset): set STELLAR_KUBECONFIG',
    );
  }
  const token = aged(() => Promise.resolve(`Bearer ${read(`${folder}/token`).trim()}`));
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    tls: { ca: read(`${folder}/ca.crt`) },
    authorization: token,
  };
}

/** Access by a kubeconfig, exec plugins included; the library is loaded only here. */
async function fromKubeconfig(path: string, context: string | undefined): Promise<Access> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  try {
    config.loadFromFile(path);
  } catch (cause) {
    throw new KubeError('kubeconfig', `cannot load ${path}: ${messageOf(cause)}`, { cause });
  }
  if (context !== undefined) {
    if (config.getContextObject(context) === null)
      throw new KubeError('kubeconfig', `${path} has no context named ${context}`);
    config.setCurrentContext(context);
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new KubeError('kubeconfig', `${path}: the context names no cluster`);
  const options = await optionsOf(config);
  const { ca, cert, key, servername, rejectUnauthorized } = options;
  const tls = { ca, cert, key, servername, rejectUnauthorized };
  return {
    server: cluster.server.replace(/\/+$/, ''),
    tls: Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined)) as Access['tls'],
    authorization: aged(async () => (await optionsOf(config)).headers?.Authorization),
  };
}

type KubeConfigOptions = Access['tls'] & { headers?: { Authorization?: string } };

async function optionsOf(config: KubeConfig): Promise<KubeConfigOptions> {
  const options = {};
  await config.applyToHTTPSOptions(options);
  return options as KubeConfigOptions;
}

function aged(load: () => Promise<string | undefined>): Access['authorization'] {
  let value: string | undefined;
  let loadedAt = Number.NEGATIVE_INFINITY;
  return async (fresh) => {
    if (fresh || performance.now() - loadedAt > TOKEN_AGE_MS) {
      value = await load();
      loadedAt = performance.now();
    }
    return value;
  };
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new KubeError('kubeconfig', `cannot read ${path}: ${messageOf(cause)}`, { cause });
  }
}
