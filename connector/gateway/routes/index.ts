import type { Route } from '../route.ts';
import { chainBalances } from './chain-balances.ts';
import { chainEstimateGas } from './chain-estimate-gas.ts';
import { chainPoll } from './chain-poll.ts';
import { chainStatus } from './chain-status.ts';
import { config } from './config.ts';
import { configChains } from './config-chains.ts';
import { configConnectors } from './config-connectors.ts';
import { configNamespaces } from './config-namespaces.ts';
import { executeSwap } from './execute-swap.ts';
import { quoteSwap } from './quote-swap.ts';
import { root } from './root.ts';
import { token } from './token.ts';
import { tokens } from './tokens.ts';
import { wallet } from './wallet.ts';

/** Every route of the gateway. */
export const routes: readonly Route[] = [
  root,
  configChains,
  configConnectors,
  configNamespaces,
  config,
  wallet,
  tokens,
  token,
  chainStatus,
  chainEstimateGas,
  chainBalances,
  chainPoll,
  quoteSwap,
  executeSwap,
];
