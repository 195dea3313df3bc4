import { connectorError } from '../errors.ts';
import { parseAmount } from '../market/amount.ts';
import { resolveAsset } from '../market/asset.ts';
import { parseSlippage, type Quote, type Side, type SwapRequest } from '../market/quote.ts';
import {
  CONNECTOR,
  type Context,
  DEFAULT_SLIPPAGE_PCT,
  requireAccount,
  requireChainNetwork,
} from './context.ts';

interface SwapFields {
  chainNetwork: string;
  connector?: string | undefined;
  walletAddress?: string | undefined;
  baseToken: string;
  quoteToken: string;
  amount: string | number;
  side: Side;
  slippagePct?: string | number | undefined;
}

/**
 * The fields that quote and swap share, resolved and exact.
 * @throws `invalid-params`, which names the field
 */
export function readSwap(fields: SwapFields, context: Context): SwapRequest {
  requireChainNetwork(fields.chainNetwork, context);
  requireAccount(fields.walletAddress, context, 'walletAddress');
  if (fields.connector !== undefined && fields.connector !== CONNECTOR) {
    throw connectorError('invalid-params', `connector: this is ${CONNECTOR}`, { field: 'connector' });
  }
  return {
    side: fields.side,
    base: resolveAsset(fields.baseToken, context.tokens, 'baseToken'),
    quote: resolveAsset(fields.quoteToken, context.tokens, 'quoteToken'),
    amount: parseAmount(fields.amount, 'amount'),
    slippage: parseSlippage(fields.slippagePct ?? DEFAULT_SLIPPAGE_PCT),
  };
}

/** `XLM -> USDC`, by the symbols of the token list. */
export function routeText({ tokenIn, path, tokenOut }: Quote, { tokens }: Context): string {
  const symbols = [tokenIn, ...path, tokenOut].map(
    (asset) => tokens.find(({ address }) => address === asset)?.symbol ?? asset,
  );
  return symbols.join(' -> ');
}
