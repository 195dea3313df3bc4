import { isCoded, messageOf } from '../../common/errors.ts';
import { connectorError } from '../errors.ts';
import { type Agreed, type Claim, type Contradicts, judge, type Verdict } from './agree.ts';
import { type Chain, createChain } from './chain.ts';
import type { HorizonClient } from './horizon/types.ts';
import * as quarantine from './quarantine.ts';
import type { RpcClient } from './rpc/client.ts';
import type { Clock } from './transport.ts';

/** One server: exactly one of `horizon` and `rpc`, with what is known of it. */
export interface Source {
  readonly url: string;
  readonly horizon: HorizonClient | undefined;
  readonly rpc: RpcClient | undefined;
  readonly chain: Chain;
  standing: quarantine.Standing;
  /** When it last failed to answer, by the monotonic clock, and why; undefined once it answered again. */
  failed: { at: number; reason: string } | undefined;
  /** Aborted, and replaced, when it is put in quarantine: its streams end with it. */
  trust: AbortController;
}

export interface LedgerModules {
  /** Milliseconds since 1970, for the age of ledgers alone. */
  now(): number;
  /** Monotonic: a clock that is set neither prolongs a wait nor ends a quarantine. */
  clock: Clock;
  events: LedgerEvents;
}

/** For the log and the metrics: each is called on a change only, but `untrusted`, which tells of each answer. */
export interface LedgerEvents {
  quarantined(url: string, reason: string): void;
  released(url: string): void;
  /** Two sources contradict each other and nobody can say which one lies. */
  disputed(url: string, reason: string): void;
  untrusted(url: string, reason: string): void;
}

