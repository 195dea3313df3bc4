import * as xdr from '@stellar/stellar-sdk/xdr';
import { connectorError } from '../errors.ts';
import type { PoolEntry, PoolMovement } from '../ledger/types.ts';
import { formatAmount, MAX_STROOPS } from '../market/amount.ts';
import { type AssetId, NATIVE } from '../market/asset.ts';
import { type AccountState, available, type PoolShares, room } from '../market/balance.ts';
import { poolParameters } from '../market/pool-id.ts';
import type { Slippage } from '../market/quote.ts';
import type { BuildState, Plan } from '../transactions/types.ts';
import {
  leastAccepted,
  mostTaken,
  type Pair,
  type PriceBounds,
  priceBounds,
  sizeDeposit,
  sizeWithdrawal,
  withinBounds,
} from './pool-shares.ts';
import type { Fraction } from './price.ts';

/** Operations to be signed for, and what they do. */
export interface Signed {
  plan: Plan;
  /** What it moves if the pool stays as it is. */
  amounts: Pair;
  shares: bigint;
  /** Whether a movement that a server shows is one that this operation can have made. */
  fits(movement: PoolMovement): boolean;
}

/**
 * The deposit, with the line for its shares before it when the account has none. Funds, lines and price are checked
 * here, so that no fee is paid for what must fail.
 */
export function planDeposit(
  pool: PoolEntry,
  offered: Pair,
  slippage: Slippage,
  state: BuildState,
  nativeBuffer: bigint,
): Signed {
  const line = lineOf(state.account, pool.id);
  const sized = sizeDeposit(pool, offered);
  const [priceA, priceB] = pool.totalShares === 0n ? offered : pool.reserves;
  const bounds = priceBounds({ numerator: priceA, denominator: priceB }, slippage);
  if (sized.shares === 0n || !withinBounds(sized.amounts, bounds)) {
    throw connectorError('slippage-exceeded', 'so small a deposit would be rounded beyond slippagePct');
  }
  if (line !== undefined && line.limit - line.balance < sized.shares) {
    throw connectorError(
      'invalid-params',
      `the trust line of the pool's shares has not room for the deposit`,
    );
  }
  const most = mostTaken(sized, offered, slippage);
  const deposit = depositOf(pool, most, bounds);
  const operations = line === undefined ? [trustPool(pool.assets, MAX_STROOPS), deposit] : [deposit];
  const spends = new Map(pool.assets.map((asset, i) => [asset, most[i as 0 | 1]]));
  for (const [asset, amount] of spends) {
    const lineReserve = line === undefined ? 2n * state.head.baseReserve : 0n;
    const fees = nativeBuffer + state.bid * BigInt(operations.length);
    requireFunds(asset, amount, asset === NATIVE ? fees + lineReserve : 0n, state);
  }
  return {
    plan: { operations, spends },
    amounts: sized.amounts,
    shares: sized.shares,
    fits: ({ kind, amounts, shares }) =>
      kind === 'deposit' &&
      shares > 0n &&
      amounts[0] <= most[0] &&
      amounts[1] <= most[1] &&
      withinBounds(amounts, bounds),
  };
}

/** The withdrawal; when it takes all, the line of the shares goes too and gives its reserve back. */
export function planWithdrawal(
  pool: PoolEntry,
  share: Slippage,
  slippage: Slippage,
  state: BuildState,
): Signed {
  const held = lineOf(state.account, pool.id)?.balance ?? 0n;
  const all = share.numerator === share.denominator;
  const shares = (held * share.numerator) / share.denominator;
  if (shares === 0n) {
    throw connectorError(
      'insufficient-balance',
      'the account has no shares of this pool, or too few for that percentage',
    );
  }
  const amounts = sizeWithdrawal(pool, shares);
  pool.assets.forEach((asset, i) => {
    requireRoom(asset, amounts[i as 0 | 1], state.account);
  });
  const least = leastAccepted(amounts, slippage);
  const withdrawal = xdr.OperationBody.liquidityPoolWithdraw(
    new xdr.LiquidityPoolWithdrawOp({
      liquidityPoolId: poolIdXdr(pool.id),
      amount: shares,
      minAmountA: least[0],
      minAmountB: least[1],
    }),
  );
  return {
    plan: { operations: all ? [withdrawal, trustPool(pool.assets, 0n)] : [withdrawal], spends: new Map() },
    ...{ amounts, shares },
    fits: (moved) =>
      moved.kind === 'withdrawal' &&
      moved.shares === shares &&
      moved.amounts[0] >= least[0] &&
      moved.amounts[1] >= least[1],
  };
}

const lineOf = ({ poolShares }: AccountState, id: string): PoolShares | undefined =>
  poolShares?.find(({ poolId }) => poolId === id);

const poolIdXdr = (id: string): xdr.PoolId => new xdr.PoolId(Buffer.from(id, 'hex'));
const priceXdr = ({ n, d }: Fraction): xdr.Price => new xdr.Price({ n: Number(n), d: Number(d) });

const depositOf = (pool: PoolEntry, most: Pair, { min, max }: PriceBounds): xdr.OperationBody =>
  xdr.OperationBody.liquidityPoolDeposit(
    new xdr.LiquidityPoolDepositOp({
      liquidityPoolId: poolIdXdr(pool.id),
      maxAmountA: most[0],
      maxAmountB: most[1],
      minPrice: priceXdr(min),
      maxPrice: priceXdr(max),
    }),
  );

/** A limit of 0 takes the line away. The signer allows lines of the pools that its policy lists. */
const trustPool = (assets: PoolEntry['assets'], limit: bigint): xdr.OperationBody =>
  xdr.OperationBody.changeTrust(
    new xdr.ChangeTrustOp({
      line: xdr.ChangeTrustAsset.assetTypePoolShare(poolParameters(assets)),
      limit,
    }),
  );

function requireFunds(asset: AssetId, amount: bigint, keep: bigint, state: BuildState): void {
  const free = available(state.account, asset, state.head.baseReserve);
  if (free === undefined) throw noLine(asset);
  const left = free - keep - (state.reserved.get(asset) ?? 0n);
  if (left >= amount) return;
  const shown = formatAmount(left > 0n ? left : 0n);
  throw connectorError('insufficient-balance', `Insufficient ${asset} balance: ${shown} can be deposited`);
}

function requireRoom(asset: AssetId, amount: bigint, account: AccountState): void {
  const left = room(account, asset);
  if (left === undefined) throw noLine(asset);
  if (left >= amount) return;
  throw connectorError('invalid-params', `the trust line for ${asset} has not room for what would come`);
}

const noLine = (asset: AssetId) =>
  connectorError('invalid-params', `the account has no trust line for ${asset}`);
