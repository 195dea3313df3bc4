import { createHash } from 'node:crypto';
import * as z from 'zod';
import { connectorError } from '../../errors.ts';
import type { Ledger, PoolEntry } from '../../ledger/types.ts';
import type { AssetId, Market } from '../../market/asset.ts';
import { poolIdentity } from '../../market/pool-id.ts';
import type { MarketData } from '../../market/types.ts';
import type { State } from '../../state.ts';
import { requireRoom } from './schema.ts';
import type { TokenList } from './tokens.ts';

export const poolSchema = z.strictObject({
  connector: z.string(),
  type: z.enum(['amm', 'clmm']),
  network: z.string(),
  baseSymbol: z.string(),
  quoteSymbol: z.string(),
  baseTokenAddress: z.string(),
  quoteTokenAddress: z.string(),
  feePct: z.string(),
  address: z.string(),
});
/** As the contract shows it. */
export type Pool = z.infer<typeof poolSchema>;

/** The address under which a market's book is a pool of `sdex/clmm`: lower-case hex, the same in every process. */
export const marketAddress = ({ base, quote }: Market): string =>
  createHash('sha256').update(`sdex ${base} ${quote}`).digest('hex');

export const CONNECTOR_OF = { amm: 'stellar-amm', clmm: 'sdex' } as const;
export type PoolType = keyof typeof CONNECTOR_OF;

export interface PoolList {
  /** Pools of one or both types: of the listed markets, then the saved ones. `pair` in either order. */
  find(
    query: { type?: PoolType | undefined; pair?: readonly [AssetId, AssetId] | undefined },
    signal: AbortSignal,
  ): Promise<Pool[]>;
  /** A listed market's or the ledger's, saved or not. @throws `not-found` */
  get(address: string, signal: AbortSignal): Promise<Pool>;
  /** Saves a pool of the ledger and the tokens it needs. @throws `not-found`, `invalid-params` when the list is full */
  save(address: string, signal: AbortSignal): Promise<{ pool: Pool; added: boolean; tokensAdded: string[] }>;
  /** @throws `invalid-params` for one of a listed market, `not-found` */
  remove(address: string): void;
}

export interface PoolListOptions {
  state: State;
  network: string;
  markets: readonly Market[];
  tokens: TokenList;
  ledger: Pick<Ledger, 'pool' | 'poolOf'>;
  market: Pick<MarketData, 'pool'>;
}

/**
 * The pools that clients find by pair. Each listed market is one of `sdex/clmm` (its book), and one of `stellar-amm/amm`
 * where the ledger has a liquidity pool of its assets; others of the ledger can be saved.
 */
export function createPoolList(options: PoolListOptions): PoolList {
  const { state, network, markets, tokens, ledger, market: data } = options;
  const saved = new Map<string, Market>();
  for (const row of state.db.prepare('SELECT * FROM gateway_pools ORDER BY rowid').all()) {
    saved.set(String(row.address), { base: String(row.base), quote: String(row.quote) });
  }

  const show = (type: PoolType, { base, quote }: Market, address: string, feeBps: number): Pool => ({
    connector: CONNECTOR_OF[type],
    type,
    network,
    baseSymbol: tokens.describe(base).symbol,
    quoteSymbol: tokens.describe(quote).symbol,
    baseTokenAddress: base,
    quoteTokenAddress: quote,
    feePct: String(feeBps / 100),
    address,
  });
  const book = (market: Market): Pool => show('clmm', market, marketAddress(market), 0);
  /** Base and quote as the market of the same assets has them, else in the ledger's order. */
  const amm = ({ id, assets: [base, quote], feeBps }: PoolEntry): Pool => {
    const market = markets.find((one) => isPair(one, [base, quote])) ?? { base, quote };
    return show('amm', market, id, feeBps);
  };
  const bookAt = (address: string): Market | undefined =>
    markets.find((market) => marketAddress(market) === address);

  const get = async (address: string, signal: AbortSignal): Promise<Pool> => {
    const market = bookAt(address);
    if (market !== undefined) return book(market);
    const pool = /^[0-9a-f]{64}$/.test(address) ? await ledger.pool(address, signal) : undefined;
    if (pool === undefined) throw connectorError('not-found', 'no such pool');
    return amm(pool);
  };

  return {
    get,
    async find({ type, pair }, signal) {
      const wanted = markets.filter((market) => pair === undefined || isPair(market, pair));
      const found: Pool[] = type === 'amm' ? [] : wanted.map(book);
      if (type === 'clmm') return found;
      const pools = await Promise.all(
        wanted.map((market) => data.pool(market) ?? ledger.poolOf(market.base, market.quote, signal)),
      );
      for (const pool of pools) {
        if (pool !== undefined && !found.some(({ address }) => address === pool.id)) found.push(amm(pool));
      }
      for (const [address, market] of saved) {
        const isOther = pair !== undefined && !isPair(market, pair);
        // Every pool of the protocol takes 30 basis points.
        if (!isOther && !found.some((pool) => pool.address === address))
          found.push(show('amm', market, address, 30));
      }
      return found;
    },
    async save(address, signal) {
      const pool = await get(address, signal);
      const { baseTokenAddress: base, quoteTokenAddress: quote } = pool;
      const isListed = markets.some((market) => isPair(market, [base, quote]));
      if (isListed || saved.has(address)) return { pool, added: false, tokensAdded: [] };
      requireRoom(saved.size, 'pools');
      const added = [base, quote].map((asset) => tokens.save(asset)).filter((one) => one.added);
      const insert = state.db.prepare('INSERT INTO gateway_pools VALUES (?, ?, ?)');
      state.transact(() => insert.run(address, base, quote));
      saved.set(address, { base, quote });
      // Once more: the tokens have their symbols now.
      return {
        pool: show('amm', { base, quote }, address, 30),
        added: true,
        tokensAdded: added.map(({ token }) => token.symbol),
      };
    },
    remove(address) {
      const isListed = markets.some(({ base, quote }) => poolIdentity(base, quote).id === address);
      if (isListed || bookAt(address) !== undefined) {
        throw connectorError(
          'invalid-params',
          'address: its pair is in spec.markets of the StellarConnector',
        );
      }
      if (!saved.has(address)) throw connectorError('not-found', 'no such pool is saved');
      state.transact(() => state.db.prepare('DELETE FROM gateway_pools WHERE address = ?').run(address));
      saved.delete(address);
    },
  };
}

/** Whether the market is of these two assets, either way round. */
export const isPair = ({ base, quote }: Market, [one, other]: readonly [AssetId, AssetId]): boolean =>
  (base === one && quote === other) || (base === other && quote === one);
