import assert from 'node:assert/strict';
import { createHorizonClient } from '../../../../connector/ledger/horizon/client.ts';
import { readSubmitAnswer } from '../../../../connector/ledger/horizon/submit.ts';
import type { Answer } from '../../../../connector/ledger/transport.ts';
import { poolIdentity } from '../../../../connector/market/pool-id.ts';
import {
  ISSUER,
  RECORDED_PASSPHRASE as networkPassphrase,
  type Recorded,
  recorded,
  recordings,
  replay,
} from '../recordings.ts';

const USDC = `USDC:${ISSUER}`;
const LONG = `LONGEURTOKN:${ISSUER}`;
const MAKER = 'GCVQ3AURWJCNWDIK6SRVFTLLA6E3QMJ7YQS4JKL4N6H5JL6EMSDSNGDJ';
const POOL = '9b8e84bb498ab186bf43ff54b91cc7a477b3d8e0180318b4c3edbda2b8ac73b1';
const signal = new AbortController().signal;

/** A client whose server answers these recordings in turn. */
function answering(...answers: (number | Answer)[]) {
  const transport = replay(...answers.map((each) => (typeof each === 'number' ? recorded(each) : each)));
  const client = createHorizonClient({ networkPassphrase }, { transport, events: { answered() {} } });
  return { client, asked: transport.asked };
}
const changed = (n: number, change: (body: never) => void): Answer => {
  const body = JSON.parse(recorded(n).body);
  change(body as never);
  return { ...recorded(n), body: JSON.stringify(body) };
};
const untrusted = { code: 'ledger-untrusted' };

