import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as xdr from '@stellar/stellar-sdk/xdr';
import { connectorError } from '../../../connector/errors.ts';
import type { LedgerTrade, OfferEntry } from '../../../connector/ledger/types.ts';
import type { Market } from '../../../connector/market/asset.ts';
import type { AccountState } from '../../../connector/market/balance.ts';
import { fillOf } from '../../../connector/market/fills.ts';
import type { Price } from '../../../connector/market/quote.ts';
import type { Fill, LocalBook, MarketData } from '../../../connector/market/types.ts';
import { createMetrics } from '../../../connector/metrics.ts';
import { createOrders, type OrdersRoom } from '../../../connector/orders/orders.ts';
import { ordersSchema } from '../../../connector/orders/store.ts';
import { openState, type State } from '../../../connector/state.ts';
import { decodeResult } from '../../../connector/transactions/result.ts';
import type { Ending, Engine, Intent, Receipt } from '../../../connector/transactions/types.ts';
import type { Offer } from '../../sandbox/ledger/entries.ts';
import { type Network, startNetwork } from '../../sandbox/network.ts';
import { createMarket, type Scenario } from '../../sandbox/scenario.ts';
import {
  envelope,
  issuer,
  keyOf,
  type ManualClock,
  manualClock,
  START,
  scenario,
  trader,
} from '../../sandbox/testing.ts';
import { tradesOf } from './rig-trades.ts';

/** Trades with the makers of the book and with us. */
export const taker = keyOf('taker');
export const UNIT = 10_000_000n;
export const never = new AbortController().signal;
export const USDC = `USDC:${issuer.publicKey()}`;
export const market: Market = { base: 'native', quote: USDC };
export const price = (text: string): Price => {
  const [whole, fraction = ''] = text.split('.');
  return { numerator: BigInt(`${whole}${fraction}`), denominator: 10n ** BigInt(fraction.length) };
};

/** What is the matter with the engine. */
export interface Faults {
  /** Applies nothing: the error that `run` rejects with. */
  refuse?: () => Error | undefined;
  /** Applies, and tells nobody: `run` rejects with `transaction-timeout`. */
  silent?: boolean;
  /** Before the operations reach the ledger. */
  before?: () => void;
  /** Changes the results that are shown. */
  lie?: (results: readonly xdr.OperationResult[]) => readonly xdr.OperationResult[];
}

export interface Rig {
  orders: OrdersRoom;
  engine: Engine;
  network: Network;
  time: ManualClock;
  state: State;
  data: MarketData;
  faults: Faults;
  intents: Intent[];
  /** Operations of each transaction. */
  transactions: xdr.OperationBody[][];
  endings: Map<string, Ending>;
  /** Tells the ends that were kept silent. */
  tell(): void;
  known: Map<string, string>;
  book: { fresh: boolean; at?: number };
  limits: { maxOperations: number };
  /** False: nobody tells of fills. */
  tellsFills: boolean;
  fills: Fill[];
  pages: number;
  offers(who?: string): OfferEntry[];
  account(): AccountState;
  /** Another account trades. */
  act(who: 'taker' | 'trader', operations: xdr.OperationBody[]): void;
  /** A connector that starts anew over the same state and ledger. */
  restart(): OrdersRoom;
  stop(): void;
}

/** What an engine other than the rig's own needs. */
export interface Access {
  state: State;
  network: Network;
  time: ManualClock;
  account(): AccountState;
  /** Closes a ledger and tells of its trades. */
  close(): void;
  recovered: OrdersRoom['recovered'];
}

const withTaker = (plain: Scenario): Scenario => ({
  ...plain,
  accounts: [
    ...plain.accounts,
    {
      ...{ name: 'taker', address: taker.publicKey(), balance: 100_000n * UNIT },
      trustlines: [{ asset: 'USDC:issuer', limit: undefined, balance: 100_000n * UNIT }],
    },
  ],
});

const toEntry = ({ id, seller, selling, buying, amount, price: { n, d } }: Offer): OfferEntry => ({
  ...{ id: id.toString(), seller, selling, buying, amount },
  price: { numerator: BigInt(n), denominator: BigInt(d) },
});

