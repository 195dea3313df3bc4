import type { sleep } from '../../common/shutdown.ts';
import { connectorError } from '../errors.ts';
import type { Ledger, PoolEntry, PoolMovement } from '../ledger/types.ts';
import type { Market } from '../market/asset.ts';
import { POOL_FEE_BPS, poolIdentity } from '../market/pool-id.ts';
import type { Slippage } from '../market/quote.ts';
import type { BuildState, Engine } from '../transactions/types.ts';
import { planDeposit, planWithdrawal, type Signed } from './pool-plan.ts';
import type { Pair } from './pool-shares.ts';

/** What a deposit or withdrawal did; amounts in stroops, in the pool's order of assets. */
export interface PoolReceipt {
  hash: string;
  fee: bigint;
  amounts: Pair;
  shares: bigint;
  /** False: no server told what moved, so it is what was expected when it was signed for. */
  exact: boolean;
}

export interface Holding {
  pool: PoolEntry;
  shares: bigint;
}

export interface Pools {
  /**
   * The pool, also the empty one of a listed market that no ledger has yet.
   * @throws `not-found`
   */
  pool(id: string, signal: AbortSignal): Promise<PoolEntry>;
  /** What the account has of a pool, of all pools that it has a line for when none is named. */
  holdings(id: string | undefined, signal: AbortSignal): Promise<Holding[]>;
  /** `most` is never exceeded, the price is held within `slippage` of the pool's. @throws those of `Engine.run` */
  deposit(
    id: string,
    most: Pair,
    slippage: Slippage,
    intentId: string,
    signal: AbortSignal,
  ): Promise<PoolReceipt>;
  /** `share` of what the account has of the pool, above 0 and at most 1. @throws those of `Engine.run` */
  withdraw(
    id: string,
    share: Slippage,
    slippage: Slippage,
    intentId: string,
    signal: AbortSignal,
  ): Promise<PoolReceipt>;
}

/** How often effects are asked for, a second apart. */
const TOLD_TRIES = 4;

export interface PoolsOptions {
  markets: readonly Market[];
  /** Kept back of native beyond the reserve, stroops. */
  nativeBuffer: bigint;
  ledger: Pick<Ledger, 'pool' | 'account' | 'poolMovements'>;
  engine: Pick<Engine, 'run'>;
  account: string;
  sleep: typeof sleep;
}

/** Deposits into pools and withdrawals, each a transaction of its own. */
export function createPools(options: PoolsOptions): Pools {
  const { markets, nativeBuffer, ledger, engine, account, sleep } = options;
  const listed = new Map(
    markets.map(({ base, quote }) => poolIdentity(base, quote)).map((identity) => [identity.id, identity]),
  );

  async function poolOf(id: string, signal: AbortSignal): Promise<PoolEntry> {
    const found = await ledger.pool(id, signal);
    if (found !== undefined) return found;
    const identity = listed.get(id);
    if (identity === undefined) {
      throw connectorError('not-found', 'Pool not found: poolAddress is the id of a pool, 64 hex digits');
    }
    return { ...identity, reserves: [0n, 0n], totalShares: 0n, feeBps: POOL_FEE_BPS };
  }

  /** Runs the operation and reads what it moved; `expected` and `fits` are set by the plan that was signed for. */
  async function run(
    intent: { id: string; kind: string; payload: unknown },
    poolId: string,
    plan: (state: BuildState, signal: AbortSignal) => Promise<Signed>,
    signal: AbortSignal,
  ): Promise<PoolReceipt> {
    let signed: Signed | undefined;
    const receipt = await engine.run(
      {
        ...intent,
        ...{ lane: 'trade', shared: false },
        async plan(state, planSignal) {
          signed = await plan(state, planSignal);
          return signed.plan;
        },
        plausible(results) {
          const operations = signed?.plan.operations;
          return (
            results.length === operations?.length &&
            results.every((result, i) => result.type === 'opInner' && result.tr.type === operations[i]?.type)
          );
        },
      },
      signal,
    );
    const { hash, fee } = receipt;
    const { amounts, shares, fits } = signed!;
    const moved = await told(hash, (movement) => movement.poolId === poolId && fits(movement), signal);
    return { hash, fee, amounts, shares, ...moved, exact: moved !== undefined };
  }

  /** It is done: that nobody tells the amounts is no failure. History may be a little behind. */
  async function told(
    hash: string,
    fits: (movement: PoolMovement) => boolean,
    signal: AbortSignal,
  ): Promise<PoolMovement | undefined> {
    for (let tries = 0; tries < TOLD_TRIES; tries++) {
      if (tries > 0) await sleep(1_000, signal).catch(() => undefined);
      const movements = await ledger.poolMovements(hash, signal).catch(() => undefined);
      const moved = movements?.find(fits);
      if (moved !== undefined || signal.aborted) return moved;
    }
    return undefined;
  }

  return {
    pool: poolOf,

    async holdings(id, signal) {
      const state = await ledger.account(account, signal);
      const lines = (state?.poolShares ?? []).filter(({ poolId }) => id === undefined || poolId === id);
      return Promise.all(
        lines.map(async ({ poolId, balance }) => ({ pool: await poolOf(poolId, signal), shares: balance })),
      );
    },

    deposit: (id, most, slippage, intentId, signal) =>
      run(
        { id: intentId, kind: 'pool-deposit', payload: { poolId: id, most: most.map(String) } },
        id,
        async (state, planSignal) =>
          planDeposit(await poolOf(id, planSignal), most, slippage, state, nativeBuffer),
        signal,
      ),

    withdraw: (id, share, slippage, intentId, signal) =>
      run(
        { id: intentId, kind: 'pool-withdrawal', payload: { poolId: id } },
        id,
        async (state, planSignal) => planWithdrawal(await poolOf(id, planSignal), share, slippage, state),
        signal,
      ),
  };
}