describe('connector/ledger/horizon: answers of a real Horizon', () => {
  it('root and head, one under another number, and none', async () => {
    const root = await answering(1).client.root(signal);
    assert.deepEqual(
      [root.networkPassphrase, root.historyLatest, root.historyElder],
      [networkPassphrase, 153, 64],
    );
    const head = await answering(14).client.head(signal);
    assert.deepEqual([head.sequence, head.baseFee, head.baseReserve], [153, 100n, 5_000_000n]);
    await assert.rejects(answering(15).client.head(signal), { code: 'ledger-stale' });
    const renumbered = changed(14, (it: { _embedded: { records: object[] } }) => {
      Object.assign(it._embedded.records[0]!, { sequence: 152 });
    });
    await assert.rejects(answering(renumbered).client.head(signal), untrusted);
  });

  it('fee statistics with all percentiles, also under surge', async () => {
    const quiet = await answering(3).client.feeStatistics(signal);
    assert.deepEqual(Object.keys(quiet.bids).map(Number), [10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99]);
    assert.equal(quiet.capacityUsage, 0);
    const surge = await answering(273).client.feeStatistics(signal);
    assert.deepEqual([surge.bids[99], surge.capacityUsage, surge.baseFee], [25_002n, 1, 100n]);
  });

  it('an account with offers and pool shares, at its ledger; none; another than asked', async () => {
    const { value, ledger } = await answering(17).client.account(MAKER, signal);
    assert.equal(ledger, 153);
    assert.deepEqual(
      value?.balances.map(({ asset, sellingLiabilities }) => [asset, sellingLiabilities]),
      [
        [LONG, 4_900_843_724n],
        [USDC, 1_888_787_005n],
        ['native', 4_510_000_000n],
      ],
    );
    assert.deepEqual(value?.poolShares, [
      { poolId: POOL, balance: 14_142_135_623n, limit: 9_223_372_036_854_775_807n },
    ]);
    assert.deepEqual(await answering(19).client.account(MAKER, signal), { value: undefined, ledger: 153 });
    await assert.rejects(answering(16).client.account(MAKER, signal), untrusted);
    // A proxy's 404 does not say that there is no such account.
    const html = { status: 404, headers: {}, body: '<html>not found</html>' };
    await assert.rejects(answering(html).client.account(MAKER, signal), { code: 'ledger-unreachable' });
  });

  it('offers of an account and of a book, best price first, page by page', async () => {
    const { client, asked } = answering(41);
    const mine = await client.offersOf(MAKER, signal);
    assert.ok(mine.value.length >= 5 && mine.value.every(({ seller }) => seller === MAKER));
    assert.equal(asked[0]?.path, `/accounts/${MAKER}/offers?cursor=0&order=asc&limit=200`);
    await assert.rejects(answering(41).client.offersOf(ISSUER, signal), untrusted);
    const some = changed(41, (it: { _embedded: { records: Record<'selling' | 'buying', object>[] } }) => {
      const isPair = ({ selling, buying }: Record<'selling' | 'buying', object>): boolean =>
        'asset_code' in selling && selling.asset_code === 'USDC' && !('asset_code' in buying);
      it._embedded.records = it._embedded.records.filter(isPair).reverse();
      for (const [i, record] of it._embedded.records.entries()) Object.assign(record, { id: String(i + 1) });
    });
    const { value, ledger } = await answering(some).client.offers(USDC, 'native', 2, signal);
    assert.deepEqual([value?.length, ledger], [2, 154]);
    assert.deepEqual(value?.[0]?.price, { numerator: 21n, denominator: 10n });
    await assert.rejects(answering(41).client.offers(USDC, 'native', 2, signal), untrusted);
  });

  it('@security a server cannot keep us paging: ids must rise, and there is an end', async () => {
    const record = JSON.parse(recorded(41).body)._embedded.records[0];
    const page = (first: number, size = 200): Answer => ({
      ...recorded(41),
      body: JSON.stringify({
        _embedded: {
          records: Array.from({ length: size }, (_, i) => ({ ...record, id: String(first + i) })),
        },
      }),
    });
    const looping = answering(page(1));
    await assert.rejects(looping.client.offersOf(MAKER, signal), untrusted);
    assert.equal(looping.asked.length, 2);
    const pages = Array.from({ length: 10 }, (_, i) => page(1 + i * 200));
    const { client, asked } = answering(...pages, page(2_001, 1));
    const { value } = await client.offers(USDC, 'native', 100, signal);
    assert.deepEqual([asked.length, value], [11, undefined]);
    await assert.rejects(answering(page(1, 201)).client.offersOf(MAKER, signal), untrusted);
  });

  it('books: exact prices, amounts in base on both sides, turned, and another than asked', async () => {
    const { value, ledger } = await answering(82).client.book(USDC, 'native', 20, signal);
    assert.equal(ledger, 154);
    assert.deepEqual(value.bids, [
      { price: { numerator: 2n, denominator: 1n }, amount: 930_000_000n },
      { price: { numerator: 20n, denominator: 11n }, amount: 550_000_000n },
    ]);
    assert.deepEqual(value.asks[0], { price: { numerator: 21n, denominator: 10n }, amount: 653_690_477n });
    const turned = (await answering(84).client.book('native', USDC, 20, signal)).value;
    assert.deepEqual(turned.asks[0], { price: { numerator: 1n, denominator: 2n }, amount: 1_860_000_000n });
    assert.equal(turned.bids[0]?.amount, 1_372_750_001n);
    await assert.rejects(answering(84).client.book(USDC, 'native', 20, signal), untrusted);
    const nope = await answering(86).client.book(`NOPE:${ISSUER}`, 'native', 20, signal);
    assert.deepEqual(nope.value, { bids: [], asks: [] });
    const shuffled = changed(82, (it: { asks: object[]; bids: object[] }) => {
      it.asks.reverse();
      it.bids.reverse();
    });
    assert.deepEqual((await answering(shuffled).client.book(USDC, 'native', 20, signal)).value, value);
  });

  it('pools by id and by assets; one that calls other assets its own is not believed', async () => {
    const { client, asked } = answering(125);
    const { value } = await client.pool(poolIdentity(USDC, 'native').id, signal);
    assert.deepEqual(
      [value?.reserves, value?.totalShares],
      [[20_080_001_000n, 9_960_367_026n], 14_142_135_623n],
    );
    assert.equal(asked[0]?.path, `/liquidity_pools/${POOL}`);
    assert.equal((await answering(127).client.pool('0'.repeat(64), signal)).value, undefined);
    const swapped = changed(125, (it: { reserves: object[] }) => void it.reserves.reverse());
    const other = changed(
      125,
      (it: { reserves: object[] }) => void Object.assign(it.reserves[1]!, { asset: LONG }),
    );
    for (const forged of [swapped, other]) {
      await assert.rejects(answering(forged).client.pool(POOL, signal), untrusted);
    }
  });

  it('paths of both kinds for the assets and the amount asked, or none', async () => {
    const only = (n: number, source: string, destination: string) =>
      changed(n, (it: { _embedded: { records: Record<string, string>[] } }) => {
        const name = (record: Record<string, string>, end: string) =>
          record[`${end}_asset_code`] === undefined ? 'native' : record[`${end}_asset_code`];
        it._embedded.records = it._embedded.records.filter(
          (record) => name(record, 'source') === source && name(record, 'destination') === destination,
        );
      });
    const send = answering(only(112, 'native', 'LONGEURTOKN'));
    const [best] = (await send.client.paths('SELL', 'native', LONG, 100_000_000n, signal)).value;
    assert.equal(best?.amountIn, 100_000_000n);
    assert.match(
      send.asked[0]!.path,
      /^\/paths\/strict-send\?source_asset_type=native&source_amount=10\.0000000&/,
    );
    const receive = answering(only(110, 'native', 'LONGEURTOKN'));
    const [cheapest] = (await receive.client.paths('BUY', 'native', LONG, 50_000_000n, signal)).value;
    assert.deepEqual(cheapest, { amountIn: 55_760_499n, amountOut: 50_000_000n, path: [USDC] });
    await assert.rejects(receive.client.paths('BUY', 'native', LONG, 50_000_001n, signal), untrusted);
    await assert.rejects(answering(110).client.paths('BUY', 'native', LONG, 50_000_000n, signal), untrusted);
    assert.deepEqual((await answering(114).client.paths('SELL', 'native', LONG, 1n, signal)).value, []);
  });

  it('transactions by outer and inner hash, failed, absent, and another than asked', async () => {
    for (const n of [49, 50, 59, 60]) {
      const { hash, ledger } = JSON.parse(recorded(n).body);
      const found = await answering(n).client.transaction(hash, signal);
      assert.deepEqual([found?.hash, found?.ledger], [hash, ledger]);
      await assert.rejects(answering(n).client.transaction('0'.repeat(64), signal), untrusted);
    }
    assert.equal(await answering(51).client.transaction('0'.repeat(64), signal), undefined);
  });

  it('trades of an account from a cursor, of a pair newest first, turned, and of a pool', async () => {
    const taker = 'GCBPUWEHWJM2G2N7VNNNHJT7SGUU64V5GIQNZTZFDRLGBCR3YIQO3HIW';
    const { client, asked } = answering(101);
    const trades = await client.tradesOf(taker, '0', 200, signal);
    assert.equal(asked[0]?.path, `/accounts/${taker}/trades?cursor=0-0&order=asc&limit=200`);
    assert.deepEqual(trades[0], {
      ...{ cursor: '429496733697-0', at: Date.parse('2026-11-24T12:20:44Z') },
      ...{ baseAsset: USDC, quoteAsset: 'native', baseAmount: 22_500_000n, quoteAmount: 50_000_000n },
      ...{ price: { numerator: 100n, denominator: 45n }, baseIsSeller: false, poolId: undefined },
      ...{ baseAccount: MAKER, baseOfferId: '2', quoteAccount: taker, quoteOfferId: '1' },
    });
    await assert.rejects(answering(101).client.tradesOf(ISSUER, '0', 200, signal), untrusted);
    const pair = await answering(93).client.trades(USDC, 'native', 3, signal);
    const turned = await answering(94).client.trades('native', USDC, 3, signal);
    assert.deepEqual(
      pair.map(({ cursor, quoteAmount }) => [cursor, quoteAmount]),
      turned.map(({ cursor, baseAmount }) => [cursor, baseAmount]),
    );
    assert.equal(pair[0]?.cursor, '433791700994-0');
    await assert.rejects(answering(94).client.trades(USDC, 'native', 3, signal), untrusted);
    const swapper = JSON.parse(recorded(97).body)._embedded.records[0].counter_account;
    const one = changed(
      97,
      (it: { _embedded: { records: object[] } }) => void it._embedded.records.splice(1),
    );
    const [swap] = await answering(one).client.tradesOf(swapper, '0-0', 200, signal);
    assert.deepEqual([swap?.poolId, swap?.baseAccount], [POOL, undefined]);
    assert.equal(await answering(39).client.newestTrade({ account: taker }, signal), '0-0');
  });

  it('@security takes no number above what the ledger can hold, and makes none', async () => {
    for (const sequence of ['9223372036854775808', '-1', '1e3', ' 1', 1]) {
      const account = changed(17, (it: object) => void Object.assign(it, { sequence }));
      await assert.rejects(answering(account).client.account(MAKER, signal), untrusted, String(sequence));
    }
    const deep = changed(82, (it: { bids: object[] }) => {
      it.bids = [{ price_r: { n: 1, d: 2_147_483_647 }, amount: '922337203685.4775807' }];
    });
    const { value } = await answering(deep).client.book(USDC, 'native', 20, signal);
    assert.equal(value.bids[0]?.amount, 9_223_372_036_854_775_807n);
    const dust = changed(82, (it: { bids: object[] }) => {
      it.bids = [{ price_r: { n: 3, d: 1 }, amount: '0.0000002' }];
    });
    assert.deepEqual((await answering(dust).client.book(USDC, 'native', 20, signal)).value.bids, []);
    for (const price_r of [
      { n: 0, d: 1 },
      { n: 1, d: 0 },
      { n: -1, d: 1 },
      { n: 2_147_483_648, d: 1 },
      { n: 0.5, d: 1 },
    ]) {
      const odd = changed(82, (it: { asks: object[] }) => void Object.assign(it.asks[0]!, { price_r }));
      await assert.rejects(answering(odd).client.book(USDC, 'native', 20, signal), untrusted);
    }
  });

  it('what a server answers in place of data has its code', async () => {
    for (const [n, code] of [
      [258, 'ledger-unreachable'],
      [263, 'ledger-stale'],
      [278, 'ledger-stale'],
      [234, 'rate-limited'],
      [158, 'ledger-unreachable'],
    ] as const) {
      await assert.rejects(answering(n).client.account(MAKER, signal), { code }, String(n));
    }
    const html = { status: 200, headers: {}, body: '<html>' };
    await assert.rejects(answering(html).client.head(signal), untrusted);
  });
});

