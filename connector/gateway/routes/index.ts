import type { Route } from '../route.ts';
import { ammRoutes } from './amm.ts';
import { chainBalances } from './chain-balances.ts';
import { chainEstimateGas } from './chain-estimate-gas.ts';
import { chainPoll } from './chain-poll.ts';
import { chainStatus } from './chain-status.ts';
import { clmmRoutes } from './clmm.ts';
import { config } from './config.ts';
import { configChains } from './config-chains.ts';
import { configConnectors } from './config-connectors.ts';
import { configNamespaces } from './config-namespaces.ts';
import { configUpdate } from './config-update.ts';
import { docsOf } from './docs.ts';
import { executeQuote } from './execute-quote.ts';
import { executeSwap } from './execute-swap.ts';
import { pool } from './pool.ts';
import { poolAdd } from './pool-add.ts';
import { poolFind } from './pool-find.ts';
import { poolRemove } from './pool-remove.ts';
import { poolSave } from './pool-save.ts';
import { pools } from './pools.ts';
import { poolsFind } from './pools-find.ts';
import { quoteSwap } from './quote-swap.ts';
import { restart } from './restart.ts';
import { root } from './root.ts';
import { token } from './token.ts';
import { tokenAdd } from './token-add.ts';
import { tokenFind } from './token-find.ts';
import { tokenRemove } from './token-remove.ts';
import { tokenSave } from './token-save.ts';
import { tokens } from './tokens.ts';
import { wallet } from './wallet.ts';
import { walletAddHardware } from './wallet-add-hardware.ts';
import { walletSetDefault } from './wallet-set-default.ts';

const table: readonly Route[] = [
  root,
  configChains,
  configConnectors,
  configNamespaces,
  config,
  configUpdate,
  restart,
  wallet,
  walletAddHardware,
  walletSetDefault,
  tokens,
  tokenFind,
  token,
  tokenAdd,
  tokenSave,
  tokenRemove,
  // Before the pools by pair, whose pattern it would match.
  poolsFind,
  poolFind,
  pools,
  pool,
  poolAdd,
  poolSave,
  poolRemove,
  chainStatus,
  chainEstimateGas,
  chainBalances,
  chainPoll,
  quoteSwap,
  executeSwap,
  executeQuote,
  ...ammRoutes,
  ...clmmRoutes,
];

/** Every route of the gateway. */
export const routes: readonly Route[] = [...table, ...docsOf(table)];
