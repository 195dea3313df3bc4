import { randomUUID } from 'node:crypto';
import { StrKey } from '@stellar/stellar-sdk/base';
import * as xdr from '@stellar/stellar-sdk/xdr';
import { isCoded } from '../../common/errors.ts';
import { connectorError } from '../errors.ts';
import { type AssetId, NATIVE, toXdrAsset } from '../market/asset.ts';
import { spendable } from '../market/balance.ts';
import type { Quote, SwapRequest } from '../market/quote.ts';
import type { Freshness, MarketData } from '../market/types.ts';
import { type DecodedResult, realizedAmounts } from '../transactions/result.ts';
import type { BuildState, Engine, Intent } from '../transactions/types.ts';

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
  /**
   * Swaps at the market of the moment of signing, within the request's slippage. `id` is unique.
   * @throws those of `MarketData.quote` and `Engine.run`, `insufficient-balance`, `invalid-params`
   */
  execute(request: SwapRequest, id: string, signal: AbortSignal): Promise<SwapReceipt>;
  /**
   * The same within the limits of a held quote, which is used up by it.
   * @throws `invalid-params` when there is none, `slippage-exceeded` when the market has left its limits
   */
  executeQuote(quoteId: string, client: string, signal: AbortSignal): Promise<SwapReceipt>;
}

export interface SwapsOptions {
  account: string;
  /** Kept back of native, stroops. */
  nativeBuffer: bigint;
  engine: Pick<Engine, 'run'>;
  market: Pick<MarketData, 'quote'>;
  /** Monotonic milliseconds. */
  now(): number;
}

/** How long (milliseconds) a quote is held, and how many are; the oldest goes first. */
export const HOLD_MS = 30_000;
const HELD = 20_000;

/** Kind of a swap's intents. After a restart there is nothing to do for one but to write down how it ended. */
export const SWAP = 'swap';

/** Swaps by path payment of the account to itself: strict send for SELL, strict receive for BUY. */
export function createSwaps(options: SwapsOptions): Swaps {
  const { account, engine, market, now } = options;
  const held = new Map<
    string,
    { request: SwapRequest; quote: Quote; client: string; until: number; tries: number }
  >();

  const run = async (
    request: SwapRequest,
    id: string,
    signal: AbortSignal,
    limits?: Quote,
  ): Promise<SwapReceipt> => {
    let planned: Quote | undefined;
    const intent: Intent = {
      id: `${SWAP}:${id}`,
      kind: SWAP,
      payload: {
        ...{ side: request.side, base: request.base, quote: request.quote },
        amount: request.amount.toString(),
      },
      lane: 'trade',
      shared: false,
      async plan(state, aborted) {
        const { quote } = await market.quote(request, aborted);
        planned = limits === undefined ? quote : within(quote, limits);
        checkFunds(planned, state, options.nativeBuffer);
        return {
          operations: [swapOperation(planned, account)],
          spends: new Map([[planned.tokenIn, planned.maxAmountIn]]),
        };
      },
      plausible: (results) => planned === undefined || isPlausible(results, planned, account),
    };
    const { hash, ledger, fee, results } = await engine.run(intent, signal);
    const realized = planned && realizedAmounts(successOf(results), planned, account);
    if (planned === undefined || realized === undefined) {
      throw connectorError('transaction-failed', `Transaction ${hash}: its result contradicts the order`);
    }
    return { hash, ledger, quote: planned, ...realized, fee };
  };

  return {
    async quote(request, client, signal) {
      const { quote, freshness } = await market.quote(request, signal);
      const quoteId = randomUUID();
      held.set(quoteId, { request, quote, client, until: now() + HOLD_MS, tries: 0 });
      for (const [id, { until }] of held) {
        if (until > now() && held.size <= HELD) break;
        held.delete(id);
      }
      return { quoteId, quote, freshness };
    },
    execute: (request, id, signal) => run(request, id, signal),
    async executeQuote(quoteId, client, signal) {
      const found = held.get(quoteId);
      if (found === undefined || found.client !== client || found.until <= now()) {
        throw connectorError(
          'invalid-params',
          `quoteId: no such quote is held; one is held for ${HOLD_MS / 1_000} s and executed once`,
          { field: 'quoteId' },
        );
      }
      held.delete(quoteId);
      const id = found.tries === 0 ? quoteId : `${quoteId}:${found.tries}`;
      try {
        return await run(found.request, id, signal, found.quote);
      } catch (error) {
        // The client tries again after this one: nothing was sent, and the promise still holds.
        if (isCoded(error, 'rate-limited')) held.set(quoteId, { ...found, tries: found.tries + 1 });
        throw error;
      }
    },
  };
}

