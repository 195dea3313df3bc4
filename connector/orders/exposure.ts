import type { OfferEntry } from '../ledger/types.ts';
import { type AssetId, type Market, NATIVE } from '../market/asset.ts';
import type { Price } from '../market/quote.ts';

/** What an offer puts at risk, in native stroops where a market tells its worth, else in what it sells. */
export function exposure(
  offer: OfferEntry,
  markets: readonly Market[],
  mid: (m: Market) => Price | undefined,
): bigint {
  const { selling, buying, amount, price } = offer;
  if (selling === NATIVE) return amount;
  const bought = (amount * price.numerator) / price.denominator;
  if (buying === NATIVE) return bought;
  return worth(selling, amount, markets, mid) ?? worth(buying, bought, markets, mid) ?? amount;
}

function worth(
  asset: AssetId,
  amount: bigint,
  markets: readonly Market[],
  mid: (m: Market) => Price | undefined,
): bigint | undefined {
  for (const market of markets) {
    const { base, quote } = market;
    if ((base === asset && quote === NATIVE) || (base === NATIVE && quote === asset)) {
      const price = mid(market);
      if (price === undefined) continue;
      const { numerator, denominator } = price;
      return base === asset ? (amount * numerator) / denominator : (amount * denominator) / numerator;
    }
  }
  return undefined;
}

/** The market of an offer, whichever way round. */
export const marketOf = ({ selling, buying }: OfferEntry, markets: readonly Market[]): Market | undefined =>
  markets.find(
    ({ base, quote }) => (base === selling && quote === buying) || (base === buying && quote === selling),
  );
