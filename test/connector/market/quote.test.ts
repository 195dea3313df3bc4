import assert from 'node:assert/strict';
import fc from 'fast-check';
import { MAX_STROOPS } from '../../../connector/market/amount.ts';
import {
  bestRoute,
  formatPrice,
  parseSlippage,
  priceImpactPct,
  quotePrice,
  quoteRoute,
  type Side,
  type SwapRequest,
} from '../../../connector/market/quote.ts';

const USDC = 'USDC:GB6AW4NE7GS76LM7HAYCPVZF2KLLMUPBS5YXEC2UEAWQ2IG4GB2FFPEB';
const EURC = 'EURC:GB6AW4NE7GS76LM7HAYCPVZF2KLLMUPBS5YXEC2UEAWQ2IG4GB2FFPEB';

const request = (side: Side, amount: bigint, slippage: string | number = '1'): SwapRequest => ({
  ...{ side, amount, base: 'native', quote: USDC },
  slippage: parseSlippage(slippage),
});

const side = fc.constantFrom<Side>('BUY', 'SELL');
const amount = fc.bigInt({ min: 1n, max: MAX_STROOPS });
const percent = fc.integer({ min: 0, max: 10_000 }).map((hundredths) => hundredths / 100);

describe('connector/market/quote', () => {
  it('never gives up more than the tolerance, by not one stroop, and no more than needed', () => {
    fc.assert(
      fc.property(side, amount, amount, percent, (direction, amountIn, amountOut, pct) => {
        const asked = request(direction, direction === 'SELL' ? amountIn : amountOut, pct);
        const quote = quoteRoute(asked, { amountIn, amountOut, path: [] });
        const hundredths = BigInt(Math.round(pct * 100));
        if (direction === 'SELL') {
          assert.equal(quote.maxAmountIn, amountIn);
          const least = amountOut * (10_000n - hundredths);
          assert.ok(quote.minAmountOut * 10_000n >= least && quote.minAmountOut >= 1n);
          assert.ok(quote.minAmountOut === 1n || (quote.minAmountOut - 1n) * 10_000n < least);
          assert.ok(quote.minAmountOut <= amountOut);
        } else {
          assert.equal(quote.minAmountOut, amountOut);
          const most = amountIn * (10_000n + hundredths);
          assert.ok(quote.maxAmountIn * 10_000n <= most && quote.maxAmountIn >= amountIn);
          assert.ok(quote.maxAmountIn === MAX_STROOPS || (quote.maxAmountIn + 1n) * 10_000n > most);
        }
      }),
    );
  });

  it('prices both sides as quote per base', () => {
    const sell = quoteRoute(request('SELL', 100n), { amountIn: 100n, amountOut: 25n, path: [] });
    const buy = quoteRoute(request('BUY', 100n), { amountIn: 26n, amountOut: 100n, path: [] });
    assert.equal(formatPrice(quotePrice(sell)), '0.2500000');
    assert.equal(formatPrice(quotePrice(buy)), '0.2600000');
    assert.deepEqual(
      [sell.tokenIn, sell.tokenOut, buy.tokenIn, buy.tokenOut],
      ['native', USDC, USDC, 'native'],
    );
  });

  it('refuses a path for another amount than asked', () => {
    for (const direction of ['SELL', 'BUY'] as const) {
      assert.throws(() => quoteRoute(request(direction, 100n), { amountIn: 99n, amountOut: 99n, path: [] }), {
        code: 'ledger-untrusted',
      });
    }
  });

  it('takes the best route through listed assets, the shorter of equals', () => {
    const listed = new Set(['native', USDC, EURC]);
    const routes = [
      { amountIn: 100n, amountOut: 25n, path: [EURC] },
      { amountIn: 100n, amountOut: 25n, path: [] },
      { amountIn: 100n, amountOut: 24n, path: [] },
    ];
    assert.deepEqual(bestRoute(request('SELL', 100n), routes, listed)?.path, []);
    const buys = [
      { amountIn: 30n, amountOut: 100n, path: [] },
      { amountIn: 26n, amountOut: 100n, path: [EURC] },
    ];
    assert.equal(bestRoute(request('BUY', 100n), buys, listed)?.amountIn, 26n);
    assert.equal(bestRoute(request('BUY', 100n), [], listed), undefined);
  });

  it('@security goes through no unlisted asset and through neither end twice, however good the price', () => {
    const lure = {
      amountIn: 100n,
      amountOut: 1_000n,
      path: ['EVIL:GCWSBR5KAS7MWM5WOZJCOMG2YDP5XJ2WYAPYGSZEKGPEEOI2CO6RA3VV'],
    };
    const loop = { amountIn: 100n, amountOut: 1_000n, path: [USDC, EURC] };
    const nothing = { amountIn: 100n, amountOut: 0n, path: [] };
    assert.equal(
      bestRoute(request('SELL', 100n), [lure, loop, nothing], new Set(['native', USDC, EURC])),
      undefined,
    );
  });

  it('says how much worse than the best offer a quote is, and never less than nothing', () => {
    const sell = quoteRoute(request('SELL', 1_000n), { amountIn: 1_000n, amountOut: 99n, path: [] });
    const buy = quoteRoute(request('BUY', 1_000n), { amountIn: 103n, amountOut: 1_000n, path: [] });
    const best = { numerator: 1n, denominator: 10n };
    assert.equal(priceImpactPct(sell, best), '1');
    assert.equal(priceImpactPct(buy, best), '3');
    assert.equal(priceImpactPct(sell, { numerator: 9n, denominator: 100n }), '0');
    assert.equal(priceImpactPct(sell, undefined), '0');
    assert.equal(priceImpactPct(sell, { numerator: 3n, denominator: 29n }), '4.3');
  });

  it('reads slippage exactly and within 0 to 100', () => {
    assert.deepEqual(parseSlippage(0.5), { numerator: 5n, denominator: 1_000n });
    for (const bad of ['100.0001', '-1', 'x', 101])
      assert.throws(() => parseSlippage(bad), { code: 'invalid-params' });
  });
});
