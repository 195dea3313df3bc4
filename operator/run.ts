import type { Logger } from '../common/log.ts';
import { uniform } from '../common/random.ts';
import { type Cache, startCache } from './cache.ts';
import { createKeeper } from './certs/keeper.ts';
import type { Facts } from './desired/index.ts';
import type { Access } from './kube/access.ts';
import { createClient } from './kube/client.ts';
import { pause, systemClock } from './kube/clock.ts';
import { createController } from './kube/controller.ts';
import { createTransport, type Observe } from './kube/transport.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { createReconcile } from './reconcile.ts';
import { type AskSigner, createAskSigner } from './signer.ts';

export interface OperatorOptions {
  access: Access;
  facts: Omit<Facts, 'publicRoots'>;
  /** Namespaces to watch; empty means all. */
  namespaces: readonly string[];
  log: Logger;
  now?: () => Date;
  askSigner?: AskSigner;
  /** Called for each answer of the API server. */
  observe?: Observe;
}

export interface Operator {
  cache: Cache;
  metrics: Metrics;
  /** Asks for a reconcile of `namespace/name`. */
  enqueue(key: string): void;
  /** Settles when the operator has stopped. */
  done: Promise<void>;
}

const WORKERS = 4;
/** What a reconcile under way may still take after a stop. */
const GRACE_MS = 10_000;

/** Starts watching and reconciling, until `stop` is aborted. */
export function startOperator(options: OperatorOptions, stop: AbortSignal): Operator {
  const { access, facts, namespaces, log, now = () => new Date(), askSigner = createAskSigner() } = options;
  const clock = systemClock;
  const metrics = createMetrics(() => controller.depth());
  const transport = createTransport(access, {
    observe(call, status, seconds) {
      metrics.requested(call, status, seconds);
      options.observe?.(call, status, seconds);
    },
  });
  const client = createClient(transport);
  const controller = createController({
    reconcile: (key, context) => reconcile(key, context),
    clock,
    random: uniform,
    log,
    observe: metrics.reconciled,
  });
  const cache = startCache(
    namespaces,
    { client, clock, random: uniform, log, enqueue: controller.enqueue },
    stop,
  );
  const keeper = createKeeper({ client, clock, now });
  const reconcile = createReconcile({ client, cache, keeper, facts, askSigner, now });

  async function run(): Promise<void> {
    const abandon = new AbortController();
    let cancelGrace = (): void => {};
    const onStop = (): void => {
      cancelGrace = clock.after(GRACE_MS, () => abandon.abort(new Error('the operator is stopping')));
    };
    stop.addEventListener('abort', onStop, { once: true });
    // With a store still empty a child would look deleted, and a policy missing.
    while (!cache.synced() && !stop.aborted) await pause(clock, 50, stop).catch(() => {});
    if (!stop.aborted) log.info({ connectors: cache.connectors.list().length }, 'synced');
    await controller.run(WORKERS, stop, abandon.signal);
    cancelGrace();
    await cache.done;
    await transport.close();
  }

  return { cache, metrics, enqueue: controller.enqueue, done: run() };
}
