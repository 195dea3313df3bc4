import assert from 'node:assert/strict';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Asset, Claimant, Operation } from '@stellar/stellar-sdk/base';
import { close, listen } from '../../../common/http.ts';
import { decodeEnvelope } from '../ledger/envelope.ts';
import { type Network, startNetwork } from '../network.ts';
import { createMarket, type Market, type Scenario } from '../scenario.ts';
import { envelope, keyOf, strictReceive, strictSend, trader } from '../testing.ts';
import { bodyOf, type Exchange, exchanges, headerOf, shape, statusOf } from './recorded.ts';
import { createHorizon } from './server.ts';

const PASSPHRASE = 'Standalone Network ; February 2017';
const ISSUER = 'GBZVWM5GJUSNTXMYQJTJJ5OWRAFAPVMG6TE7GZXO7CEEOZZMFYEETE3I';
const MAKER = 'GCVQ3AURWJCNWDIK6SRVFTLLA6E3QMJ7YQS4JKL4N6H5JL6EMSDSNGDJ';
const ALICE = 'GBFPL42Z5EQWR3VQGVYLEVA2TFDXJDUKN7GLO3CQ2KPHWMPIKL2MF4Q3';
const BOB = 'GDCDKGLWJIHRNGI6VJA2RDEXSJUY3FHWVPQOK53DDQIJOQ4VPHMNDGGQ';
const [USDC, LONG] = [`USDC:${ISSUER}`, `LONGEURTOKN:${ISSUER}`];
const START = 1_700_000_000;
const FIRST = 140;
const LATEST = 154;

const line = (asset: string, balance: bigint) => ({
  asset,
  limit: undefined,
  balance: balance * 10_000_000n,
});
const offer = (selling: string, buying: string, amount: bigint, n: number, d: number) => ({
  seller: MAKER,
  selling,
  buying,
  amount,
  price: { n, d },
});

/** The books as they stood when the exchanges were recorded; the pools of that network are left out. */
const scenario: Scenario = {
  networkPassphrase: PASSPHRASE,
  accounts: [
    { address: ISSUER, balance: 10n ** 11n, trustlines: [] },
    { address: MAKER, balance: 10n ** 11n, trustlines: [line(LONG, 40_000n), line(USDC, 20_000n)] },
    { address: ALICE, balance: 49_917_528_964n, trustlines: [line(USDC, 20_000n)] },
    { address: BOB, balance: 10n ** 11n, trustlines: [line(LONG, 100n), line(USDC, 100n)] },
    { address: trader.publicKey(), balance: 10n ** 11n, trustlines: [line(USDC, 100n)] },
  ],
  offers: [
    offer(USDC, 'XLM', 653_690_477n, 21, 10),
    offer(USDC, 'XLM', 500_000_000n, 22, 10),
    offer(USDC, 'XLM', 250_000_000n, 7, 3),
    offer('XLM', USDC, 1_860_000_000n, 1, 2),
    offer('XLM', USDC, 1_000_000_000n, 11, 20),
    offer('XLM', LONG, 1_650_000_000n, 1, 3),
    offer(LONG, USDC, 4_900_843_724n, 11, 20),
    offer(USDC, LONG, 485_096_528n, 20, 11),
  ],
};