/** Orders of `trader` over the sandbox's ledger; each close of a batch is one ledger. */
export function createRig(
  offers: Parameters<typeof scenario>[0],
  options: {
    change?: (s: Scenario) => Scenario;
    trading?: object;
    engine?: (access: Access) => Engine;
    schemas?: string[];
  } = {},
): Rig {
  const self = trader.publicKey();
  const time = manualClock();
  const network = startNetwork({
    ...createMarket((options.change ?? ((s) => s))(withTaker(scenario(offers))), START),
    ...time,
    closeMs: 5000,
    retain: 1000,
  });
  network.pause();
  const { state: entries } = network;
  const folder = mkdtempSync(join(tmpdir(), 'orders-'));
  const state = openState(folder, [ordersSchema, ...(options.schemas ?? [])]);
  const listeners = new Set<(fill: Fill) => void>();
  const waiting: { intent: Intent; done: (r: Receipt) => void; failed: (e: unknown) => void }[] = [];
  const late: { intent: Intent; ending: Ending; of: OrdersRoom }[] = [];
  const trades: LedgerTrade[] = [];

  const bookOf = (selling: string, buying: string) =>
    entries
      .book(selling, buying)
      .map(({ amount, price: { n, d } }) => ({ amount, n: BigInt(n), d: BigInt(d) }));
  const local = (): LocalBook => ({
    ...{ market, sequence: 1, checksum: 0, ledger: network.latest.sequence, fresh: rig.book.fresh },
    at: rig.book.at ?? time.clock(),
    asks: bookOf('native', USDC).map(({ amount, n, d }) => ({
      amount,
      price: { numerator: n, denominator: d },
    })),
    bids: bookOf(USDC, 'native').map(({ amount, n, d }) => ({
      amount: (amount * n) / d,
      price: { numerator: d, denominator: n },
    })),
  });
  const data: MarketData = {
    markets: [market],
    book: () => local(),
    pool: () => undefined,
    trades: () => trades,
    quote: () => Promise.reject(new Error('not asked here')),
    onBook: () => () => undefined,
    onTrade: () => () => undefined,
    onFill(filled) {
      listeners.add(filled);
      return () => listeners.delete(filled);
    },
    fills: () => rig.fills,
    heardOf: () => undefined,
    fillsOf: (offerId) => (rig.tellsFills ? rig.fills.filter((fill) => fill.offerId === offerId) : []),
  };

  const account = (): AccountState => {
    const own = entries.account(self)!;
    const lines = [...entries.ownedBy(self)].flatMap((entry) => (entry.type === 'trustline' ? [entry] : []));
    return {
      ...{ sequence: own.sequence, subentries: own.subentries, sponsoring: 0, sponsored: 0 },
      balances: [
        {
          ...{ asset: 'native', balance: own.balance, limit: undefined, authorized: true },
          ...{ sellingLiabilities: own.liabilities.selling, buyingLiabilities: own.liabilities.buying },
        },
        ...lines.map(({ asset, balance, limit, liabilities, flags }) => ({
          ...{ asset, balance, limit, authorized: (flags & 1) === 1 },
          ...{ sellingLiabilities: liabilities.selling, buyingLiabilities: liabilities.buying },
        })),
      ],
    };
  };

  /** What trades the newest ledger had: the fill stream tells those of offers of ours. */
  function observe(): void {
    for (const trade of tradesOf(network.latest, USDC, time.clock())) {
      trades.push(trade);
      const fill = fillOf(trade, self, [market]);
      if (fill?.role !== 'maker') continue;
      rig.fills.push(fill);
      if (rig.tellsFills) for (const listener of listeners) listener(fill);
    }
  }

  function close(): void {
    time.advance(1000);
    network.close();
    observe();
  }

  function send(who: typeof trader, operations: readonly xdr.OperationBody[]) {
    const sequence = entries.account(who.publicKey())!.sequence + 1n;
    const ops = operations.map((body) => new xdr.Operation({ sourceAccount: null, body }));
    const sent = network.submit(envelope(ops as never, { source: who, sequence, fee: '1000' }));
    if (sent.status !== 'PENDING') throw new Error(`the sandbox says ${JSON.stringify(sent)}`);
    close();
    const applied = network.transaction(sent.transaction.hash)!;
    return { hash: sent.transaction.hash, envelopeXdr: sent.transaction.envelopeXdr, applied };
  }

  /** Deletions first, then shared trades; a swap goes alone. */
  async function work(): Promise<void> {
    waiting.sort((a, b) => Number(b.intent.lane === 'delete') - Number(a.intent.lane === 'delete'));
    const batch =
      waiting[0]?.intent.shared === false ? waiting.splice(0, 1) : waiting.filter((w) => w.intent.shared);
    for (const one of batch) if (waiting.includes(one)) waiting.splice(waiting.indexOf(one), 1);
    const reserved = new Map<string, bigint>();
    const planned: { one: (typeof batch)[number]; operations: readonly xdr.OperationBody[] }[] = [];
    for (const one of batch) {
      const { header } = network.latest;
      const head = {
        ...{ sequence: network.latest.sequence, closedAt: network.latest.closeTime * 1000 },
        ...{ baseFee: header.baseFee, baseReserve: header.baseReserve },
      };
      try {
        const refusal = rig.faults.refuse?.();
        if (refusal) throw refusal;
        const { operations, spends } = await one.intent.plan(
          { head, account: account(), bid: 1000n, reserved },
          never,
        );
        for (const [asset, amount] of spends) reserved.set(asset, (reserved.get(asset) ?? 0n) + amount);
        planned.push({ one, operations });
      } catch (error) {
        one.failed(error);
      }
    }
    const operations = planned.flatMap((plan) => plan.operations);
    if (operations.length === 0) return;
    rig.faults.before?.();
    rig.transactions.push(operations);
    const { hash, envelopeXdr, applied } = send(trader, operations);
    const result = decodeResult(applied.resultXdr)!;
    const share = result.feeCharged / BigInt(operations.length);
    let at = 0;
    for (const plan of planned) {
      const { one } = plan;
      const truth = result.operations.slice(at, at + plan.operations.length);
      at += plan.operations.length;
      rig.known.set(one.intent.id, hash);
      const results = rig.faults.lie?.(truth) ?? truth;
      const fee = share * BigInt(plan.operations.length);
      const receipt: Receipt = { hash, ledger: applied.ledger, fee, results, envelopeXdr };
      const message = `the ledger refused the transaction: ${result.operationCode}`;
      const ending: Ending = result.successful
        ? { kind: 'applied', receipt }
        : { kind: 'failed', hash, ledger: applied.ledger, result, message };
      rig.endings.set(one.intent.id, ending);
      if (rig.faults.silent) {
        late.push({ intent: one.intent, ending, of: rig.orders });
        one.failed(connectorError('transaction-timeout', `Transaction ${hash} was not confirmed in time`));
      } else if (!result.successful) one.failed(connectorError('transaction-failed', message));
      else if (one.intent.plausible?.(results) === false)
        one.failed(connectorError('ledger-untrusted', 'a lie'));
      else one.done(receipt);
    }
  }

  const own: Engine = {
    run(intent) {
      rig.intents.push(intent);
      return new Promise((done, failed) => {
        waiting.push({ intent, done, failed });
        if (waiting.length === 1)
          setImmediate(() => void work().then(() => (waiting.length > 0 ? work() : undefined)));
      });
    },
    lookup: () => undefined,
    intent: (id) => {
      const hash = rig.known.get(id);
      const ending = rig.faults.silent ? undefined : rig.endings.get(id);
      return hash === undefined ? undefined : { state: ending ? 'ended' : 'in-flight', hash, ending };
    },
    resume: () => undefined,
    drain: async () => undefined,
    load: () => ({ waiting: waiting.length, inFlight: 0, channels: 0 }),
  };

  const trading = {
    deadManSeconds: 120,
    staleSeconds: 60,
    nativeBuffer: UNIT,
    collarPct: 50,
    ...options.trading,
  };
  const make = (): OrdersRoom => {
    const recovered: OrdersRoom['recovered'] = (...ended) => room.recovered(...ended);
    const engine = options.engine?.({ state, network, time, account, close, recovered }) ?? own;
    rig.engine = engine;
    const room = createOrders({
      limits: rig.limits,
      ...{ file: { account: self, trading }, state, engine, market: data, metrics: createMetrics() },
      ledger: {
        head: async () => ({
          ...{
            sequence: network.latest.sequence,
            closedAt: time.clock(),
            baseFee: 100n,
            baseReserve: 5_000_000n,
          },
        }),
        offersOf: async () => rig.offers(),
        async tradesOf(_account, cursor, limit) {
          rig.pages++;
          const key = (text: string): [bigint, number] => {
            const [id, index] = text.split('-');
            return [BigInt(id!), Number(index)];
          };
          const [id, index] = key(cursor);
          return trades
            .filter((trade) => {
              const [other, at] = key(trade.cursor);
              return other > id || (other === id && at > index);
            })
            .slice(0, limit);
        },
      },
      log: { warn: () => undefined },
      now: time.clock,
      every: time.every,
    });
    return room;
  };

  const rig: Rig = {
    ...{
      network,
      time,
      state,
      data,
      account,
      faults: {},
      intents: [],
      transactions: [],
      fills: [],
      pages: 0,
    },
    ...{
      endings: new Map(),
      known: new Map(),
      book: { fresh: true },
      limits: { maxOperations: 100 },
      tellsFills: true,
    },
    orders: undefined as unknown as OrdersRoom,
    engine: own,
    offers: (who = self) =>
      [...entries.ownedBy(who)].flatMap((entry) => (entry.type === 'offer' ? [toEntry(entry)] : [])),
    act(who, operations) {
      send(who === 'taker' ? taker : trader, operations);
    },
    tell() {
      for (const { intent, ending, of } of late.splice(0)) {
        if (of === rig.orders) intent.ended?.(ending);
        else rig.orders.recovered(intent, ending);
      }
    },
    restart() {
      rig.orders.stop();
      listeners.clear();
      rig.orders = make();
      return rig.orders;
    },
    stop() {
      rig.orders.stop();
      network.stop();
      state.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  rig.orders = make();
  return rig;
}
