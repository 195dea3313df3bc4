import assert from 'node:assert/strict';
import { connectorError } from '../../../connector/errors.ts';
import { ladder } from '../../../connector/orders/ladder.ts';
import { operationOf } from '../../../connector/orders/steps.ts';
import type { PositionRequest } from '../../../connector/orders/types.ts';
import { createRig, market, never, price, type Rig, taker, UNIT } from './orders-rig.ts';

/** The middle is 0.12. */
const book = [
  { selling: 'XLM', amount: 100n, n: 13, d: 100 },
  { selling: 'USDC:issuer', amount: 11n, n: 100, d: 11 },
];
const request = (fields: Partial<PositionRequest> = {}): PositionRequest => ({
  ...{ market, lower: price('0.1'), upper: price('0.14'), levels: 4, client: 'bot' },
  ...{ base: 100n * UNIT, quote: 20n * UNIT },
  ...fields,
});
/** Somebody trades with our offers, within a price. */
const trade = (side: 'BUY' | 'SELL', amount: bigint, text: string) => {
  const { numerator: n, denominator: d } = price(text);
  const step = {
    action: 'place' as const,
    id: undefined,
    offerId: '0',
    market,
    side,
    price: { n, d },
    amount,
  };
  return operationOf(step, taker.publicKey());
};
const texts = (rungs: readonly { side: string; fraction: { n: bigint; d: bigint }; amount: bigint }[]) =>
  rungs.map(({ side, fraction: { n, d }, amount }) => [side, Number(n) / Number(d), Number(amount) / 1e7]);

describe('connector/orders/ladder', () => {
  const middle = price('0.12');
  const plan = (fields: Partial<Parameters<typeof ladder>[0]> = {}) =>
    ladder({
      lower: price('0.1'),
      upper: price('0.14'),
      base: 100n * UNIT,
      quote: 0n,
      levels: 2,
      middle,
      ...fields,
    });

  it('puts base above the middle up to the upper price, quote below it down to the lower', () => {
    assert.deepEqual(texts(plan({ quote: 11n * UNIT })), [
      ['SELL', 0.13, 50],
      ['SELL', 0.14, 50],
      ['BUY', 0.11, 50],
      ['BUY', 0.1, 55],
    ]);
  });

  it('begins at the near bound when the middle is outside of the range', () => {
    assert.deepEqual(texts(plan({ lower: price('0.125'), upper: price('0.145'), levels: 3 })), [
      ['SELL', 0.125, 33.3333334],
      ['SELL', 0.135, 33.3333333],
      ['SELL', 0.145, 33.3333333],
    ]);
    assert.deepEqual(texts(plan({ levels: 1 })), [['SELL', 0.14, 100]]);
  });

  it('refuses what has no place, naming the field', () => {
    const cases: [Partial<Parameters<typeof ladder>[0]>, string][] = [
      [{ lower: price('0.14') }, 'lowerPrice'],
      [{ base: 0n }, 'baseTokenAmount'],
      [{ upper: price('0.12') }, 'baseTokenAmount'],
      [{ base: 0n, quote: UNIT, lower: price('0.12') }, 'quoteTokenAmount'],
      [{ base: 3n }, 'baseTokenAmount'],
      [{ upper: price('9999999999') }, 'upperPrice'],
    ];
    for (const [fields, field] of cases) assert.throws(() => plan(fields), { code: 'invalid-params', field });
  });
});