interface Answered {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

describe("Horizon's interface against recorded exchanges", function () {
  this.timeout(10_000);
  let market: Market;
  let network: Network;
  let server: Server;
  let stopping: AbortController;

  beforeEach(async () => {
    market = createMarket(scenario, START, FIRST);
    const alice = market.state.account(ALICE)!;
    market.state.put({ ...alice, extension: 3, sequenceLedger: 1, sequenceTime: BigInt(START) });
    let time = START * 1000;
    network = startNetwork({
      ...market,
      clock: () => {
        time += 5000;
        return time;
      },
      closeMs: 3_600_000,
      retain: 100,
    });
    network.pause();
    while (network.latest.sequence < LATEST) network.close();
    stopping = new AbortController();
    const report = (error: unknown): void => {
      throw error;
    };
    server = createServer(
      createHorizon({ network, submitTimeoutMs: 1_000, signal: stopping.signal, report }),
    );
    await listen(server, { host: '127.0.0.1', port: 0 });
  });

  afterEach(async () => {
    clearInterval(closing);
    stopping.abort();
    network.stop();
    await close(server, 0);
  });

  let closing: NodeJS.Timeout | undefined;
  /** Closes a ledger as soon as the next submission waits for one, however long it takes to arrive. */
  const closeWhenSubmitted = (): void => {
    closing = setInterval(() => {
      if (network.pendingCount() === 0) return;
      clearInterval(closing);
      network.close();
    }, 5);
  };

  function ask(
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: string,
  ): Promise<Answered> {
    const { port } = server.address() as AddressInfo;
    return new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
        );
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  const replay = ({ request: { line, headers, body } }: Exchange): Promise<Answered> => {
    const [method = '', path = ''] = line.split(' ');
    const { 'Content-Length': _, ...rest } = headers;
    return ask(method, path, rest, body);
  };

  const exchange = (n: number): Exchange => exchanges.find((one) => one.n === n)!;

  /** Status and headers; `Latest-Ledger` is there or not, whatever its number. */
  function assertHead(answered: Answered, recorded: Exchange): void {
    assert.equal(answered.status, statusOf(recorded), answered.body);
    for (const name of ['content-type', 'content-disposition', 'cache-control', 'vary']) {
      assert.equal(answered.headers[name], headerOf(recorded, name), name);
    }
    const latest = headerOf(recorded, 'latest-ledger') !== undefined;
    assert.equal(answered.headers['latest-ledger'] !== undefined, latest, 'latest-ledger');
  }

  async function assertSameShape(n: number, open: string[] = []): Promise<void> {
    const answered = await replay(exchange(n));
    assertHead(answered, exchange(n));
    assert.deepEqual(shape(JSON.parse(answered.body), open), shape(bodyOf(exchange(n)), open));
  }

  async function assertSameBody(n: number): Promise<void> {
    const answered = await replay(exchange(n));
    assertHead(answered, exchange(n));
    assert.deepEqual(JSON.parse(answered.body), bodyOf(exchange(n)));
  }

  /** Shape of a transaction without its bounds, which the recorded ones do not have. */
  const unbound = (body: Record<string, unknown>): unknown => {
    const { preconditions: _conditions, valid_after: _after, valid_before: _before, ...rest } = body;
    return shape(rest);
  };

  const title = (n: number): string => `${n}: ${exchange(n).what} (${statusOf(exchange(n))})`;

  const SHAPES = [1, 2, 3, 5, 6, 14, 15, 16, 110, 111, 112, 148, 154, 156, 159, 160];
  for (const n of SHAPES) {
    it(`same shape and types, ${title(n)}`, () => assertSameShape(n, n === 16 ? ['data'] : []));
  }

  const BODIES = [
    2, 11, 12, 13, 19, 20, 21, 51, 52, 53, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 113, 114, 115, 116, 117,
    118, 119, 120, 137, 139, 140, 141, 142, 143, 144, 149, 155, 157, 158, 189, 194, 195, 196, 197, 198, 199,
    200, 222, 223, 224, 225, 226, 227, 228,
  ];
  for (const n of BODIES) it(`same body, ${title(n)}`, () => assertSameBody(n));

  for (const n of [162, 163, 166]) {
    it(`no body, ${title(n)}`, async () => {
      const answered = await replay(exchange(n));
      assertHead(answered, exchange(n));
      assert.equal(answered.body, '');
    });
  }

  it('Horizon’s indentation and escapes, byte for byte', async () => {
    const answered = await replay(exchange(82));
    assert.equal(answered.body.trimEnd(), exchange(82).response.body!.trimEnd());
    assert.match((await replay(exchange(14))).body, /\\u0026order=desc/);
  });

  /** The account of a recorded envelope as it stood before, so that the envelope itself can be sent again. */
  function prepare(recorded: Exchange): void {
    const text = new URLSearchParams(recorded.request.body).get('tx') ?? '';
    const { source, sequence } = decodeEnvelope(text, PASSPHRASE);
    const account = market.state.account(source)!;
    market.state.put({ ...account, sequence: sequence - 1n });
    closeWhenSubmitted();
  }

  for (const n of [174, 175, 289]) {
    it(`recorded path payment sent again, same result, ${title(n)}`, async () => {
      const recorded = exchange(n);
      prepare(recorded);
      if (n === 289) {
        const trustline = market.state.trustline(BOB, USDC)!;
        market.state.put({ ...trustline, flags: 0 });
      }
      await assertSameBody(n);
    });
  }

  const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
  const sign = (...[operations, options]: Parameters<typeof envelope>) =>
    envelope(operations, { passphrase: PASSPHRASE, sequence: (BigInt(FIRST) << 32n) + 1n, ...options });
  const post = (path: string, text: string): Promise<Answered> =>
    ask('POST', path, form, new URLSearchParams({ tx: text }).toString());
  const pay = strictSend({ destAsset: recordedUsdc() });

  /** Ours of the recorded kind: another envelope, so that only codes and shape can be the same. */
  const kinds: [n: number, text: () => string][] = [
    [183, () => sign([pay], { sequence: 9n })],
    [184, () => sign([pay], { signers: [keyOf('stranger')] })],
    [185, () => sign([pay], { signers: [trader, keyOf('stranger')] })],
    [186, () => sign([pay], { fee: '99' })],
    [187, () => sign([pay], { maxTime: 1000 })],
    [188, () => sign([pay], { minTime: 9_999_999_999 })],
    [190, () => sign([pay], { source: keyOf('stranger') })],
    [191, () => sign([pay], { fee: '4294967295' })],
    [192, () => sign([pay], { passphrase: 'another network' })],
  ];
  for (const [n, text] of kinds) {
    it(`same codes and shape, ${title(n)}`, async () => {
      if (n === 191) {
        const account = market.state.account(trader.publicKey())!;
        market.state.put({ ...account, balance: 15_000_000n });
      }
      const answered = await post('/transactions', text());
      assertHead(answered, exchange(n));
      const recorded = bodyOf(exchange(n)) as { extras: { result_codes: unknown } };
      const body = JSON.parse(answered.body) as typeof recorded;
      assert.deepEqual(shape(body), shape(recorded));
      assert.deepEqual(body.extras.result_codes, recorded.extras.result_codes);
    });
  }

  it('an asynchronous rejection carries the result and no codes', async () => {
    const answered = await post('/transactions_async', sign([pay], { sequence: 9n }));
    assertHead(answered, exchange(211));
    assert.deepEqual(shape(JSON.parse(answered.body)), shape(bodyOf(exchange(211))));
  });

  it('asynchronous: pending, duplicate, another of the same account, and again when applied', async () => {
    const first = sign([pay]);
    for (const [n, text] of [
      [229, first],
      [230, first],
      [231, sign([strictReceive({ sendAsset: recordedUsdc(), sendMax: '90' })])],
      [206, first],
    ] as const) {
      if (n === 206) network.close();
      const answered = await post('/transactions_async', text);
      assertHead(answered, exchange(n));
      const [body, recorded] = [JSON.parse(answered.body), bodyOf(exchange(n))] as { tx_status: string }[];
      assert.deepEqual([shape(body), body!.tx_status], [shape(recorded), recorded!.tx_status]);
    }
  });

  it('success waits for its ledger, answers like the transaction itself, and again when sent again', async () => {
    const text = sign([pay]);
    closeWhenSubmitted();
    const answered = await post('/transactions', text);
    assertHead(answered, exchange(169));
    const body = JSON.parse(answered.body) as { hash: string; ledger: number } & Record<string, unknown>;
    const { memo: _memo, memo_bytes: _bytes, ...recorded } = bodyOf(exchange(169)) as Record<string, unknown>;
    assert.deepEqual(unbound(body), shape(recorded));
    assert.equal(body.ledger, LATEST + 1);
    for (let i = 0; i < 20; i += 1) network.close();
    for (const again of [
      await post('/transactions', text),
      await ask('GET', `/transactions/${body.hash}`, {}),
    ]) {
      assert.deepEqual([again.status, JSON.parse(again.body)], [200, body]);
    }
  });

  it('one that failed in its ledger is found by its hash', async () => {
    const text = sign([strictSend({ destAsset: recordedUsdc(), destMin: '9999' })]);
    closeWhenSubmitted();
    assert.equal((await post('/transactions', text)).status, 400);
    const { hash } = decodeEnvelope(text, PASSPHRASE);
    const answered = await ask('GET', `/transactions/${hash}`, {});
    assertHead(answered, exchange(50));
    const body = JSON.parse(answered.body) as Record<string, unknown>;
    assert.deepEqual(unbound(body), shape(bodyOf(exchange(50))));
    assert.equal(body.successful, false);
  });

  it('time bounds are told as text', async () => {
    const maxTime = START + 10_000;
    await post('/transactions_async', sign([pay], { maxTime }));
    const [applied] = network.close().transactions;
    const answered = await ask('GET', `/transactions/${applied!.transaction.hash}`, {});
    const { preconditions, valid_before } = JSON.parse(answered.body) as Record<string, unknown>;
    assert.deepEqual(preconditions, { timebounds: { min_time: '0', max_time: String(maxTime) } });
    assert.equal(valid_before, new Date(maxTime * 1000).toISOString().replace('.000Z', 'Z'));
  });

  it('no ledger in time: 504 with the hash, and the transaction may still come', async () => {
    const text = sign([pay]);
    const answered = await post('/transactions', text);
    assertHead(answered, exchange(204));
    const body = JSON.parse(answered.body) as { extras: { hash: string } };
    assert.deepEqual(shape(body), shape(bodyOf(exchange(204))));
    network.close();
    assert.equal((await ask('GET', `/transactions/${body.extras.hash}`, {})).status, 200);
  });

  it('of a source account, only paths that it can pay', async () => {
    const [method, path] = exchange(111).request.line.split(' ') as [string, string];
    const records = async (): Promise<unknown[]> => {
      const { body } = await ask(method, path, {});
      return (JSON.parse(body) as { _embedded: { records: unknown[] } })._embedded.records;
    };
    assert.equal((await records()).length, 2);
    const trustline = market.state.trustline(ALICE, USDC)!;
    market.state.put({ ...trustline, balance: 30_249_999n });
    assert.equal((await records()).length, 1);
  });

  it('refuses by name what it does not do, unlike any answer of Horizon', async () => {
    const unserved = await ask('GET', '/trade_aggregations', {});
    assert.equal(unserved.status, 501);
    assert.equal((JSON.parse(unserved.body) as { type: string }).type, 'urn:stellar-sandbox:refused');
    const claimant = new Claimant(trader.publicKey());
    const answered = await post(
      '/transactions',
      sign([Operation.createClaimableBalance({ asset: Asset.native(), amount: '1', claimants: [claimant] })]),
    );
    assert.equal(answered.status, 400);
    const body = JSON.parse(answered.body) as {
      type: string;
      detail: string;
      extras: Record<string, unknown>;
    };
    assert.deepEqual(
      [body.type, body.extras.refused, body.extras.operation_index],
      ['urn:stellar-sandbox:refused', 'create_claimable_balance', 0],
    );
    assert.match(body.detail, /create_claimable_balance \(operation 0\)/);
  });
});

/** USDC of the recorded network. */
function recordedUsdc() {
  return new Asset('USDC', ISSUER);
}
