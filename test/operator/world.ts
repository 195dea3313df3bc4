/**
 * The operator in this process against a real API server: a namespace of its own per test, a client with all rights
 * to play user, garbage and node, and a count of what the operator asks.
 */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { createLogger } from '../../common/log.ts';
import { CONNECTORS, POLICIES } from '../../operator/kinds.ts';
import { type Access, loadAccess } from '../../operator/kube/access.ts';
import { createClient, type KubeClient } from '../../operator/kube/client.ts';
import { type ApiObject, type KubeObject, type Resource, resource } from '../../operator/kube/resource.ts';
import { type Call, createTransport, type Transport } from '../../operator/kube/transport.ts';
import { type Operator, startOperator } from '../../operator/run.ts';
import type { AskSigner } from '../../operator/signer.ts';
import { clusterAccess } from '../cluster/access.ts';

export const NAMESPACES = resource('', 'v1', 'namespaces', 'Namespace');
export const CRDS = resource(
  'apiextensions.k8s.io',
  'v1',
  'customresourcedefinitions',
  'CustomResourceDefinition',
);

/** Where the operator claims to run. */
export const OPERATOR_NAMESPACE = 'stellar-system';

const signal = AbortSignal.timeout(600_000);

export interface World {
  access: Access;
  namespace: string;
  client: KubeClient;
  transport: Transport;
  signal: AbortSignal;
  /** Starts an operator for the namespace; it is stopped by `close` if it was not before. */
  start(options?: StartOptions): Promise<RunningOperator>;
  close(): Promise<void>;
}

export interface StartOptions {
  /** Watched namespaces; the world's own unless told. */
  namespaces?: string[];
  access?: Access;
  now?: () => Date;
  askSigner?: AskSigner;
}

export interface RunningOperator extends Operator {
  /** Requests that it made, in order; watches included. */
  calls: Call[];
  /** The calls but GET, from a place in `calls` on. */
  writes(from?: number): string[];
  stop(): Promise<void>;
}

export async function createWorld(prefix: string): Promise<World> {
  const named = clusterAccess();
  const access = await loadAccess(named, process.env);
  const transport = createTransport(access);
  const client = createClient(transport);
  const running: RunningOperator[] = [];
  await installCrds(client);
  const namespace = `${prefix}-${Math.random().toString(36).slice(2, 8)}`;
  await client.create(
    NAMESPACES,
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } } as KubeObject,
    signal,
  );
  return {
    access,
    namespace,
    client,
    transport,
    signal,
    async start({ access: as = access, namespaces = [namespace], now, askSigner } = {}) {
      const stopping = new AbortController();
      const calls: Call[] = [];
      const operator = startOperator(
        {
          access: as,
          namespaces,
          facts: {
            images: { connector: 'connector:test', signer: 'signer:test', pullPolicy: 'Never' },
            operatorNamespace: OPERATOR_NAMESPACE,
          },
          log: createLogger('operator', process.env.TEST_LOG_LEVEL ?? 'fatal'),
          observe: (call) => calls.push(call),
          ...(now === undefined ? {} : { now }),
          ...(askSigner === undefined ? {} : { askSigner }),
        },
        stopping.signal,
      );
      const one: RunningOperator = {
        ...operator,
        calls,
        writes: (from = 0) =>
          calls
            .slice(from)
            .filter(({ method }) => method !== 'GET')
            .map(({ method, path }) => `${method} ${path}`),
        async stop() {
          stopping.abort();
          await operator.done;
        },
      };
      running.push(one);
      await until('the operator has synced', () => operator.cache.synced());
      return one;
    },
    async close() {
      await Promise.all(running.map((operator) => operator.stop()));
      // Nobody is left to remove the finalizers.
      const { items } = await client.list(CONNECTORS, { namespace }, signal);
      for (const { metadata } of items) {
        const patch = { metadata: { finalizers: null } };
        await client.patch(CONNECTORS, { namespace, name: metadata.name }, patch, signal);
      }
      await client.delete(NAMESPACES, { name: namespace }, signal);
      await transport.close();
    },
  };
}

async function installCrds(client: KubeClient): Promise<void> {
  for (const { plural } of [CONNECTORS, POLICIES] as Resource<ApiObject>[]) {
    const crd = parse(
      readFileSync(new URL(`../../crds/${plural}.yaml`, import.meta.url), 'utf8'),
    ) as KubeObject;
    await client.apply(CRDS, crd, { fieldManager: 'test', force: true }, signal);
    await until(`${plural} is served`, async () => {
      const { status } = await client.get(CRDS, { name: crd.metadata.name }, signal);
      const { conditions } = status as { conditions?: { type: string; status: string }[] };
      return conditions?.some((one) => one.type === 'Established' && one.status === 'True') === true;
    });
  }
}

/** Waits until `holds` answers something true, which is returned; throws that of its last try after `ms`. */
export async function until<T>(
  what: string,
  holds: () => T | Promise<T>,
  ms = 15_000,
): Promise<NonNullable<T>> {
  const end = Date.now() + ms;
  let last: unknown;
  for (;;) {
    try {
      last = undefined;
      const value = await holds();
      if (value) return value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`not in ${ms} ms: ${what}`, { cause: last });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