describe('connector/ledger/horizon: answers to submissions', () => {
  const read = ({ asked, ...answer }: Recorded) => {
    const envelope = decodeURIComponent((asked.body ?? '').replace(/^tx=/, '').replaceAll('+', '%20'));
    const mode = asked.path === '/transactions_async' ? 'async' : 'sync';
    return readSubmitAnswer(answer, mode, envelope, { networkPassphrase });
  };
  const submissions = recordings.filter(
    ({ asked }) => /^\/transactions(_async)?$/.test(asked.path) && asked.method === 'POST',
  );

  it('every recorded one', () => {
    assert.ok(submissions.length > 80);
    for (const each of submissions) {
      const said = JSON.parse(each.body);
      const name = String(said.type ?? '')
        .split('/')
        .at(-1);
      const expected =
        each.status === 429
          ? 'rate-limited'
          : said.tx_status === undefined
            ? ({
                transaction_failed: 'failed',
                transaction_malformed: 'malformed',
                unsupported_media_type: 'malformed',
                transaction_submission_timeout: 'unknown',
              }[name!] ?? 'included')
            : { PENDING: 'queued', DUPLICATE: 'queued', TRY_AGAIN_LATER: 'try-again', ERROR: 'failed' }[
                said.tx_status as 'ERROR'
              ];
      const answer = read(each);
      assert.equal(answer.kind, expected, `${each.n} ${each.what}`);
      if (answer.kind === 'included') assert.equal(answer.transaction.hash, said.hash);
      if (answer.kind === 'failed')
        assert.equal(answer.resultXdr, said.extras?.result_xdr ?? said.error_result_xdr);
    }
  });

  it('@security leaves it unknown what cannot be read, is about another transaction, or comes from a proxy', () => {
    const good = recorded(169);
    const body = (change: object, n = 169): string =>
      JSON.stringify({ ...JSON.parse(recorded(n).body), ...change });
    for (const [forged, what] of [
      [{ ...good, body: '{}' }, 'no form'],
      [{ ...good, body: recorded(182).body }, 'another transaction'],
      [{ ...good, body: body({ successful: false }) }, 'contradicts itself'],
      [{ ...good, body: body({ result_xdr: 'AAAA' }) }, 'no result'],
      [{ ...good, status: 502, body: '<html>' }, 'a proxy'],
      [{ ...good, status: 401, body: '{"message":"bad key"}' }, 'a wrong API key'],
      [{ ...good, status: 404, body: recorded(51).body }, 'no such route'],
      [{ ...good, status: 400, body: 'bad' }, 'no problem document'],
      [{ ...recorded(171), status: 500 }, 'a refusal under another status'],
      [{ ...recorded(205), body: body({ hash: '0'.repeat(64) }, 205) }, 'core on another hash'],
      [{ ...recorded(205), status: 200 }, 'core under another status'],
    ] as const) {
      assert.equal(read(forged as Recorded).kind, 'unknown', what);
    }
  });
});