export interface Sources {
  readonly all: readonly Source[];
  /** How many must agree. */
  readonly want: number;
  /** In the order in which they are asked: by health, then as they are written in the file; none in quarantine. */
  usable(of?: 'horizon'): Source[];
  lied(source: Source, reason: string): void;
  /** Asks one after the other, a slow one not alone for long; the first answer counts. */
  first<T>(
    of: 'horizon' | undefined,
    ask: (source: Source, signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T>;
  /** Asks all until enough agree. */
  agreed<T>(fact: Fact<T>, signal: AbortSignal): Promise<Agreed<T>>;
}

export interface Fact<T> {
  /** For messages: `account G…`. */
  name: string;
  ask(source: Source, signal: AbortSignal): Promise<Omit<Claim<T>, 'source'>>;
  judge?: ((voters: Claim<T>[], need: number, observers: Claim<T>[]) => Verdict<T>) | undefined;
  contradicts?: Contradicts<T> | undefined;
  /** Whether a source that said something else still confirms what was agreed, as one that is a ledger ahead does. */
  confirms?: ((claim: Claim<T>, agreed: Claim<T>) => boolean) | undefined;
  /** Says why a claim is too old to count; its source is asked again. */
  stale?: ((claim: Omit<Claim<T>, 'source'>) => string | undefined) | undefined;
}

/** For one read, all attempts and servers together, milliseconds. */
const READ_MS = 8_000;
/** A server that has not answered by then is not waited for when others have. */
const HEDGE_MS = 1_500;
/** After a failure a server is asked after all others for so long. */
const FAILED_MS = 10_000;
/** They end with the next answer; only a server that lies about one thing after the other leaves many behind. */
const MAX_SUSPICIONS = 1_000;
/** Servers differ for a moment around each close: they are asked again. */
const AGAIN_MS = 300;

export function createSources(
  clients: { horizon: readonly HorizonClient[]; rpc: readonly RpcClient[] },
  quorum: number,
  { clock, events }: LedgerModules,
): Sources {
  const source = (horizon?: HorizonClient, rpc?: RpcClient): Source => ({
    url: (horizon ?? rpc)!.url,
    horizon,
    rpc,
    chain: createChain(),
    standing: quarantine.spotless,
    failed: undefined,
    trust: new AbortController(),
  });
  const all = [
    ...clients.horizon.map((client) => source(client)),
    ...clients.rpc.map((client) => source(undefined, client)),
  ];
  const want = Math.max(quorum, clients.horizon.length > 0 && clients.rpc.length > 0 ? 2 : 1);
  /** Contradicted once: the moment between two answers of one server may explain it, a second time it does not. */
  const suspects = new Set<string>();

  const isOut = ({ standing }: Source): boolean => standing.quarantine !== undefined;
  const put = (it: Source, standing: quarantine.Standing): void => {
    const before = it.standing;
    it.standing = standing;
    const reason = standing.quarantine?.reason;
    if (reason !== undefined && before.quarantine === undefined) {
      events.quarantined(it.url, reason);
      it.trust.abort(connectorError('ledger-untrusted', `${it.url} is in quarantine`));
      it.trust = new AbortController();
    }
    if (reason === undefined && before.quarantine !== undefined) events.released(it.url);
    if (standing.dispute !== undefined && !quarantine.isDisputed(before, clock.now())) {
      events.disputed(it.url, standing.dispute.reason);
    }
  };
  const lied = (it: Source, reason: string): void => {
    events.untrusted(it.url, reason);
    put(it, quarantine.lied(it.standing, reason));
  };
  const agrees = (it: Source): void => put(it, quarantine.agreed(it.standing, clock.now()));

  /** One answer of one server, and what its failure says of it. */
  const ask = async <T>(
    it: Source,
    work: (source: Source, signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> => {
    try {
      const answer = await work(it, signal);
      it.failed = undefined;
      return answer;
    } catch (error) {
      if (signal.aborted) throw error;
      if (isCoded(error, 'network-mismatch')) lied(it, messageOf(error));
      else if (isCoded(error, 'ledger-untrusted')) {
        events.untrusted(it.url, messageOf(error));
        put(it, quarantine.struck(it.standing, messageOf(error), clock.now()));
      } else it.failed = { at: clock.now(), reason: messageOf(error) };
      throw error;
    }
  };

  const usable = (of?: 'horizon'): Source[] => {
    const isWell = ({ failed }: Source): boolean =>
      failed === undefined || clock.now() - failed.at > FAILED_MS;
    const those = all.filter((it) => !isOut(it) && (of === undefined || it[of] !== undefined));
    return [...those.filter(isWell), ...those.filter((it) => !isWell(it))];
  };

  const noneLeft = (of?: 'horizon'): Error => {
    const out = all.find((it) => isOut(it) && (of === undefined || it[of] !== undefined));
    return connectorError(
      'ledger-untrusted',
      `no server is left to ask: ${out?.url} is in quarantine: ${out?.standing.quarantine?.reason}`,
    );
  };

  /** What the claims of one round say of their sources; `final` when all have spoken. */
  const learn = <T>(
    verdict: Verdict<T>,
    claims: readonly Claim<T>[],
    fact: Fact<T>,
    voters: number,
  ): void => {
    const { agreed } = verdict;
    const { name } = fact;
    for (const claim of claims) {
      const url = claim.source;
      const it = all.find((other) => other.url === url)!;
      const wrong = verdict.liars.includes(url)
        ? 'lies'
        : verdict.disputed.includes(url)
          ? 'differs'
          : undefined;
      const suspicion = `${url} ${name}`;
      if (wrong === undefined) {
        suspects.delete(suspicion);
        const isSame = agreed !== undefined && (claim.key === agreed.key || fact.confirms?.(claim, agreed));
        if (isSame || voters === 0) agrees(it);
      } else if (!suspects.has(suspicion)) {
        if (suspects.size >= MAX_SUSPICIONS) suspects.clear();
        suspects.add(suspicion);
      } else if (wrong === 'lies')
        lied(it, `${name}: other sources agree on something else for the same ledger`);
      else
        put(
          it,
          quarantine.disputed(
            it.standing,
            `${name}: it and another source differ for the same ledger`,
            clock.now(),
          ),
        );
    }
  };

  async function agreed<T>(fact: Fact<T>, caller: AbortSignal): Promise<Agreed<T>> {
    const until = clock.now() + READ_MS;
    const decide =
      fact.judge ??
      ((voters: Claim<T>[], need: number, observers: Claim<T>[]) =>
        judge(voters, need, observers, fact.contradicts));
    const past: Claim<T>[] = [];
    for (;;) {
      const { verdict, errors, claims } = await round(fact, decide, past, caller);
      if (verdict.agreed !== undefined) return verdict.agreed;
      if (all.every(isOut)) throw errors.find((error) => isCoded(error, 'network-mismatch')) ?? noneLeft();
      // Only what time may heal is asked again: sources at different ledgers, or one that lags.
      const waits = claims.length > 0 || errors.some((error) => isCoded(error, 'ledger-stale'));
      if (!waits || clock.now() + AGAIN_MS >= until) {
        // What they said for one ledger one after the other, which no single round showed.
        learn({ ...verdict, agreed: undefined }, claims, fact, 1);
        throw explain(fact.name, verdict, errors, claims.length);
      }
      past.push(...claims);
      await clock.sleep(AGAIN_MS, caller);
    }
  }

  async function round<T>(
    fact: Fact<T>,
    decide: NonNullable<Fact<T>['judge']>,
    past: readonly Claim<T>[],
    caller: AbortSignal,
  ) {
    const voters: Claim<T>[] = [];
    const observers: Claim<T>[] = [];
    const errors: unknown[] = [];
    const order = (claims: Claim<T>[]): Claim<T>[] =>
      all.flatMap(({ url }) => claims.filter(({ source: of }) => of === url));
    const verdictWith = (need: number) => decide(order([...past, ...voters]), need, order(observers));
    const claimOf = async (it: Source, signal: AbortSignal): Promise<Claim<T>> => {
      const claim = { ...(await fact.ask(it, signal)), source: it.url };
      const old = fact.stale?.(claim);
      if (old !== undefined) throw connectorError('ledger-stale', `${it.url}: ${old}`);
      return claim;
    };
    // Where one source is enough the best one is asked, and those in quarantine, so that they can agree.
    const asked = [
      ...(want === 1
        ? [first(undefined, claimOf, caller)]
        : usable().map((it) => ask(it, claimOf, caller))
      ).map((one) => one.then((claim) => void voters.push(claim))),
      ...all.filter(isOut).map((it) => ask(it, claimOf, caller).then((claim) => void observers.push(claim))),
    ].map((one) => one.catch((error: unknown) => void errors.push(error)));
    const settled = Promise.all(asked).then(() => {
      caller.throwIfAborted();
      learn(decide(order(voters), want, order(observers)), [...voters, ...observers], fact, voters.length);
    });
    const patience = new AbortController();
    const enough = Promise.race([
      settled,
      ...asked.map((one) => one.then(() => (verdictWith(want).agreed === undefined ? settled : undefined))),
      // A server that hangs does not hold the others up, unless two of them are in dispute.
      clock.sleep(HEDGE_MS, AbortSignal.any([patience.signal, caller])).then(
        () => (voters.length >= quorum ? undefined : settled),
        () => settled,
      ),
    ]);
    await enough.finally(() => patience.abort());
    settled.catch(() => undefined);
    caller.throwIfAborted();
    const strict = verdictWith(want);
    const alone =
      strict.agreed === undefined &&
      voters.length >= quorum &&
      voters.length < want &&
      !voters.some(inDispute);
    return { verdict: alone ? verdictWith(quorum) : strict, errors, claims: voters };
  }
  const inDispute = ({ source: url }: { source: string }): boolean =>
    quarantine.isDisputed(all.find((it) => it.url === url)!.standing, clock.now());

  function explain<T>(
    name: string,
    verdict: Verdict<T>,
    errors: readonly unknown[],
    claims: number,
  ): unknown {
    if (verdict.liars.length + verdict.disputed.length > 0) {
      return connectorError('ledger-untrusted', `${name}: the servers contradict each other`);
    }
    if (claims >= want) {
      return connectorError('ledger-stale', `${name}: the servers are at different ledgers and do not meet`);
    }
    const worst = ['network-mismatch', 'ledger-untrusted', 'ledger-stale'] as const;
    return (
      worst.flatMap((code) => errors.find((error) => isCoded(error, code)) ?? [])[0] ??
      errors[0] ??
      connectorError('ledger-untrusted', `${name}: too few servers answer to agree (${claims} of ${want})`)
    );
  }

  async function first<T>(
    of: 'horizon' | undefined,
    work: (source: Source, signal: AbortSignal) => Promise<T>,
    caller: AbortSignal,
  ): Promise<T> {
    const left = usable(of);
    if (left.length === 0) throw noneLeft(of);
    const ended = new AbortController();
    const signal = AbortSignal.any([caller, ended.signal]);
    const errors: unknown[] = [];
    return new Promise<T>((resolve, reject) => {
      let running = 0;
      const next = (): void => {
        const it = left.shift();
        if (it === undefined) {
          if (running === 0) reject(errors[0]);
          return;
        }
        let isOver = false;
        running += 1;
        ask(it, work, signal).then(resolve, (error: unknown) => {
          if (signal.aborted) return reject(signal.reason);
          isOver = true;
          running -= 1;
          errors.push(error);
          next();
        });
        if (left.length === 0) return;
        clock.sleep(HEDGE_MS, signal).then(
          () => {
            if (!isOver) next();
          },
          () => undefined,
        );
      };
      next();
    }).finally(() => ended.abort());
  }

  return { all, want, usable, lied, first, agreed };
}
