import { connectorError } from '../errors.ts';
import type { AssetId } from '../market/asset.ts';
import type { AccountState } from '../market/balance.ts';
import { poolIdentity } from '../market/pool-id.ts';
import { accountText, foundText, inOrder, isWhole, type Lookup, outcomesContradict } from './facts.ts';
import { createHeads } from './heads.ts';
import { ledgerOfToken, type TradesOf } from './horizon/queries.ts';
import type { AtLedger, HorizonClient } from './horizon/types.ts';
import { watchBook, watchTrades } from './horizon/watch.ts';
import type { RpcClient } from './rpc/client.ts';
import { createSources, type LedgerModules, type Source } from './sources.ts';
import type {
  FeeStatistics,
  Ledger,
  LedgerHead,
  LedgerTrade,
  LedgerTransaction,
  StreamHandlers,
  SubmitAnswer,
} from './types.ts';
import { overSources } from './watch.ts';

export interface LedgerOptions {
  horizon: readonly HorizonClient[];
  rpc: readonly RpcClient[];
  /** How many Horizons must agree on heads, accounts and outcomes. With RPC beside, two sources do in any case. */
  quorum: number;
  networkPassphrase: string;
  /** Assets of the markets: RPC can be asked only for trust lines that are named. */
  assets: readonly AssetId[];
}

/** How long a server may keep a submission; after that the hash is looked up instead. */
const SUBMIT_MS = 15_000;

