import { connectorError } from '../errors.ts';
import { parseAmount } from '../market/amount.ts';
import { resolveAsset } from '../market/asset.ts';
import { parseSlippage, type Quote, type Side, type SwapRequest } from '../market/quote.ts';
import { CONNECTOR, type Context, requireAccount, requireChainNetwork } from './context.ts';

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

/** @throws `invalid-params` for another connector than that of the order book; undefined means that one */
export function requireConnector(connector: string | undefined): void {
  if (connector === undefined || connector === CONNECTOR) return;
  throw connectorError('invalid-params', `connector: this is ${CONNECTOR}`, { field: 'connector' });
}

/**
 * The fields that quote and swap share, resolved and exact.
 * @throws `invalid-params`, which names the field
 */
export function readSwap(fields: SwapFields, context: Context): SwapRequest {
  requireChainNetwork(fields.chainNetwork, context);
  requireAccount(fields.walletAddress, context, 'walletAddress');
  requireConnector(fields.connector);
  const base = resolveAsset(fields.baseToken, context.tokens, 'baseToken');
  const quote = resolveAsset(fields.quoteToken, context.tokens, 'quoteToken');
  if (base === quote) throw connectorError('invalid-params', 'baseToken and quoteToken must differ');
  const amount = parseAmount(fields.amount, 'amount');
  return { side: fields.side, base, quote, amount, slippage: parseSlippage(slippagePctOf(fields, context)) };
}

/** Percent as asked, else as clients prefer. */
export const slippagePctOf = (
  { slippagePct }: { slippagePct?: string | number | undefined },
  { preferences }: Context,
): string => String(slippagePct ?? preferences.get(CONNECTOR, 'slippagePct'));

/** `XLM -> USDC`, by the symbols of the token list. */
export function routeText({ tokenIn, path, tokenOut }: Quote, { tokens }: Context): string {
  const symbols = [tokenIn, ...path, tokenOut].map(
    (asset) => tokens.find(({ address }) => address === asset)?.symbol ?? asset,
  );
  return symbols.join(' -> ');
}
