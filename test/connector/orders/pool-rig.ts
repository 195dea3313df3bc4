import type * as xdr from '@stellar/stellar-sdk/xdr';
import type { PoolEntry, PoolMovement } from '../../../connector/ledger/types.ts';
import type { AccountState } from '../../../connector/market/balance.ts';
import { createPools, type Pools } from '../../../connector/orders/pools.ts';
import type { Intent, Receipt } from '../../../connector/transactions/types.ts';
import { poolId } from '../../sandbox/ledger/pool.ts';
import {
  BASE_RESERVE,
  type Body,
  createWorld,
  G,
  UNIT,
  USD,
  type World,
  withPool,
  XLM,
} from '../../sandbox/ledger/testing.ts';

export const POOL = poolId(XLM, USD);
const never = new AbortController().signal;

/** The account as a ledger reader gives it. */
function accountOf({ state, accountOf: find }: World, name: string): AccountState {
  const account = find(name);
  const lines = [...state.entries()].flatMap((entry) =>
    entry.type === 'trustline' && entry.owner === G(name) ? [entry] : [],
  );
  const held = lines.filter(({ asset }) => !asset.startsWith('pool:'));
  return {
    ...{ sequence: account.sequence, subentries: account.subentries, sponsoring: 0, sponsored: 0 },
    balances: [
      {
        ...{ asset: XLM, balance: account.balance, limit: undefined, authorized: true },
        ...{ sellingLiabilities: 0n, buyingLiabilities: 0n },
      },
      ...held.map(({ asset, balance, limit, liabilities, flags }) => ({
        ...{ asset, balance, limit, authorized: (flags & 1) === 1 },
        ...{ sellingLiabilities: liabilities.selling, buyingLiabilities: liabilities.buying },
      })),
    ],
    poolShares: lines
      .filter(({ asset }) => asset.startsWith('pool:'))
      .map(({ asset, balance, limit }) => ({ poolId: asset.slice('pool:'.length), balance, limit })),
  };
}

export function poolOf({ state }: World, id: string): PoolEntry | undefined {
  const pool = state.pool(id);
  return (
    pool && {
      ...{ id, assets: [pool.assetA, pool.assetB], reserves: [pool.reserveA, pool.reserveB] },
      ...{ totalShares: pool.shares, feeBps: 30 },
    }
  );
}

export interface Rig {
  pools: Pools;
  intents: Intent[];
  /** Operations of the last one. */
  planned: readonly xdr.OperationBody[];
  /** Happens between the signature and the ledger. */
  between: () => void;
  /** What the server says of the last transaction; the truth by default. */
  tell: ((truth: PoolMovement[]) => PoolMovement[]) | 'nothing';
  /** Of other transactions in flight. */
  reserved: Map<string, bigint>;
}

/** Pools over the sandbox's ledger: each intent becomes a transaction of alice that the ledger applies. */
export function rig(world: World, nativeBuffer = 0n): Rig {
  let truth: PoolMovement[] = [];
  const made: Omit<Rig, 'pools'> = {
    intents: [],
    planned: [],
    between: () => {},
    tell: (all) => all,
    reserved: new Map(),
  };
  const pools = createPools({
    markets: [{ base: XLM, quote: USD }],
    nativeBuffer,
    account: G('alice'),
    sleep: async () => undefined,
    ledger: {
      pool: async (id) => poolOf(world, id),
      account: async () => accountOf(world, 'alice'),
      async poolMovements() {
        if (made.tell === 'nothing') throw new Error('out of order');
        return made.tell(truth);
      },
    },
    engine: {
      async run(intent): Promise<Receipt> {
        made.intents.push(intent);
        const head = { sequence: 7, closedAt: 0, baseFee: 100n, baseReserve: BASE_RESERVE };
        const state = { head, account: accountOf(world, 'alice'), bid: 100n, reserved: made.reserved };
        const { operations } = await intent.plan(state, never);
        made.planned = operations;
        made.between();
        const before = poolOf(world, POOL) ?? { reserves: [0n, 0n] as const, totalShares: 0n };
        const { code, operations: results } = world.run(
          'alice',
          operations.map((operation) => operation.toJson() as Body),
        );
        if (code !== 'tx_success') {
          throw new Error(results.map(({ outcome }) => 'code' in outcome && outcome.code).join());
        }
        const after = poolOf(world, POOL) ?? { reserves: [0n, 0n] as const, totalShares: 0n };
        const sign = after.totalShares > before.totalShares ? 1n : -1n;
        truth = [
          {
            ...{ poolId: POOL, kind: sign > 0n ? 'deposit' : 'withdrawal' },
            amounts: [0, 1].map((i) => sign * (after.reserves[i]! - before.reserves[i]!)) as [bigint, bigint],
            shares: sign * (after.totalShares - before.totalShares),
          },
        ];
        return { hash: 'ab'.repeat(32), ledger: 8, fee: 100n, results: [], envelopeXdr: '' };
      },
    },
  });
  return Object.assign(made, { pools });
}

/** Bob's pool of 400 lumens and 900 USD; alice has 1000 lumens and 1000 USD. */
export function market(): { world: World } & { at: Rig } {
  const world = createWorld('bank', 'alice', 'bob');
  withPool(world, 'bob', XLM, USD, 400n * UNIT, 900n * UNIT);
  world.line('alice', USD, { balance: 1000n * UNIT });
  return { world, at: rig(world) };
}