/** The ledger over all sources. See `types.ts` for what holds; docs/connector/verification.md says who can lie about what. */
export function createLedger(options: LedgerOptions, modules: LedgerModules): Ledger {
  const { networkPassphrase, quorum } = options;
  const { clock } = modules;
  const sources = createSources(options, quorum, modules);
  const heads = createHeads(sources, networkPassphrase, modules);
  const { head } = heads;
  /** A ledger that is known to hold a transaction of ours: an account from before it is stale. */
  let reached = 0;
  /** What was agreed of our own accounts; nobody asks for others. */
  const accounts = new Map<string, { sequence: bigint; assets: readonly AssetId[] }>();

  /** Why an answer from state is too old. */
  const staleState = ({ ledger }: { ledger: number | undefined }): string | undefined => {
    const floor = Math.max(reached, heads.floor());
    return ledger !== undefined && ledger < floor
      ? `it answers for ledger ${ledger}, ${floor} is known`
      : undefined;
  };
  /** State from one source; one that lags is left out. */
  const fromState = async <T>(
    ask: (client: HorizonClient, signal: AbortSignal) => Promise<AtLedger<T>>,
    signal: AbortSignal,
  ): Promise<T> => {
    await head(signal);
    return sources.first(
      'horizon',
      async ({ horizon }, within) => {
        const answer = await ask(horizon!, within);
        const old = staleState(answer);
        if (old !== undefined) throw connectorError('ledger-stale', old);
        return answer.value;
      },
      signal,
    );
  };
  const fromHistory = async <T>(
    ask: (client: HorizonClient, signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> => {
    await head(signal);
    return sources.first('horizon', ({ horizon }, within) => ask(horizon!, within), signal);
  };

  /** A cursor far ahead would be kept, and hide all trades that come before it. @throws `ledger-untrusted` */
  const believable = (trades: LedgerTrade[]): LedgerTrade[] => {
    if (trades.every(({ cursor }) => Number(ledgerOfToken(cursor)) <= heads.ceiling())) return trades;
    throw connectorError('ledger-untrusted', 'a trade of a ledger that cannot have closed yet');
  };
  const followTrades = (
    of: TradesOf,
    cursor: string,
    handlers: StreamHandlers<LedgerTrade>,
    signal: AbortSignal,
  ): void => {
    const event = (trade: LedgerTrade, at: string): void => {
      believable([trade]);
      handlers.event(trade, at);
    };
    const over = overSources(sources, { ...handlers, event }, clock);
    watchTrades(over.choose, of, cursor, over.handlers, clock, signal);
  };

  const account = async (id: string, signal: AbortSignal): Promise<AccountState | undefined> => {
    await head(signal);
    const known = accounts.get(id) ?? { sequence: 0n, assets: options.assets };
    /** Assets that each source named last: what a liar makes up is not kept, and cannot grow. */
    const named = new Map<Source, AssetId[]>();
    // RPC does not tell them, so whichever source is believed, these are Horizon's.
    let poolShares: AccountState['poolShares'];
    const agreed = await sources.agreed<AccountState | undefined>(
      {
        name: `the account ${id}`,
        async ask(source, within) {
          const answer = await (source.horizon?.account(id, within) ??
            source.rpc!.account(id, [...new Set([...known.assets, ...[...named.values()].flat()])], within));
          // RPC is asked for these the next time.
          const balances = answer.value?.balances ?? [];
          named.set(
            source,
            balances.map(({ asset }) => asset),
          );
          poolShares ??= answer.value?.poolShares;
          const value = answer.value && inOrder(answer.value);
          return { ...answer, value, key: accountText(value) };
        },
        stale(claim) {
          const { value } = claim;
          return value !== undefined && value.sequence < known.sequence
            ? `the sequence of ${id} would go back from ${known.sequence} to ${value.sequence}`
            : staleState(claim);
        },
      },
      signal,
    );
    // All that is compared is equal; only Horizon knows of shares of pools.
    const value = (agreed.group.find((claim) => claim.value?.poolShares !== undefined) ?? agreed).value;
    if (value !== undefined) {
      const held = value.balances.map(({ asset }) => asset);
      accounts.set(id, { sequence: value.sequence, assets: [...new Set([...options.assets, ...held])] });
    }
    return agreed.value && (poolShares === undefined ? agreed.value : { ...agreed.value, poolShares });
  };

  const transaction = async (
    hash: string,
    signal: AbortSignal,
    since?: number,
  ): Promise<{ found: LedgerTransaction } | { absentAt: LedgerHead }> => {
    const current = await head(signal);
    const agreed = await sources.agreed<Lookup>(
      {
        name: `the transaction ${hash}`,
        async ask(source, within) {
          // How far history reaches is read first: what is not found after is in none of these ledgers.
          const root = await source.horizon?.root(within);
          const answer =
            root === undefined
              ? await source.rpc!.transaction(hash, within)
              : {
                  found: await source.horizon!.transaction(hash, within),
                  history: {
                    oldest: root.historyElder,
                    latest: root.historyLatest,
                    closedAt: root.historyClosedAt,
                  },
                };
          const { found, history } = answer;
          if (found === undefined && !isWhole(history, since)) {
            throw connectorError(
              'ledger-stale',
              `${source.url} has no history before ledger ${history.oldest}`,
            );
          }
          return {
            ledger: found?.ledger ?? history.latest,
            key: found === undefined ? 'absent' : foundText(found),
            value: { found, oldest: history.oldest, closedAt: history.closedAt },
          };
        },
        contradicts: outcomesContradict,
      },
      signal,
    );
    const { found } = agreed.value;
    if (found !== undefined) {
      if (found.ledger <= heads.ceiling()) reached = Math.max(reached, found.ledger);
      return { found };
    }
    // Each of them had a later ledger at its time; the earliest time is one that an honest one vouches for.
    const closedAt = Math.min(...agreed.group.map(({ value }) => value.closedAt));
    return { absentAt: { ...current, sequence: agreed.ledger!, closedAt } };
  };

  const feeStatistics = async (signal: AbortSignal): Promise<FeeStatistics> => {
    const { baseFee } = await head(signal);
    return sources.first(
      undefined,
      async ({ horizon, rpc }, within) =>
        // RPC does not tell how full ledgers are: as if they were.
        horizon === undefined
          ? { baseFee, capacityUsage: 1, bids: await rpc!.feeBids(within) }
          : horizon.feeStatistics(within),
      signal,
    );
  };

  const submit = async (envelopeXdr: string, signal: AbortSignal, attempt = 0): Promise<SubmitAnswer> => {
    let answer: SubmitAnswer = {
      kind: 'unsent',
      cause: connectorError('ledger-untrusted', 'every server is in quarantine'),
    };
    const usable = sources.usable();
    const next = usable.length === 0 ? 0 : attempt % usable.length;
    for (const { horizon, rpc } of [...usable.slice(next), ...usable.slice(0, next)]) {
      answer = await (horizon?.submit(envelopeXdr, 'sync', SUBMIT_MS, signal) ??
        rpc!.submit(envelopeXdr, SUBMIT_MS, signal));
      // Only where nothing was sent may another one be tried: one envelope goes to one server.
      if (answer.kind !== 'unsent') break;
    }
    // What one server says became of it is looked up at all of them where more than one must agree.
    const mustAgree = quorum > 1 || (options.rpc.length > 0 && options.horizon.length > 0);
    return answer.kind === 'included' && mustAgree ? { kind: 'queued' } : answer;
  };

  return {
    head,
    feeStatistics,
    account,
    transaction,
    submit,
    offersOf: (id, signal) => fromState((client, within) => client.offersOf(id, within), signal),
    offers: (selling, buying, limit, signal) =>
      fromState((client, within) => client.offers(selling, buying, limit, within), signal),
    pool: (id, signal) => fromState((client, within) => client.pool(id, within), signal),
    poolOf: (a, b, signal) =>
      fromState((client, within) => client.pool(poolIdentity(a, b).id, within), signal),
    paths: (side, from, to, amount, signal) =>
      fromState((client, within) => client.paths(side, from, to, amount, within), signal),
    poolMovements: (hash, signal) =>
      fromHistory((client, within) => client.poolMovements(hash, within), signal),
    tradesOf: (id, cursor, limit, signal) =>
      fromHistory(
        async (client, within) => believable(await client.tradesOf(id, cursor, limit, within)),
        signal,
      ),
    trades: (base, quote, limit, signal) =>
      fromHistory(
        async (client, within) => believable(await client.trades(base, quote, limit, within)),
        signal,
      ),
    watchHeads: heads.watch,
    watchBook(base, quote, handlers, signal) {
      const over = overSources(sources, handlers, clock);
      watchBook(over.choose, { base, quote }, over.handlers, clock, signal);
    },
    watchTrades: (base, quote, cursor, handlers, signal) =>
      followTrades({ base, quote }, cursor, handlers, signal),
    watchTradesOf: (id, cursor, handlers, signal) => followTrades({ account: id }, cursor, handlers, signal),
    endpoints: () =>
      sources.all.map(({ url, horizon, rpc, standing, failed, chain }) => {
        const { state, reason } = (horizon ?? rpc)!.transport.status();
        const out =
          standing.quarantine ??
          (standing.dispute && clock.now() < standing.dispute.until ? standing.dispute : undefined);
        return {
          url,
          kind: horizon === undefined ? ('rpc' as const) : ('horizon' as const),
          state:
            out !== undefined
              ? ('quarantined' as const)
              : state === 'up' && failed
                ? ('down' as const)
                : state,
          reason: out?.reason ?? reason ?? failed?.reason,
          head: chain.top?.sequence,
        };
      }),
    async close() {
      heads.close();
      await Promise.all(sources.all.map(({ horizon, rpc }) => (horizon ?? rpc)!.transport.close()));
    },
  };
}
