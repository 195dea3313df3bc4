import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { Agent, request } from 'undici';
import { close, harden, listen } from '../../../common/http.ts';
import { parseConnectorFile } from '../../../connector/config.ts';
import { connectorError } from '../../../connector/errors.ts';
import { createGateway } from '../../../connector/gateway/app.ts';
import type { AuditEntry } from '../../../connector/gateway/caller.ts';
import type { Context } from '../../../connector/gateway/context.ts';
import { BUDGETS, type Budget, createLimits } from '../../../connector/gateway/limits.ts';
import { createPoolList } from '../../../connector/gateway/lists/pools.ts';
import { createPreferences } from '../../../connector/gateway/lists/preferences.ts';
import { gatewaySchema } from '../../../connector/gateway/lists/schema.ts';
import { createTokenList } from '../../../connector/gateway/lists/tokens.ts';
import type { Route } from '../../../connector/gateway/route.ts';
import type { PoolEntry } from '../../../connector/ledger/types.ts';
import type { Market } from '../../../connector/market/asset.ts';
import type { AccountState } from '../../../connector/market/balance.ts';
import { poolIdentity } from '../../../connector/market/pool-id.ts';
import type { SwapRequest } from '../../../connector/market/quote.ts';
import type { LocalBook } from '../../../connector/market/types.ts';
import { createMetrics } from '../../../connector/metrics.ts';
import { createPools } from '../../../connector/orders/pools.ts';
import { createSwaps, SWAP } from '../../../connector/orders/swap.ts';
import { openState, type State } from '../../../connector/state.ts';
import type { Ending, Intent, Receipt } from '../../../connector/transactions/types.ts';
import { quoteAt, swapResult } from './swap-results.ts';

export const ACCOUNT = 'GB6AW4NE7GS76LM7HAYCPVZF2KLLMUPBS5YXEC2UEAWQ2IG4GB2FFPEB';
export const ISSUER = 'GCWSBR5KAS7MWM5WOZJCOMG2YDP5XJ2WYAPYGSZEKGPEEOI2CO6RA3VV';
export const USDC = `USDC:${ISSUER}`;
export const HASH = 'ab'.repeat(32);
export const PATH = '/trading/router/execute-swap';

export interface Rig {
  context: Context;
  state: State;
  /** Intents that reached the engine and were planned: what would be signed. */
  planned: Intent[];
  /** Happens instead of the ledger, after the plan. */
  engine: ((intent: Intent) => Promise<Receipt>) | undefined;
  /** What `market.quote` throws, or the market's rate. */
  market: Error | { sell: bigint; buy: bigint };
  /** What reads of the ledger throw. */
  ledger: Error | undefined;
  pools: PoolEntry[];
  /** Of transactions of ours, by hash. */
  known: Map<string, { maxTime: number; ending: Ending | undefined }>;
  /** Where the ledger and our clock stand, milliseconds. */
  now: number;
  client: string | undefined;
  audit: AuditEntry[];
  log: string[];
  folder: string;
  reloads: number;
  heard: string[];
  url: string;
  call(method: string, path: string, body?: unknown): Promise<RigReply>;
  /** A new process on the same state. */
  restart(): void;
  stop(): Promise<void>;
}

export interface RigReply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into answers of every shape
  body: any;
}

