import assert from 'node:assert/strict';
import { bodyOf, type Exchange, exchanges, headerOf, statusOf } from '../horizon/recorded.ts';
import { type Answered, type Served, serveHorizon } from '../horizon/testing.ts';
import { decodeEnvelope } from '../ledger/envelope.ts';
import { type Network, startNetwork } from '../network.ts';
import { createMarket, type Market, type Scenario } from '../scenario.ts';

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

describe('the books of the recorded network, rebuilt', () => {
  let market: Market;
  let network: Network;
  let served: Served;
  let closing: NodeJS.Timeout | undefined;

  beforeEach(async () => {
    market = createMarket(scenario, START, FIRST);
    const alice = market.state.account(ALICE)!;
    market.state.put({ ...alice, extension: 3, sequenceLedger: 1, sequenceTime: BigInt(START) });
    let time = START * 1000;
    const clock = (): number => {
      time += 5000;
      return time;
    };
    network = startNetwork({ ...market, clock, closeMs: 5000, retain: 100, every: () => () => undefined });
    while (network.latest.sequence < LATEST) network.close();
    served = await serveHorizon(network, { submitTimeoutMs: 5000 });
  });

  afterEach(async () => {
    clearInterval(closing);
    await served.stop();
  });

  const exchange = (n: number): Exchange => exchanges.find((one) => one.n === n)!;
  const title = (n: number): string => `${n}: ${exchange(n).what} (${statusOf(exchange(n))})`;

  async function assertSameBody(n: number): Promise<void> {
    const { request } = exchange(n);
    const { 'Content-Length': _length, ...headers } = request.headers;
    const answered: Answered = await served.replay({ ...exchange(n), request: { ...request, headers } });
    assert.equal(answered.status, statusOf(exchange(n)), answered.body);
    for (const name of ['content-type', 'content-disposition', 'cache-control', 'vary']) {
      assert.equal(answered.headers[name], headerOf(exchange(n), name), name);
    }
    assert.deepEqual(JSON.parse(answered.body), bodyOf(exchange(n)));
  }

  const BODIES = [
    2, 11, 12, 13, 19, 20, 21, 51, 52, 53, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 113, 114, 115, 116, 117,
    118, 119, 120, 137, 139, 140, 141, 142, 143, 144, 149, 155, 157, 158, 189, 194, 195, 196, 197, 198, 199,
    200, 222, 223, 224, 225, 226, 227, 228,
  ];
  for (const n of BODIES) it(`same body, ${title(n)}`, () => assertSameBody(n));

  it('Horizon’s indentation and escapes, byte for byte', async () => {
    const answered = await served.replay(exchange(82));
    assert.equal(answered.body.trimEnd(), exchange(82).response.body!.trimEnd());
    assert.match((await served.replay(exchange(14))).body, /\\u0026order=desc/);
  });

  for (const n of [174, 175, 289]) {
    it(`recorded path payment sent again, same result, ${title(n)}`, async () => {
      const text = new URLSearchParams(exchange(n).request.body).get('tx') ?? '';
      const { source, sequence } = decodeEnvelope(text, PASSPHRASE);
      // As the account stood before, so that the envelope itself can be sent again.
      market.state.put({ ...market.state.account(source)!, sequence: sequence - 1n });
      if (n === 289) market.state.put({ ...market.state.trustline(BOB, USDC)!, flags: 0 });
      closing = setInterval(() => {
        if (network.queue.pending().length > 0) network.close();
      }, 5);
      await assertSameBody(n);
    });
  }

  it('of a source account, only paths that it can pay', async () => {
    const [method, path] = exchange(111).request.line.split(' ') as [string, string];
    const records = async (): Promise<unknown[]> => {
      const { body } = await served.ask(method, path);
      return (JSON.parse(body) as { _embedded: { records: unknown[] } })._embedded.records;
    };
    assert.equal((await records()).length, 2);
    const trustline = market.state.trustline(ALICE, USDC)!;
    market.state.put({ ...trustline, balance: 30_249_999n });
    assert.equal((await records()).length, 1);
  });
});
