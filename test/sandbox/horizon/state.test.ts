import assert from 'node:assert/strict';
import { bodyOf, exchanges, headerOf, statusOf } from './recorded.ts';
import { MAKER, POOL, recordedNetwork, USDC } from './recorded_state.ts';
import { type Served, serveHorizon } from './testing.ts';

describe("Horizon's answers from the ledger's state", () => {
  let served: Served;
  before(async () => {
    served = await serveHorizon(recordedNetwork().network);
  });
  after(() => served.stop());

  const SAME = [
    16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 31, 39, 41, 70, 71, 72, 73, 74, 75, 76, 77, 79,
    80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119, 120,
    121, 122, 123, 124, 125, 126, 127, 128, 147,
  ];
  for (const n of SAME) {
    const recorded = exchanges.find((one) => one.n === n)!;
    it(`${n}: ${recorded.what} (${statusOf(recorded)}), to the byte`, async () => {
      const answered = await served.replay(recorded);
      assert.equal(answered.status, statusOf(recorded), answered.body);
      for (const name of [
        'content-type',
        'content-disposition',
        'content-length',
        'transfer-encoding',
        'vary',
      ]) {
        assert.equal(answered.headers[name], headerOf(recorded, name), name);
      }
      assert.equal(answered.headers['latest-ledger'], '154');
      assert.deepEqual(JSON.parse(answered.body), bodyOf(recorded));
      assert.equal(answered.body.trimEnd(), recorded.response.body?.trimEnd());
    });
  }

  it('data as its bytes alone', async () => {
    const recorded = exchanges.find(({ n }) => n === 30)!;
    const answered = await served.replay(recorded);
    assert.equal(answered.body, '{"v":1}');
    assert.equal(answered.headers['content-type'], headerOf(recorded, 'content-type'));
    assert.equal(answered.headers['content-disposition'], undefined);
  });

  const reasons: [path: string, field: string, reason: string][] = [
    ['/accounts?asset=native', 'asset', "you can't filter by asset: native"],
    ['/accounts?liquidity_pool=x', 'liquidity_pool', 'x does not validate as sha256'],
    [
      `/offers?selling=${USDC}&selling_asset_type=native`,
      'selling_asset_type',
      "Ambiguous parameter, you can't include both `selling` and `selling_asset_type`. Remove all parameters of the form `selling_`",
    ],
    ['/offers?buying_asset_code=USD', 'buying_asset_type', 'Missing parameter'],
    [
      '/offers?buying_asset_type=x',
      'buying_asset_type',
      'Asset type must be native, credit_alphanum4 or credit_alphanum12',
    ],
    [
      '/offers?buying_asset_type=credit_alphanum4&buying_asset_code=TOOLONG',
      'buying_asset_code',
      'Asset code must be 1-12 alphanumeric characters',
    ],
    [
      '/offers?buying_asset_type=native&buying_asset_code=X',
      'buying_asset_code',
      'native asset does not have a code',
    ],
    ['/offers/0', 'offer_id', 'Offer ID must be an integer higher than 0'],
    [
      '/liquidity_pools?reserves=native,USD',
      'reserves',
      'Invalid reserves, should be comma-separated list of assets in canonical form',
    ],
    [
      `/paths/strict-send?source_asset_type=native&source_amount=1&destination_assets=${Array(16).fill(USDC)}`,
      'destination_assets',
      'list of assets exceeds maximum length of 3',
    ],
  ];
  for (const [asset, why] of [
    ['USD', ''],
    [`U-D:${MAKER}`, ', it contains an invalid asset code'],
    ['USD:GABC', ', it contains an invalid issuer'],
  ] as const) {
    reasons.push([
      `/paths/strict-send?source_asset_type=native&source_amount=1&destination_assets=${asset}`,
      'destination_assets',
      `${asset} is not a valid asset${why}`,
    ]);
  }
  for (const [path, field, reason] of reasons) {
    it(`names what is wrong with ${path.slice(0, 80)}`, async () => {
      const { status, body } = await served.ask('GET', path);
      assert.deepEqual([status, JSON.parse(body).extras], [400, { invalid_field: field, reason }]);
    });
  }

  it('a book of an asset that nobody can hold is empty', async () => {
    const asset = `selling_asset_type=credit_alphanum12&selling_asset_code=USDC&selling_asset_issuer=${MAKER}`;
    const { status, body } = await served.ask('GET', `/order_book?${asset}&buying_asset_type=native`);
    const { base, bids, asks } = JSON.parse(body);
    const named = { asset_type: 'credit_alphanum12', asset_code: 'USDC', asset_issuer: MAKER };
    assert.deepEqual([status, base, bids, asks], [200, named, [], []]);
  });

  it('what was written before the history has no time', async () => {
    const { state, network } = recordedNetwork();
    state.restore({ ...state.account(MAKER)!, modified: 63 });
    const older = await serveHorizon(network);
    const { body } = await older.ask('GET', `/accounts/${MAKER}`);
    const { last_modified_ledger, last_modified_time } = JSON.parse(body);
    assert.deepEqual([last_modified_ledger, last_modified_time], [63, null]);
    await older.stop();
  });

  it('pages of state turn around, and any text is a cursor of accounts', async () => {
    const ids = async (path: string): Promise<string[]> => {
      const { body } = await served.ask('GET', path);
      return JSON.parse(body)._embedded.records.map(({ id }: { id: string }) => id);
    };
    assert.deepEqual(await ids(`/offers?seller=${MAKER}&order=desc&cursor=4`), ['3', '2']);
    assert.deepEqual(await ids(`/accounts?asset=${USDC}&cursor=GC&order=desc&limit=1`), [
      'GBFPL42Z5EQWR3VQGVYLEVA2TFDXJDUKN7GLO3CQ2KPHWMPIKL2MF4Q3',
    ]);
    assert.deepEqual(await ids(`/liquidity_pools?reserves=native&account=${MAKER}`), [POOL]);
    assert.deepEqual(await ids(`/liquidity_pools?reserves=LONGEURTOKN${USDC.slice(4)}`), []);
  });
});
