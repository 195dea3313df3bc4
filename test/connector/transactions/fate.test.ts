import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { startWorld, type World } from '../world.ts';

/**
 * Clocks run faster: the thirty seconds of a time bound pass in little more than one. Not faster still: the ten seconds
 * between a bound's end and the client's answer must outlast a pause of this process.
 */
const SPEED = 25;

describe('connector/transactions: the fate of what was sent', function () {
  this.timeout(10_000);
  let world: World;
  const start = async () => {
    world = await startWorld({ speed: SPEED, horizon: { submitTimeoutMs: 200 } });
  };
  before(start);
  after(() => world.stop());
  beforeEach(() => {
    world.horizon.seen.length = 0;
    world.signer.asked.length = 0;
    world.log.length = 0;
  });
  afterEach(() => {
    world.horizon.intercept = undefined;
    world.signer.behaviour = {};
  });
  /** For tests after which the connector is of no use to the others. */
  const inOwnWorld = (test: () => Promise<void>) => async () => {
    const shared = world;
    await start();
    try {
      await test();
    } finally {
      await world.stop();
      world = shared;
    }
  };

  const submissions = () => world.horizon.seen.filter((line) => line.startsWith('POST'));
  const poll = async (signature: string) =>
    (await world.call('POST', '/chains/stellar/poll', { signature })).body;
  const hashIn = (message: string): string => /Transaction (\w{64})/.exec(message)![1]!;

  it('a submission whose answer is lost is found by its hash and answered with realized amounts', async () => {
    world.horizon.intercept = async (request, _response, pass) => {
      if (request.method !== 'POST') return false;
      await pass();
      request.socket.destroy();
      return true;
    };
    const { status, body } = await world.swap();
    assert.equal(status, 200, body.message);
    assert.equal(body.data.amountOut, '1.1980000');
    assert.equal(submissions().length, 1);
  });

  it('a 504 that core never took is sent again, byte for byte, until a ledger has it', async () => {
    const bodies: string[] = [];
    world.horizon.intercept = async (request, response) => {
      if (request.method !== 'POST') return false;
      const chunks: Buffer[] = [];
      if (bodies.length < 2) {
        for await (const chunk of request) chunks.push(chunk as Buffer);
        bodies.push(Buffer.concat(chunks).toString());
        response
          .writeHead(504)
          .end('{"type":"https://stellar.org/horizon-errors/transaction_submission_timeout"}');
        return true;
      }
      return false;
    };
    const { status, body } = await world.swap();
    assert.equal(status, 200, body.message);
    assert.equal(bodies.length, 2);
    assert.equal(bodies[0], bodies[1]);
    assert.equal(world.signer.asked.length, 1, 'nothing is built or signed twice');
  });

  it('what no ledger took before its time passed is failed, and polls -2 from then on, not before', async () => {
    const statuses: number[] = [];
    world.horizon.intercept = (request, response) => {
      if (request.method !== 'POST') return false;
      response.writeHead(504).end('{}');
      return true;
    };
    const swap = world.swap();
    let signature = '';
    while (signature === '') {
      await delay(20);
      signature = /"hash":"(\w+)"/.exec(world.log.join(''))?.[1] ?? '';
    }
    statuses.push((await poll(signature)).txStatus);
    const { status, body } = await swap;
    assert.deepEqual([status, body.code], [400, 'TRANSACTION_FAILED']);
    assert.match(body.message, /nothing was traded/);
    assert.equal(hashIn(body.message), signature);
    statuses.push((await poll(signature)).txStatus);
    assert.deepEqual(statuses, [0, -2]);
  });

  it('a ledger that stands still: TRANSACTION_TIMEOUT with the hash, poll 0, and the account waits until it is resolved', async () => {
    world.horizon.network.pause();
    const first = await world.swap();
    assert.deepEqual([first.status, first.body.code], [504, 'TRANSACTION_TIMEOUT']);
    assert.match(first.body.message, /^Transaction [0-9a-f]{64} was not confirmed/);
    const signature = hashIn(first.body.message);
    const { txStatus, txBlock } = await poll(signature);
    assert.deepEqual([txStatus, txBlock], [0, null]);
    assert.match((await world.ready()).text, /last ledger closed \d+ s ago/);
    world.horizon.network.resume();
    await delay(3 * (1_000 / SPEED));
    const second = await world.swap();
    assert.equal(second.status, 200, second.body.message);
    // It was late for the ledger: never applied, and known to be dead before the next was sent.
    assert.equal((await poll(signature)).txStatus, -2);
  });

  it(
    '@security a transaction of another hash in answer to ours is not believed',
    inOwnWorld(async () => {
      const { body: other } = await world.swap();
      world.horizon.intercept = async (request, response, pass) => {
        const lookup = request.url?.startsWith('/transactions/') && request.method === 'GET';
        if (!lookup && request.method !== 'POST') return false;
        // Its own envelope, under the hash that was asked for.
        const asked = lookup ? request.url!.slice('/transactions/'.length) : undefined;
        request.url = `/transactions/${other.signature}`;
        request.method = 'GET';
        const { body } = await pass();
        response.writeHead(200).end(asked === undefined ? body : body.replaceAll(other.signature, asked));
        return true;
      };
      const { status, body } = await world.swap();
      assert.deepEqual([status, body.code], [504, 'TRANSACTION_TIMEOUT']);
      assert.equal((await poll(hashIn(body.message))).code, 'LEDGER_UNTRUSTED');
      assert.match(await world.metrics(), /untrusted_answers_total\{what="transaction"\} [1-9]/);
    }),
  );

  for (const [what, change] of [
    [
      'successful is turned over',
      (text: string) => text.replace('"successful": true', '"successful": false'),
    ],
    ['the fee is another', (text: string) => text.replace('"fee_charged": "100"', '"fee_charged": "101"')],
    [
      'the result does not decode',
      (text: string) => text.replace(/"result_xdr": "[^"]+"/, '"result_xdr": "AAAA"'),
    ],
    [
      'the result is of another order',
      (text: string) =>
        // txSUCCESS with one inflation result: well-formed, and not what was asked.
        text.replace(
          /"result_xdr": "[^"]+"/,
          `"result_xdr": "${'AAAAAAAAAGQAAAAAAAAAAQAAAAAAAAAJAAAAAAAAAAAAAAAA'}"`,
        ),
    ],
  ] as const) {
    it(`@security an answer in which ${what} is not believed; the truth found later is`, async () => {
      let lies = 0;
      world.horizon.intercept = async (request, response, pass) => {
        const about = request.method === 'POST' || request.url?.startsWith('/transactions/');
        if (!about || lies >= 2) return false;
        const { status, body } = await pass();
        if (status === 200) {
          assert.notEqual(change(body), body);
          lies++;
        }
        response.writeHead(status).end(change(body));
        return true;
      };
      const { status, body } = await world.swap();
      assert.equal(status, 200, body.message);
      assert.equal(lies, 2);
    });
  }

  it('@security a Horizon of another network: nothing is signed, balances are not shown, unready', async () => {
    world.horizon.intercept = async (request, response, pass) => {
      if (request.url !== '/') return false;
      const { body } = await pass();
      response
        .writeHead(200)
        .end(body.replace(world.horizon.network.passphrase, 'Test SDF Network ; September 2015'));
      return true;
    };
    await delay(2_000 / SPEED);
    for (const reply of [
      await world.swap(),
      await world.call('POST', '/chains/stellar/balances', {}),
      await world.call('POST', '/chains/stellar/poll', { signature: 'a'.repeat(64) }),
      await world.call(
        'GET',
        '/trading/router/quote-swap?chainNetwork=stellar-sandbox&baseToken=XLM&quoteToken=USDC&amount=1&side=SELL',
      ),
    ]) {
      assert.deepEqual([reply.status, reply.body.code], [502, 'LEDGER_UNTRUSTED']);
    }
    assert.match((await world.ready()).text, /another network/);
    assert.deepEqual(world.signer.asked, []);
    assert.match(await world.metrics(), /untrusted_answers_total\{what="network-mismatch"\} [1-9]/);
  });

  it('a rate limit is waited out; one without end is RATE_LIMITED, and nothing was sent', async () => {
    let limited = 0;
    let limit = 1;
    world.horizon.intercept = (request, response) => {
      if (request.method !== 'POST' || limited >= limit) return false;
      limited++;
      response.writeHead(429, { 'retry-after': '2' }).end('{}');
      return true;
    };
    assert.equal((await world.swap()).status, 200);
    limit = 1_000;
    const { status, body } = await world.swap();
    assert.deepEqual([status, body.code], [429, 'RATE_LIMITED']);
  });

  it('core’s refusal ends it soon, with its reason', async () => {
    // Someone else used the account meanwhile: Horizon shows an old sequence number.
    world.horizon.intercept = async (request, response, pass) => {
      if (!request.url?.startsWith('/accounts/')) return false;
      const { body } = await pass();
      const account = JSON.parse(body);
      account.sequence = String(BigInt(account.sequence) - 1n);
      response.writeHead(200).end(JSON.stringify(account));
      return true;
    };
    const { status, body } = await world.swap();
    assert.deepEqual([status, body.code], [400, 'TRANSACTION_FAILED']);
    assert.match(body.message, /txBadSeq/);
  });

  it('a sequence number that the signer holds live is waited for', async () => {
    const live = { status: 409, code: 'sequence-live', title: 'live', detail: 'd' };
    world.signer.behaviour.refuse = (call) => (call <= 2 ? live : undefined);
    assert.equal((await world.swap()).status, 200);
    assert.equal(world.signer.asked.length, 3);
  });

  it(
    'nothing can be dialled after the signature: LEDGER_UNREACHABLE soon, and nothing was sent',
    inOwnWorld(async () => {
      world.signer.behaviour.tamper = async (answer) => {
        await world.horizon.unplug();
        await delay(50);
        return answer;
      };
      const { status, body } = await world.swap();
      assert.deepEqual([status, body.code], [503, 'LEDGER_UNREACHABLE']);
      assert.match(body.message, /nothing was sent/);
      assert.deepEqual(submissions(), []);
    }),
  );

  it(
    'a stopped process leaves its transaction on disk, and the next one resolves it before it trades',
    inOwnWorld(async () => {
      world.horizon.network.pause();
      const lost = world.swap().catch((error: Error) => error);
      while (submissions().length === 0) await delay(10);
      await world.connector.stop();
      const answer = await lost;
      assert.ok(!(answer instanceof Error), String(answer));
      assert.equal(answer.body.code, 'TRANSACTION_TIMEOUT');
      const signature = hashIn(answer.body.message);
      world.horizon.network.resume();
      await delay(3 * (1_000 / SPEED));
      const asked = world.horizon.seen.length;
      await world.restart();
      const { status, body } = await world.swap();
      assert.equal(status, 200, body.message);
      assert.equal((await poll(signature)).txStatus, 1, 'the first was applied once the ledger went on');
      const about = world.horizon.seen.slice(asked).filter((line) => line.includes('/transactions'));
      assert.equal(
        about[0],
        `GET /transactions/${signature}`,
        'the ledger is asked before anything is sent again',
      );
      assert.notEqual(body.signature, signature);
    }),
  );
});
