import type { Logger } from '../../common/log.ts';
import type { KubeClient, Scope, WatchEvent } from './client.ts';
import { backoffMs, type Clock, pause, type Random } from './clock.ts';
import { isStatus, KubeError } from './errors.ts';
import { type ApiObject, keyOf, type Resource } from './resource.ts';
import type { Store } from './store.ts';

export interface ReflectorModules<T extends ApiObject> {
  client: KubeClient;
  store: Store<T>;
  clock: Clock;
  random: Random;
  log: Logger;
  /** What the store keeps of an object; all of it by default. */
  strip?: (object: T) => T;
}

export interface Reflector {
  /** True once the store has held the whole collection; it stays so through later breaks. */
  synced(): boolean;
  /** Milliseconds since the API server last said anything (an event, a bookmark, a list). */
  silentMs(): number;
  /** Settles when the signal of `startReflector` is aborted; never rejects. */
  done: Promise<void>;
}

const BACKOFF = { baseMs: 800, maxMs: 30_000, jitter: 1 };
/** A watch that lived this long was healthy: the next one starts without a pause. */
const HEALTHY_MS = 30_000;
/** The server sends a bookmark about once a minute; two missed ones mean a dead connection. */
export const IDLE_MS = 150_000;
/** The server ends each watch after 5 to 10 minutes, so that load spreads over its replicas. */
const TIMEOUT_S = { least: 300, spread: 300 };
/** Failures in a row, without an event, after which the version that we go on from is given up for a new list. */
const POISONED = 4;
const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';

/**
 * Keeps a store equal to a collection, for ever: every end, error and silence of a watch leads to the next one, from
 * the last version seen, or from a new list where that version is gone (410). The list is streamed (WatchList) where
 * the server can, else paged.
 */
export function startReflector<T extends ApiObject>(
  of: Resource<T>,
  scope: Scope,
  modules: ReflectorModules<T>,
  signal: AbortSignal,
): Reflector {
  const { client, store, clock, random, log, strip = (object: T): T => object } = modules;
  let synced = false;
  let heardAt = clock.now();
  /** Where the next watch goes on; empty means from a new list. */
  let resourceVersion = '';
  let streamsLists = true;

  function heard(): void {
    heardAt = clock.now();
  }

  /** One watch, to its end. With `initial` it begins with the whole collection. */
  async function watch(initial: boolean): Promise<void> {
    const collected = new Map<string, T>();
    let collecting = initial;
    const query: Record<string, string> = {
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(TIMEOUT_S.least + Math.floor(random() * TIMEOUT_S.spread)),
      ...(initial
        ? { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' }
        : { resourceVersion }),
    };
    const idle = new AbortController();
    let cancelIdle = (): void => {};
    const touch = (): void => {
      cancelIdle();
      cancelIdle = clock.after(IDLE_MS, () =>
        idle.abort(new KubeError('idle', `${of.plural}: nothing heard for ${IDLE_MS / 1000} s`)),
      );
    };
    touch();
    try {
      for await (const event of client.watch(of, scope, query, AbortSignal.any([signal, idle.signal]))) {
        touch();
        heard();
        if (event.type === 'ERROR') throw watchError(of, event);
        resourceVersion = event.object.metadata.resourceVersion ?? resourceVersion;
        if (event.type !== 'BOOKMARK') {
          if (!collecting) deliver(event);
          else if (event.type === 'DELETED') collected.delete(keyOf(event.object));
          else collected.set(keyOf(event.object), strip(event.object));
        } else if (collecting && event.object.metadata.annotations?.[INITIAL_EVENTS_END] === 'true') {
          collecting = false;
          store.replace([...collected.values()], scope.namespace);
          collected.clear();
          synced = true;
        }
      }
    } finally {
      cancelIdle();
      // A collection cut off in the middle is worth nothing.
      if (collecting) resourceVersion = '';
    }
  }

  function deliver({ type, object }: WatchEvent<T>): void {
    if (type === 'DELETED') store.remove(object);
    else store.set(strip(object));
  }

  async function listed(): Promise<void> {
    const page = await client.list(of, scope, signal);
    heard();
    store.replace(page.items.map(strip), scope.namespace);
    resourceVersion = page.resourceVersion;
    synced = true;
  }

  async function round(): Promise<void> {
    if (resourceVersion !== '') return watch(false);
    if (streamsLists) {
      try {
        return await watch(true);
      } catch (error) {
        if (!isStatus(error, 400, 422)) throw error;
        streamsLists = false;
      }
    }
    await listed();
    await watch(false);
  }

  async function run(): Promise<void> {
    let failures = 0;
    /** Failures in a row without an event. */
    let fruitless = 0;
    while (!signal.aborted) {
      const startedAt = clock.now();
      const from = resourceVersion;
      let problem: unknown;
      try {
        await round();
      } catch (error) {
        problem = error;
        fruitless = resourceVersion === from ? fruitless + 1 : 0;
        if (isStatus(error, 410) || fruitless >= POISONED) resourceVersion = '';
      }
      if (signal.aborted) return;
      const healthy = clock.now() - startedAt >= HEALTHY_MS;
      const waitMs =
        healthy && problem === undefined ? 0 : backoffMs(healthy ? 0 : failures, BACKOFF, random);
      failures = healthy ? 0 : failures + 1;
      if (problem !== undefined)
        log.warn({ err: problem, resource: of.plural, waitMs }, 'watch broke, resuming');
      await pause(clock, waitMs, signal).catch(() => {});
    }
  }

  return { synced: () => synced, silentMs: () => clock.now() - heardAt, done: run() };
}

function watchError(of: Resource<ApiObject>, event: WatchEvent<unknown>): KubeError {
  const status = event.object as { code?: number; reason?: string; message?: string };
  return new KubeError('api', `watch ${of.plural}: ${status.code ?? 0} ${status.message ?? ''}`, {
    status: status.code ?? 0,
    reason: status.reason ?? '',
  });
}