describe('connector/orders/positions', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = createRig(book);
    rig.orders.start();
  });
  afterEach(() => rig.stop());
  const amounts = ({ base, quote }: { base: bigint; quote: bigint }) => [
    Number(base) / 1e7,
    Number(quote) / 1e7,
  ];

  it('opens in one transaction, with makers only', async () => {
    const { position, hash, base, quote, fee } = await rig.orders.openPosition(request(), never);
    assert.match(position.address, /^[0-9a-f]{32}$/);
    assert.equal(rig.transactions.length, 1);
    assert.equal(rig.offers().length, 8);
    assert.ok(position.orders.every(({ state, type }) => state === 'open' && type === 'maker-only'));
    assert.deepEqual([position.hash, fee], [hash, 800n]);
    // A stroop or two do not fit the levels' prices.
    assert.equal(base, 100n * UNIT);
    assert.ok(quote <= 20n * UNIT && quote >= 20n * UNIT - 4n);
    assert.deepEqual(rig.orders.position(position.address), position);
    assert.deepEqual(rig.orders.positions(), [position]);
  });

  it('opens all or nothing', async () => {
    await assert.rejects(rig.orders.openPosition(request({ base: 20_000n * UNIT }), never), {
      code: 'insufficient-balance',
    });
    await assert.rejects(rig.orders.openPosition(request({ levels: 51 }), never), {
      code: 'invalid-params',
      field: 'levels',
    });
    rig.book.fresh = false;
    await assert.rejects(rig.orders.openPosition(request(), never), { code: 'ledger-stale' });
    assert.deepEqual([rig.offers(), rig.orders.positions()], [[], []]);
  });

  it('counts the funds of all its levels together @security', async () => {
    // 10,000 XLM are there; each level alone would fit.
    await assert.rejects(rig.orders.openPosition(request({ base: 9_999n * UNIT, levels: 4 }), never), {
      code: 'insufficient-balance',
    });
  });

  it('shows what fills turned into the other side, and gives all of it back at the end', async () => {
    const { position: opened } = await rig.orders.openPosition(request(), never);
    // The first ask stands at 0.125, before the book's 0.13.
    rig.act('taker', [trade('BUY', 10n * UNIT, '0.125')]);
    const now = rig.orders.position(opened.address)!;
    assert.equal(now.base, 90n * UNIT);
    assert.equal(now.quote - opened.quote, 12_500_000n);
    const before = rig.account().balances.map(({ balance }) => balance);
    const closed = await rig.orders.closePosition(opened.address, never);
    assert.deepEqual([closed.base, closed.quote], [now.base, now.quote]);
    assert.equal(closed.fee, 800n);
    assert.deepEqual(rig.offers(), []);
    assert.equal(before.length, 2);
    assert.equal(rig.orders.position(opened.address), undefined);
    await assert.rejects(rig.orders.closePosition(opened.address, never), {
      code: 'not-found',
      message: /Position not found/,
    });
  });

  it('counts at the end what was filled just before, though nobody told', async () => {
    const { position } = await rig.orders.openPosition(request(), never);
    rig.tellsFills = false;
    rig.act('taker', [trade('BUY', 10n * UNIT, '0.125')]);
    const closed = await rig.orders.closePosition(position.address, never);
    assert.deepEqual(amounts(closed), [90, Number(position.quote + 12_500_000n) / 1e7]);
  });

  it('closes though one of its offers is filled while the deletion is on its way', async () => {
    const { position } = await rig.orders.openPosition(request(), never);
    rig.faults.before = () => {
      rig.faults.before = () => undefined;
      rig.act('taker', [trade('BUY', 25n * UNIT, '0.125')]);
    };
    const closed = await rig.orders.closePosition(position.address, never);
    assert.deepEqual(amounts(closed), [75, Number(position.quote + 31_250_000n) / 1e7]);
    assert.deepEqual(rig.offers(), []);
  });

  it('keeps the funds of offers that a guard cancelled, until it is closed', async () => {
    const { position } = await rig.orders.openPosition(request(), never);
    await rig.orders.cancelAll(undefined, never);
    const idle = rig.orders.position(position.address)!;
    assert.deepEqual(amounts(idle), amounts(position));
    const sent = rig.transactions.length;
    const closed = await rig.orders.closePosition(position.address, never);
    assert.deepEqual([amounts(closed), closed.hash], [amounts(position), position.hash]);
    assert.equal(rig.transactions.length, sent);
  });

  it('grows in place, and a side that is empty gets new levels', async () => {
    const { position } = await rig.orders.openPosition(request({ quote: 0n }), never);
    const more = await rig.orders.addToPosition(
      position.address,
      { base: 40n * UNIT, quote: 10n * UNIT },
      never,
    );
    assert.equal(more.base, 40n * UNIT);
    assert.ok(more.quote > 10n * UNIT - 5n && more.quote <= 10n * UNIT);
    assert.deepEqual(amounts(more.position)[0], 140);
    assert.equal(rig.offers().length, 8);
    const asks = rig.offers().filter(({ selling }) => selling === 'native');
    assert.deepEqual(new Set(asks.map(({ amount }) => amount)), new Set([35n * UNIT]));
  });

  it('shrinks by a share of what rests and of what fills brought', async () => {
    const { position } = await rig.orders.openPosition(request({ quote: 0n }), never);
    rig.act('taker', [trade('BUY', 20n * UNIT, '0.125')]);
    const half = { numerator: 1n, denominator: 2n };
    const less = await rig.orders.removeFromPosition(position.address, half, never);
    assert.deepEqual(amounts(less), [40, 1.25]);
    assert.deepEqual(amounts(less.position), [40, 1.25]);
    assert.deepEqual(
      rig.offers().reduce((sum, { amount }) => sum + amount, 0n),
      40n * UNIT,
    );
    const rest = await rig.orders.removeFromPosition(
      position.address,
      { numerator: 1n, denominator: 1n },
      never,
    );
    assert.deepEqual([amounts(rest), rig.offers()], [[40, 1.25], []]);
  });

  it('looks for fills that nobody told of before it changes what rests @security', async () => {
    const { position } = await rig.orders.openPosition(request({ quote: 0n }), never);
    const onBook = () => rig.offers().reduce((sum, { amount }) => sum + amount, 0n);
    rig.tellsFills = false;
    rig.act('taker', [trade('BUY', 20n * UNIT, '0.125')]);
    const half = { numerator: 1n, denominator: 2n };
    assert.deepEqual(amounts(await rig.orders.removeFromPosition(position.address, half, never)), [40, 1.25]);
    assert.equal(onBook(), 40n * UNIT);
    rig.act('taker', [trade('BUY', 4n * UNIT, '0.126')]);
    const more = { base: 36n * UNIT, quote: 0n };
    const { position: grown } = await rig.orders.addToPosition(position.address, more, never);
    assert.equal(grown.base, onBook());
  });

  it('changes by an intent whose end a restart brings, once @security', async () => {
    rig.faults.silent = true;
    await assert.rejects(rig.orders.openPosition(request(), never), { code: 'transaction-timeout' });
    assert.deepEqual(rig.orders.positions(), []);
    const [{ id } = { id: '' }] = rig.intents;
    const orders = rig.restart();
    orders.start();
    assert.deepEqual(orders.positions(), []);
    orders.recovered({ id }, rig.endings.get(id)!);
    orders.recovered({ id }, rig.endings.get(id)!);
    const [position] = orders.positions();
    assert.equal(position!.base, 100n * UNIT);
    assert.equal(position!.orders.length, 8);
    rig.faults.silent = false;
    assert.equal((await orders.closePosition(position!.address, never)).base, 100n * UNIT);
  });

  it('stays open when its offers cannot be deleted', async () => {
    const { position } = await rig.orders.openPosition(request(), never);
    rig.faults.refuse = () => connectorError('signer-unavailable', 'the signer does not answer');
    await assert.rejects(rig.orders.closePosition(position.address, never), { code: 'signer-unavailable' });
    assert.deepEqual(rig.orders.position(position.address)!.base, 100n * UNIT);
  });
});
