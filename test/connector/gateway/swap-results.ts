import { StrKey } from '@stellar/stellar-sdk/base';
import * as xdr from '@stellar/stellar-sdk/xdr';
import { NATIVE, toXdrAsset } from '../../../connector/market/asset.ts';
import type { Quote, SwapRequest } from '../../../connector/market/quote.ts';

const key = (account: string) => xdr.PublicKey.publicKeyTypeEd25519(StrKey.decodeEd25519PublicKey(account));

/** The ledger's result of a swap that moved these amounts. */
export function swapResult(
  quote: Pick<Quote, 'side' | 'tokenIn' | 'tokenOut'>,
  account: string,
  amountIn: bigint,
  amountOut: bigint,
): xdr.OperationResult {
  const last = new xdr.SimplePaymentResult({
    destination: key(account),
    asset: toXdrAsset(quote.tokenOut),
    amount: amountOut,
  });
  const offers = [
    xdr.ClaimAtom.claimAtomTypeOrderBook(
      new xdr.ClaimOfferAtom({
        ...{ sellerId: key(account), offerId: 1n },
        ...{ assetSold: toXdrAsset(quote.tokenOut), amountSold: amountOut },
        ...{ assetBought: toXdrAsset(quote.tokenIn), amountBought: amountIn },
      }),
    ),
  ];
  return xdr.OperationResult.opInner(
    quote.side === 'SELL'
      ? xdr.OperationResultTr.pathPaymentStrictSend(
          xdr.PathPaymentStrictSendResult.pathPaymentStrictSendSuccess(
            new xdr.PathPaymentStrictSendResultSuccess({ offers, last }),
          ),
        )
      : xdr.OperationResultTr.pathPaymentStrictReceive(
          xdr.PathPaymentStrictReceiveResult.pathPaymentStrictReceiveSuccess(
            new xdr.PathPaymentStrictReceiveResultSuccess({ offers, last }),
          ),
        ),
  );
}

export const underDestmin = xdr.OperationResult.opInner(
  xdr.OperationResultTr.pathPaymentStrictSend(
    xdr.PathPaymentStrictSendResult.pathPaymentStrictSendUnderDestmin(),
  ),
);

/** A market where lumens sell for `sell` and cost `buy` ten-thousandths of the other asset; limits as in `quoteRoute`. */
export function quoteAt({ sell, buy }: { sell: bigint; buy: bigint }, request: SwapRequest): Quote {
  const { side, base, quote, amount, slippage } = request;
  const forward = base === NATIVE;
  const rate = side === 'SELL' ? sell : buy;
  const exact = forward ? (amount * rate) / 10_000n : (amount * 10_000n) / rate;
  const other = exact > 0n ? exact : 1n;
  const [amountIn, amountOut] = side === 'SELL' ? [amount, other] : [other, amount];
  const part = (of: bigint): bigint => (of * slippage.numerator) / slippage.denominator;
  return {
    ...{ side, base, quote, amountIn, amountOut, path: [] },
    ...(side === 'SELL' ? { tokenIn: base, tokenOut: quote } : { tokenIn: quote, tokenOut: base }),
    minAmountOut: side === 'SELL' ? amountOut - part(amountOut) : amountOut,
    maxAmountIn: side === 'BUY' ? amountIn + part(amountIn) : amountIn,
  };
}
