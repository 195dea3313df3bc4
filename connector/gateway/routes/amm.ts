import type { Route } from '../route.ts';
import { ammAdd } from './amm-add.ts';
import { ammExecuteSwap } from './amm-execute-swap.ts';
import { ammPoolInfo } from './amm-pool-info.ts';
import { ammPositionInfo } from './amm-position-info.ts';
import { ammPositionsOwned } from './amm-positions-owned.ts';
import { ammQuoteLiquidity } from './amm-quote-liquidity.ts';
import { ammQuoteSwap } from './amm-quote-swap.ts';
import { ammRemove } from './amm-remove.ts';

/** Liquidity pools of the ledger (`stellar-amm/amm`). */
export const ammRoutes: readonly Route[] = [
  ammPoolInfo,
  ammPositionInfo,
  ammPositionsOwned,
  ammQuoteLiquidity,
  ammAdd,
  ammRemove,
  ammQuoteSwap,
  ammExecuteSwap,
];
