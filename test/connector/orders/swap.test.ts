import assert from 'node:assert/strict';
import { connectorError } from '../../../connector/errors.ts';
import type { AccountState, Balance } from '../../../connector/market/balance.ts';
import type { SwapRequest } from '../../../connector/market/quote.ts';
import { createSwaps, HOLD_MS, type Swaps } from '../../../connector/orders/swap.ts';
import type { BuildState, Intent, Plan } from '../../../connector/transactions/types.ts';
import { quoteAt, swapResult, underDestmin } from '../gateway/swap-results.ts';

const ACCOUNT = 'GB6AW4NE7GS76LM7HAYCPVZF2KLLMUPBS5YXEC2UEAWQ2IG4GB2FFPEB';
const USDC = 'USDC:GCWSBR5KAS7MWM5WOZJCOMG2YDP5XJ2WYAPYGSZEKGPEEOI2CO6RA3VV';
const UNIT = 10_000_000n;
const never = new AbortController().signal;

const line = (asset: string, balance: bigint, limit?: bigint): Balance => ({
  ...{ asset, balance, limit, sellingLiabilities: 0n, buyingLiabilities: 0n, authorized: true },
});
const account = (...balances: Balance[]): AccountState => ({
  ...{ sequence: 1n, subentries: 1, sponsoring: 0, sponsored: 0, balances },
});
const rich = account(line('native', 1_000n * UNIT), line(USDC, 1_000n * UNIT, 10_000n * UNIT));

interface Stand {
  swaps: Swaps;
  intents: Intent[];
  plans: Plan[];
  rate: { sell: bigint; buy: bigint };
  state: BuildState;
  /** What the ledger moves of what was planned; undefined: exactly what was quoted. */
  moved: { amountIn: bigint; amountOut: bigint } | undefined;
  now: number;
  /** What the engine says instead of the ledger, once. */
  refusal: Error | undefined;
}

function stand(): Stand {
  const head = { sequence: 1, closedAt: 0, baseFee: 100n, baseReserve: UNIT / 2n };
  const at: Stand = {
    ...{ intents: [], plans: [], rate: { sell: 1_200n, buy: 1_210n }, now: 0, moved: undefined },
    refusal: undefined,
    ...{ state: { head, account: rich, bid: 100n, reserved: new Map() } },
    swaps: undefined as unknown as Swaps,
  };
  let asked: SwapRequest;
  at.swaps = createSwaps({
    ...{ account: ACCOUNT, nativeBuffer: UNIT, now: () => at.now },
    market: {
      async quote(request) {
        asked = request;
        return { quote: quoteAt(at.rate, request), freshness: { source: 'local', ledger: 1, ageMs: 0 } };
      },
    },
    engine: {
      async run(intent) {
        at.intents.push(intent);
        const { refusal } = at;
        at.refusal = undefined;
        if (refusal !== undefined) throw refusal;
        at.plans.push(await intent.plan(at.state, never));
        const quote = quoteAt(at.rate, asked);
        const { amountIn, amountOut } = at.moved ?? quote;
        const results = [swapResult(quote, ACCOUNT, amountIn, amountOut)];
        return { hash: 'ab'.repeat(32), ledger: 2, fee: 100n, results, envelopeXdr: '' };
      },
    },
  });
  return at;
}

const sell = (amount = 10n * UNIT): SwapRequest => ({
  ...{ side: 'SELL', base: 'native', quote: USDC, amount },
  slippage: { numerator: 1n, denominator: 100n },
});
const buy = (amount = 10n * UNIT): SwapRequest => ({ ...sell(amount), side: 'BUY' });
const coded = (code: string) => (error: { code?: string }) => error.code === code;
const bodyOf = ({ operations }: Plan): Record<string, Record<string, unknown>> =>
  operations[0]!.toJson() as Record<string, Record<string, unknown>>;

