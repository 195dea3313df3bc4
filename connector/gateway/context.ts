import * as z from 'zod';
import type { ConnectorFile } from '../config.ts';
import { connectorError } from '../errors.ts';
import type { Ledger } from '../ledger/types.ts';
import type { LimitsInForce } from '../limits.ts';
import type { Token } from '../market/asset.ts';
import type { MarketData } from '../market/types.ts';
import type { Pools } from '../orders/pools.ts';
import type { Swaps } from '../orders/swap.ts';
import type { Orders } from '../orders/types.ts';
import type { Engine } from '../transactions/types.ts';
import type { PoolList } from './lists/pools.ts';
import type { Preferences } from './lists/preferences.ts';
import type { TokenList } from './lists/tokens.ts';

/** What the routes work with. */
export interface Context {
  file: ConnectorFile;
  /** In force now, from the policies where they are known: not those of `file`. */
  limits: LimitsInForce;
  /** Name in the contract: `mainnet`, `testnet`, or the network's own. */
  network: string;
  tokens: readonly Token[];
  ledger: Ledger;
  market: MarketData;
  engine: Engine;
  orders: Orders;
  swaps: Swaps;
  pools: Pools;
  /** `tokens` is what it holds. */
  tokenList: TokenList;
  poolList: PoolList;
  preferences: Preferences;
  /** Reads anew what can change in a running process; touches no order. */
  reload(): Promise<void>;
  /** Milliseconds since 1970. */
  now(): number;
}

export const CHAIN = 'stellar';
/** The order book's name in the contract: `router` is path payments, `clmm` a ladder of offers. */
export const CONNECTOR = 'sdex';
/** Liquidity pools: `amm`. */
export const POOLS_CONNECTOR = 'stellar-amm';

/** A JSON number or decimal text; which of them, `parseAmount` and `parseSlippage` read exactly. */
export const decimal = z.union([z.number().nonnegative(), z.string().max(64)]);

export const chainNetworkOf = ({ network }: Context): string => `${CHAIN}-${network}`;

/** Where and for whom a request is. */
export interface Ours {
  network?: string | undefined;
  chainNetwork?: string | undefined;
  walletAddress?: string | undefined;
}

/** What is absent means ours. @throws `invalid-params` for another network, chain and network, or account */
export function requireOurs({ network, chainNetwork, walletAddress }: Ours, context: Context): void {
  const refuse = (field: string, why: string): never => {
    throw connectorError('invalid-params', `${field}: this connector ${why}`, { field });
  };
  if (network !== undefined && network !== context.network) refuse('network', `serves ${context.network}`);
  if (chainNetwork !== undefined && chainNetwork !== chainNetworkOf(context)) {
    refuse('chainNetwork', `serves ${chainNetworkOf(context)}`);
  }
  requireAccount(walletAddress, context, 'walletAddress');
}

/** @throws `invalid-params` for another account than the signer's; undefined means that one */
export function requireAccount(address: string | undefined, { file }: Context, field: string): void {
  if (address === undefined || address === file.account) return;
  throw connectorError('invalid-params', `${field}: this connector trades for ${file.account} only`, {
    field,
  });
}
