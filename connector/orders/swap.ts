import type { Quote, SwapRequest } from '../market/quote.ts';
import type { Freshness } from '../market/types.ts';

/** What became of a swap. Amounts realized, from the ledger's result; stroops. */
export interface SwapReceipt {
  hash: string;
  ledger: number;
  quote: Quote;
  amountIn: bigint;
  amountOut: bigint;
  fee: bigint;
}

export interface HeldQuote {
  quoteId: string;
  quote: Quote;
  freshness: Freshness;
}

export interface Swaps {
  /** A quote that its client can have executed once, within a while. @throws those of `MarketData.quote` */
  quote(request: SwapRequest, client: string, signal: AbortSignal): Promise<HeldQuote>;
  /** Swaps at the market of the moment of signing, within the request's slippage. @throws those of `Engine.run` */
  execute(request: SwapRequest, id: string, signal: AbortSignal): Promise<SwapReceipt>;
  /** Swaps within the limits of a held quote. @throws `invalid-params` when there is none, and those of `Engine.run` */
  executeQuote(quoteId: string, client: string, signal: AbortSignal): Promise<SwapReceipt>;
}
