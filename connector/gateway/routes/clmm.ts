import type { Route } from '../route.ts';
import { clmmAdd } from './clmm-add.ts';
import { clmmClose } from './clmm-close.ts';
import { clmmCollectFees } from './clmm-collect-fees.ts';
import { clmmExecuteSwap } from './clmm-execute-swap.ts';
import { clmmOpen } from './clmm-open.ts';
import { clmmPoolInfo } from './clmm-pool-info.ts';
import { clmmPositionInfo } from './clmm-position-info.ts';
import { clmmPositionsOwned } from './clmm-positions-owned.ts';
import { clmmQuoteLiquidity } from './clmm-quote-liquidity.ts';
import { clmmQuoteSwap } from './clmm-quote-swap.ts';
import { clmmRemove } from './clmm-remove.ts';

/** Ladders of offers (`sdex/clmm`). */
export const clmmRoutes: readonly Route[] = [
  clmmPoolInfo,
  clmmPositionInfo,
  clmmPositionsOwned,
  clmmQuoteLiquidity,
  clmmOpen,
  clmmAdd,
  clmmRemove,
  clmmCollectFees,
  clmmClose,
  clmmQuoteSwap,
  clmmExecuteSwap,
];