/** The gateway's routes without TLS, over a market and a ledger that do what they are told. */
export async function startRig(
  options: {
    budgets?: Record<keyof typeof BUDGETS, Budget>;
    trades?: number;
    markets?: object[];
    api?: Route[];
  } = {},
): Promise<Rig> {
  const file = parseConnectorFile(
    JSON.stringify({
      ...{ network: 'testnet', networkPassphrase: 'Test SDF Network ; September 2015', account: ACCOUNT },
      horizon: { endpoints: [{ url: 'https://horizon.example' }] },
      markets: options.markets ?? [{ base: 'XLM', quote: USDC }],
    }),
    'connector.yaml',
  );
  const rig = {
    ...{ planned: [], engine: undefined, market: { sell: 1_200n, buy: 1_210n }, ledger: undefined },
    ...{
      pools: [],
      known: new Map(),
      now: Date.now(),
      client: 'bot',
      audit: [],
      log: [],
      reloads: 0,
      heard: [],
    },
    folder: mkdtempSync(join(tmpdir(), 'gateway-')),
  } as unknown as Rig;
  const held = (asset: string) => ({
    ...{ asset, balance: 10_000_000_000n, limit: asset === 'native' ? undefined : 100_000_000_000n },
    ...{ sellingLiabilities: 0n, buyingLiabilities: 0n, authorized: true },
  });
  const state: AccountState = {
    ...{ sequence: 1n, subentries: 1, sponsoring: 0, sponsored: 0, poolShares: [] },
    balances: [held('native'), held(USDC)],
  };
  const truth = <T>(value: T): T => {
    if (rig.ledger !== undefined) throw rig.ledger;
    return value;
  };
  const head = () => ({ sequence: 100, closedAt: rig.now, baseFee: 100n, baseReserve: 5_000_000n });
  const ledger = {
    head: async () => truth(head()),
    feeStatistics: async () => truth({ baseFee: 100n, capacityUsage: 0.5, bids: { 90: 250n } }),
    account: async () => truth(state),
    pool: async (id: string) => truth(rig.pools.find((pool) => pool.id === id)),
    poolOf: async (a: string, b: string) =>
      truth(rig.pools.find((pool) => pool.id === poolIdentity(a, b).id)),
    transaction: async () => truth({ absentAt: head() }),
    poolMovements: async () => [],
  } as unknown as Context['ledger'];
  const market = {
    markets: file.markets,
    book: (of: Market): LocalBook => ({
      ...{ market: of, sequence: 1, checksum: 1, ledger: 100, at: rig.now, fresh: true },
      bids: [{ price: { numerator: 12n, denominator: 100n }, amount: 10_000_000_000n }],
      asks: [{ price: { numerator: 121n, denominator: 1_000n }, amount: 10_000_000_000n }],
    }),
    trades: () => [],
    pool: () => undefined,
    async quote(asked: SwapRequest) {
      if (rig.market instanceof Error) throw rig.market;
      return {
        quote: quoteAt(rig.market, asked),
        freshness: { source: 'local', ledger: 100, ageMs: 0 },
      };
    },
  } as unknown as Context['market'];
  const engine = {
    async run(intent: Intent, signal: AbortSignal) {
      await intent.plan({ head: head(), account: state, bid: 250n, reserved: new Map() }, signal);
      rig.planned.push(intent);
      if (rig.engine !== undefined) return rig.engine(intent);
      const receipt = { hash: HASH, ledger: 101, fee: 100n, envelopeXdr: '' };
      if (intent.kind !== SWAP) return { ...receipt, results: [] };
      const { side, base, quote, amount } = intent.payload as Record<string, string>;
      const slippage = { numerator: 0n, denominator: 1n };
      const asked = { side, base, quote, amount: BigInt(amount ?? 0), slippage } as SwapRequest;
      const moved = quoteAt({ sell: 1_200n, buy: 1_210n }, asked);
      const results = [swapResult(moved, ACCOUNT, moved.amountIn, moved.amountOut)];
      return { ...receipt, results };
    },
    lookup: (hash: string) => rig.known.get(hash),
  } as unknown as Context['engine'];

  const refuse = () => Promise.reject(connectorError('invalid-params', 'no orders here'));
  const orders = {
    ...{ position: () => undefined, positions: () => [], openPosition: refuse, addToPosition: refuse },
    ...{ removeFromPosition: refuse, closePosition: refuse },
  } as unknown as Context['orders'];

  let open: State | undefined;
  rig.restart = () => {
    open?.close();
    open = openState(rig.folder, [gatewaySchema]);
    rig.state = open;
    const tokenList = createTokenList(open, file.markets);
    const shared = { state: open, network: 'testnet', markets: file.markets, ledger, market };
    const poolList = createPoolList({ ...shared, tokens: tokenList });
    const { nativeBuffer } = file.trading;
    const options = { account: ACCOUNT, nativeBuffer, engine, market, now: () => rig.now };
    rig.context = Object.assign(rig.context ?? {}, {
      limits: file.fees,
      ...{ file, network: 'testnet', tokens: tokenList.all, tokenList, poolList, ledger, market, engine },
      preferences: createPreferences(open, 'stellar', 'testnet'),
      swaps: createSwaps(options),
      pools: createPools({
        ...{ markets: file.markets, nativeBuffer, ledger, engine, sleep: async () => undefined },
        account: ACCOUNT,
      }),
      orders,
      now: () => rig.now,
      async reload() {
        rig.reloads++;
      },
    } as unknown as Context);
  };
  rig.restart();
  const app = createGateway({
    context: rig.context,
    metrics: createMetrics(),
    log: pino({ level: 'debug' }, { write: (entry: string) => void rig.log.push(entry) }),
    gate: { client: () => rig.client },
    limits: createLimits(() => performance.now(), options.budgets ?? BUDGETS, options.trades),
    audit: (entry) => void rig.audit.push(entry),
    api: options.api ?? [],
    heard: (client) => void rig.heard.push(client),
    stopping: new AbortController().signal,
  });
  const server = createServer(app);
  await listen(harden(server), { host: '127.0.0.1', port: 0 });
  rig.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const agent = new Agent({ connections: 32 });
  rig.call = async (method, path, body) => {
    const {
      statusCode,
      headers,
      body: stream,
    } = await request(rig.url + path, {
      ...{ method: method as 'GET', dispatcher: agent, headers: { 'content-type': 'application/json' } },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await stream.text();
    let parsed: unknown;
    try {
      parsed = JSON.parse(text);
    } catch {
      parsed = undefined;
    }
    return { status: statusCode, headers, text, body: parsed };
  };
  rig.stop = async () => {
    await agent.close();
    await close(server, 100);
    open?.close();
    rmSync(rig.folder, { recursive: true });
  };
  return rig;
}

/** A swap as the stock client asks for one. */
export const swapBody = (fields: Record<string, unknown> = {}): Record<string, unknown> => ({
  ...{ chainNetwork: 'stellar-testnet', connector: 'sdex', walletAddress: ACCOUNT },
  ...{ baseToken: 'XLM', quoteToken: 'USDC', amount: 10, side: 'SELL', ...fields },
});
