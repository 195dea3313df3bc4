import { connectorError } from '../errors.ts';
import type { Claim, Verdict } from './agree.ts';
import { follow, judgeHeads, type Shown } from './chain.ts';
import { freshness } from './checks.ts';
import type { HorizonHead } from './horizon/types.ts';
import { watchHeads } from './horizon/watch.ts';
import type { LedgerModules, Source, Sources } from './sources.ts';
import type { LedgerHead, StreamHandlers } from './types.ts';
import { overSources } from './watch.ts';

export interface Heads {
  head(signal: AbortSignal): Promise<LedgerHead>;
  /** One stream for all who watch; a handler must not throw, since others share it. */
  watch(handlers: StreamHandlers<LedgerHead>, signal: AbortSignal): void;
  /** State from before this ledger is stale. */
  floor(): number;
  /** The last ledger that there can be by now. */
  ceiling(): number;
  close(): void;
}

/** For how long a verdict on the head is used again, without and with a stream that tells of newer ones. */
const VERDICT_MS = 1_000;
const STREAMED_MS = 10_000;
/** How often each server is asked which network it serves. */
const PASSPHRASE_MS = 30_000;
/** A chain that contradicts what a server shows for so long is forgotten: the lie may have been in it. */
const FORGET_MS = 5 * 60_000;
/** No network closes ledgers faster; the public one takes 5 s. */
const FASTEST_MS = 100;

/**
 * The last ledger as enough sources confirm it. While the heads' stream stands it is asked for only when that tells of a newer
 * one, and not even then where one source is enough: a public server grants 3,600 requests an hour.
 */
export function createHeads(
  sources: Sources,
  networkPassphrase: string,
  { now, clock }: LedgerModules,
): Heads {
  const checkedAt = new Map<Source, number>();
  const contradicted = new Map<Source, number>();
  const closing = new AbortController();
  const watchers = new Set<StreamHandlers<LedgerHead>>();
  let stream: AbortController | undefined;
  let stands = false;
  /** What the stream told, agreed or not. */
  let newest = 0;
  let last: { head: LedgerHead; at: number } | undefined;
  /** Agreed heads of the last half minute and one before: what is older than these is stale. */
  let recent: LedgerHead[] = [];
  let reading: Promise<LedgerHead> | undefined;

  const isChecked = (source: Source): boolean =>
    clock.now() - (checkedAt.get(source) ?? Number.NEGATIVE_INFINITY) < PASSPHRASE_MS;
  /** @throws `network-mismatch` */
  const checkNetwork = async (source: Source, signal: AbortSignal): Promise<void> => {
    if (isChecked(source)) return;
    const passphrase =
      source.rpc === undefined
        ? (await source.horizon!.root(signal)).networkPassphrase
        : await source.rpc.networkPassphrase(signal);
    if (passphrase !== networkPassphrase) {
      throw connectorError(
        'network-mismatch',
        `${source.url} serves another network than the configured one`,
      );
    }
    checkedAt.set(source, clock.now());
  };

  /** @throws `ledger-unreachable` when it contradicts what the source showed before */
  const note = (source: Source, head: HorizonHead): void => {
    const wrong = follow(source.chain, head);
    if (wrong === undefined) return void contradicted.delete(source);
    const since = contradicted.get(source) ?? clock.now();
    contradicted.set(source, since);
    sources.lied(source, wrong);
    if (clock.now() - since >= FORGET_MS) {
      source.chain.hashes.clear();
      source.chain.heads.clear();
      source.chain.top = undefined;
      // Where nobody else is left to ask, what was believed was its word too.
      if (sources.usable().length === 0) {
        last = undefined;
        newest = 0;
        recent = [];
      }
    }
    throw connectorError('ledger-unreachable', `${source.url} contradicts itself: ${wrong}`);
  };

  const fact = {
    name: 'the last ledger',
    async ask(source: Source, signal: AbortSignal): Promise<Omit<Claim<Shown>, 'source'>> {
      await checkNetwork(source, signal);
      const head = await (source.horizon ?? source.rpc!).head(signal);
      note(source, head);
      return {
        ledger: head.sequence,
        key: head.hash,
        value: { source: source.url, head, chain: source.chain },
      };
    },
    judge(voters: Claim<Shown>[], need: number, observers: Claim<Shown>[]): Verdict<Shown> {
      const shown = (claims: Claim<Shown>[]): Shown[] => claims.map(({ value }) => value);
      return judgeHeads(shown(voters), need, shown(observers));
    },
    confirms: ({ value: { chain } }: Claim<Shown>, { value: { head: it } }: Claim<Shown>) =>
      chain.hashes.get(it.sequence) === it.hash,
    stale: ({ value }: { value: Shown }) => freshness(value.head, now()),
  };

  const adopt = (agreed: HorizonHead): LedgerHead => {
    // Behind the freshest that was confirmed before: that one still stands.
    const head = last !== undefined && last.head.sequence > agreed.sequence ? last.head : plain(agreed);
    last = { head, at: clock.now() };
    if (recent.at(-1)?.sequence !== head.sequence) recent.push(head);
    while (recent.length > 1 && freshness(recent[1]!, now()) !== undefined) recent.shift();
    return head;
  };

  const told = (head: HorizonHead, source: Source): void => {
    note(source, head);
    newest = Math.max(newest, head.sequence);
    if (last === undefined || head.sequence <= last.head.sequence) return;
    if (sources.want === 1 && isChecked(source) && freshness(head, now()) === undefined) adopt(head);
  };
  const over = overSources<HorizonHead>(
    sources,
    {
      event(head, cursor, source) {
        told(head, source);
        for (const watcher of watchers) watcher.event(plain(head), cursor);
      },
      open(gap) {
        stands = true;
        for (const watcher of watchers) watcher.open?.(gap);
      },
      down(reason) {
        stands = false;
        for (const watcher of watchers) watcher.down?.(reason);
      },
    },
    clock,
  );

  return {
    head(signal) {
      if (last !== undefined) {
        const isNewest = stands && last.head.sequence >= newest;
        if (clock.now() - last.at < (isNewest ? STREAMED_MS : VERDICT_MS)) return Promise.resolve(last.head);
      }
      // Many ask at once, and one answer serves them all; whoever gives up leaves it to the others.
      reading ??= sources
        .agreed(fact, closing.signal)
        .then(({ value }) => adopt(value.head))
        .finally(() => {
          reading = undefined;
        });
      return whileWanted(reading, signal);
    },
    watch(handlers, signal) {
      if (signal.aborted) return;
      watchers.add(handlers);
      if (stream === undefined) {
        stream = new AbortController();
        watchHeads(over.choose, over.handlers, clock, AbortSignal.any([stream.signal, closing.signal]));
      } else if (stands) handlers.open?.(false);
      signal.addEventListener(
        'abort',
        () => {
          watchers.delete(handlers);
          if (watchers.size > 0) return;
          stream?.abort();
          stream = undefined;
          stands = false;
        },
        { once: true },
      );
    },
    floor: () =>
      recent[0] !== undefined && freshness(recent[0], now()) !== undefined ? recent[0].sequence : 0,
    ceiling: () =>
      last === undefined
        ? Number.POSITIVE_INFINITY
        : last.head.sequence + 20 + Math.max(0, now() - last.head.closedAt) / FASTEST_MS,
    close: () => closing.abort(connectorError('shutting-down', 'the ledger is closed')),
  };
}

const plain = ({ sequence, closedAt, baseFee, baseReserve }: HorizonHead): LedgerHead => ({
  ...{ sequence, closedAt, baseFee, baseReserve },
});

/** The same promise, given up with the signal. */
function whileWanted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