/** A fresh quote with the limits of the one that was promised. @throws `slippage-exceeded`; no fee is paid to learn it */
function within(fresh: Quote, { minAmountOut, maxAmountIn }: Quote): Quote {
  if (fresh.amountOut < minAmountOut || fresh.amountIn > maxAmountIn) {
    throw connectorError(
      'slippage-exceeded',
      'the market has left the limits of the quote; nothing was sent',
    );
  }
  return { ...fresh, minAmountOut, maxAmountIn };
}

function swapOperation(quote: Quote, account: string): xdr.OperationBody {
  const shared = {
    sendAsset: toXdrAsset(quote.tokenIn),
    destination: xdr.MuxedAccount.keyTypeEd25519(StrKey.decodeEd25519PublicKey(account)),
    destAsset: toXdrAsset(quote.tokenOut),
    path: quote.path.map(toXdrAsset),
  };
  return quote.side === 'SELL'
    ? xdr.OperationBody.pathPaymentStrictSend(
        new xdr.PathPaymentStrictSendOp({
          ...shared,
          sendAmount: quote.amountIn,
          destMin: quote.minAmountOut,
        }),
      )
    : xdr.OperationBody.pathPaymentStrictReceive(
        new xdr.PathPaymentStrictReceiveOp({
          ...shared,
          sendMax: quote.maxAmountIn,
          destAmount: quote.amountOut,
        }),
      );
}

/**
 * What the ledger would refuse for want of funds or a trust line is refused before a fee is paid for it.
 * @throws `insufficient-balance`, `invalid-params`
 */
export function checkFunds(quote: Quote, state: BuildState, nativeBuffer: bigint): void {
  const { account, head, reserved, bid } = state;
  const free = spendable(account, head.baseReserve, nativeBuffer);
  const need = new Map<AssetId, bigint>([[NATIVE, bid]]);
  need.set(quote.tokenIn, (need.get(quote.tokenIn) ?? 0n) + quote.amountIn);
  for (const [asset, amount] of need) {
    if ((free.get(asset) ?? 0n) - (reserved.get(asset) ?? 0n) < amount) {
      throw connectorError('insufficient-balance', `the account cannot spend that much ${asset}`);
    }
  }
  const line = account.balances.find(({ asset }) => asset === quote.tokenOut);
  if (line === undefined) {
    throw connectorError('invalid-params', `the account has no trust line for ${quote.tokenOut}`);
  }
  const room = line.limit === undefined ? undefined : line.limit - line.balance - line.buyingLiabilities;
  if (room !== undefined && room < quote.minAmountOut) {
    throw connectorError('invalid-params', `the trust line for ${quote.tokenOut} has no room for that much`);
  }
}

const successOf = (operations: readonly xdr.OperationResult[]): DecodedResult => ({
  ...{ successful: true, feeCharged: 0n, code: 'txSuccess', operationCode: undefined, operations },
});

/** A failure promises nothing and is believed; a success must be within the order. */
function isPlausible(results: readonly xdr.OperationResult[], quote: Quote, account: string): boolean {
  const failed = results.some((one) => one.type !== 'opInner' || !one.tr.value.type.endsWith('Success'));
  return failed || realizedAmounts(successOf(results), quote, account) !== undefined;
}