describe('connector/orders: swaps as intents', () => {
  it('SELL is a strict send to ourselves at the least accepted, alone in its transaction', async () => {
    const at = stand();
    const receipt = await at.swaps.execute(sell(), 'one', never);
    const [intent] = at.intents;
    assert.deepEqual(
      [intent?.id, intent?.kind, intent?.lane, intent?.shared],
      ['swap:one', 'swap', 'trade', false],
    );
    assert.deepEqual(bodyOf(at.plans[0]!), {
      path_payment_strict_send: {
        ...{ send_asset: 'native', send_amount: '100000000', destination: ACCOUNT, path: [] },
        dest_asset: {
          credit_alphanum4: { asset_code: 'USDC', issuer: USDC.slice(5) },
        },
        dest_min: '11880000',
      },
    });
    assert.deepEqual([...at.plans[0]!.spends], [['native', 10n * UNIT]]);
    assert.deepEqual([receipt.amountIn, receipt.amountOut, receipt.fee], [10n * UNIT, 12_000_000n, 100n]);
    assert.equal(JSON.stringify(intent?.payload).includes('100000000'), true, 'its payload is JSON');
  });

  it('BUY is a strict receive at the most paid; what it may take is reserved, what it took is told', async () => {
    const at = stand();
    at.moved = { amountIn: 12_050_000n, amountOut: 10n * UNIT };
    const receipt = await at.swaps.execute(buy(), 'one', never);
    const { path_payment_strict_receive: body } = bodyOf(at.plans[0]!);
    assert.deepEqual([body?.send_max, body?.dest_amount], ['12221000', '100000000']);
    assert.deepEqual([...at.plans[0]!.spends], [[USDC, 12_221_000n]]);
    assert.equal(receipt.amountIn, 12_050_000n);
  });

  it('it quotes freshly when its turn comes', async () => {
    const at = stand();
    at.rate = { sell: 1_300n, buy: 1_310n };
    assert.equal((await at.swaps.execute(sell(), 'one', never)).quote.amountOut, 13_000_000n);
  });

  it('@security a result that is not within the order is not plausible, and no receipt', async () => {
    const at = stand();
    at.moved = { amountIn: 10n * UNIT, amountOut: 1n };
    await assert.rejects(at.swaps.execute(sell(), 'one', never), coded('transaction-failed'));
    const [intent] = at.intents;
    const quote = quoteAt(at.rate, sell());
    const other = 'GCWSBR5KAS7MWM5WOZJCOMG2YDP5XJ2WYAPYGSZEKGPEEOI2CO6RA3VV';
    assert.equal(intent!.plausible!([swapResult(quote, ACCOUNT, 10n * UNIT, 12_000_000n)]), true);
    assert.equal(intent!.plausible!([swapResult(quote, ACCOUNT, 10n * UNIT, 1n)]), false);
    assert.equal(intent!.plausible!([swapResult(quote, other, 10n * UNIT, 12_000_000n)]), false);
    assert.equal(intent!.plausible!([underDestmin]), true, 'a failure promises nothing');
  });

  const refused = async (
    code: string,
    request: SwapRequest,
    held: AccountState,
    reserved?: [string, bigint],
  ): Promise<void> => {
    const at = stand();
    at.state = { ...at.state, account: held, reserved: new Map(reserved ? [reserved] : []) };
    await assert.rejects(at.swaps.execute(request, 'one', never), coded(code));
    assert.equal(at.plans.length, 0, 'nothing was planned, so nothing is signed');
  };

  it('the reserve, the buffer, the fee and what is reserved for others are not sold', async () => {
    // (2 + 1) × 0.5 of reserve, 1 of buffer, 100 stroops of fee.
    const most = 1_000n * UNIT - 15n * (UNIT / 10n) - UNIT - 100n;
    assert.equal((await stand().swaps.execute(sell(most), 'one', never)).amountIn, most);
    await refused('insufficient-balance', sell(most + 1n), rich);
    await refused('insufficient-balance', sell(most), rich, ['native', 1n]);
    await refused('insufficient-balance', buy(10_000n * UNIT), rich);
  });

  it('without a trust line, or without room in it, no fee is paid to learn it', async () => {
    await refused('invalid-params', sell(), account(line('native', 100n * UNIT)));
    await refused(
      'invalid-params',
      sell(),
      account(line('native', 100n * UNIT), line(USDC, 0n, 11_879_999n)),
    );
    await refused(
      'insufficient-balance',
      buy(),
      account(line('native', UNIT), line(USDC, 100n * UNIT, 100n * UNIT)),
    );
  });

  it('a held quote is executed once, within its own limits, for its own client, for a while', async () => {
    const at = stand();
    const { quoteId } = await at.swaps.quote(sell(), 'bot', never);
    at.rate = { sell: 1_190n, buy: 1_200n };
    await assert.rejects(at.swaps.executeQuote(quoteId, 'another bot', never), coded('invalid-params'));
    const receipt = await at.swaps.executeQuote(quoteId, 'bot', never);
    assert.equal(receipt.amountOut, 11_900_000n);
    assert.equal(bodyOf(at.plans[0]!).path_payment_strict_send?.dest_min, '11880000', 'as promised');
    assert.equal(at.intents[0]?.id, `swap:${quoteId}`);
    await assert.rejects(at.swaps.executeQuote(quoteId, 'bot', never), coded('invalid-params'));

    const late = await at.swaps.quote(sell(), 'bot', never);
    at.now = HOLD_MS;
    await assert.rejects(at.swaps.executeQuote(late.quoteId, 'bot', never), coded('invalid-params'));
    assert.equal(at.plans.length, 1);
  });

  it('a held quote stands for another try when nothing was sent, as the client then makes one', async () => {
    const at = stand();
    const { quoteId } = await at.swaps.quote(sell(), 'bot', never);
    at.refusal = connectorError('rate-limited', 'too many');
    await assert.rejects(at.swaps.executeQuote(quoteId, 'bot', never), coded('rate-limited'));
    at.refusal = connectorError('transaction-timeout', 'sent');
    await assert.rejects(at.swaps.executeQuote(quoteId, 'bot', never), coded('transaction-timeout'));
    await assert.rejects(at.swaps.executeQuote(quoteId, 'bot', never), coded('invalid-params'));
    assert.deepEqual(
      at.intents.map(({ id }) => id),
      [`swap:${quoteId}`, `swap:${quoteId}:1`],
    );
  });

  it('a market that left the limits of a held quote is SLIPPAGE_EXCEEDED before anything is signed', async () => {
    for (const request of [sell(), buy()]) {
      const at = stand();
      const { quoteId } = await at.swaps.quote(request, 'bot', never);
      at.rate = { sell: 1_180n, buy: 1_300n };
      await assert.rejects(at.swaps.executeQuote(quoteId, 'bot', never), coded('slippage-exceeded'));
      assert.equal(at.plans.length, 0);
    }
  });

  it('quotes are dropped when they are too many, the oldest first', async () => {
    const at = stand();
    const { quoteId } = await at.swaps.quote(sell(), 'bot', never);
    for (let n = 0; n < 20_000; n++) await at.swaps.quote(sell(), 'bot', never);
    await assert.rejects(at.swaps.executeQuote(quoteId, 'bot', never), coded('invalid-params'));
  });

  it('what the engine throws comes through', async () => {
    const at = stand();
    const swaps = createSwaps({
      ...{ account: ACCOUNT, nativeBuffer: 0n, now: () => 0 },
      market: { quote: () => Promise.reject(connectorError('ledger-stale', 'old')) },
      engine: { run: async (intent) => (await intent.plan(at.state, never)) as never },
    });
    await assert.rejects(swaps.execute(sell(), 'one', never), coded('ledger-stale'));
  });
});
