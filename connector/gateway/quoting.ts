import { connectorError } from '../errors.ts';
import type { Horizon } from '../ledger/horizon.ts';
import { formatAmount } from '../market/amount.ts';
import type { Market } from '../market/asset.ts';
import {
  bestRoute,
  type Price,
  type Quote,
  quoteRoute,
  type SwapRequest,
  tokenIn,
  tokenOut,
} from '../market/quote.ts';

export interface Quoter {
  /** @throws `no-route-found` */
  quote(request: SwapRequest, signal: AbortSignal): Promise<Quote>;
  /** The price that the book's best offer gives to this side, quote per base; undefined without one. */
  bestPrice(request: SwapRequest, signal: AbortSignal): Promise<Price | undefined>;
}

/** Quotes from Horizon's path search, through assets of the listed markets only: the signer allows no others. */
export function createQuoter(horizon: Horizon, markets: readonly Market[]): Quoter {
  const listed = new Set(markets.flatMap(({ base, quote }) => [base, quote]));
  return {
    async quote(request, signal) {
      const [from, to] = [tokenIn(request), tokenOut(request)];
      if (from === to) throw connectorError('invalid-params', 'baseToken and quoteToken must differ');
      const routes = await horizon.paths(request.side, from, to, formatAmount(request.amount), signal);
      const route = bestRoute(request, routes, listed);
      if (route === undefined) {
        throw connectorError('no-route-found', 'no path through listed assets trades this amount');
      }
      return quoteRoute(request, route);
    },
    async bestPrice({ side, base, quote }, signal) {
      const { bestBid, bestAsk } = await horizon.bestPrices(base, quote, signal);
      return side === 'SELL' ? bestBid : bestAsk;
    },
  };
}
