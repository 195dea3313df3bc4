import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import * as xdr from '@stellar/stellar-sdk/xdr';
import { hashOf, signature, withSignatures } from '../software-signer.ts';
import { type Reply, startWorld, type World } from '../world.ts';

/** Clocks run faster: the thirty seconds of a time bound pass in three. */
const SPEED = 10;

/** The whole connector before a ledger whose server loses, forges and refuses. Each test has a world of its own. */
describe('connector/transactions: the fate of what was sent', function () {
  this.timeout(30_000);
  let world: World;
  beforeEach(async () => {
    world = await startWorld({ speed: SPEED, horizon: { submitTimeoutMs: 200 } });
    // Until the book is there, nothing can be swapped.
    for (let tries = 0; tries < 100 && (await world.ready()).status !== 200; tries++) await delay(50);
  });
  afterEach(() => world.stop());

  const submissions = () => world.horizon.seen.filter((line) => line.startsWith('POST'));
  const poll = async (signature: string) =>
    (await world.call('POST', '/chains/stellar/poll', { signature })).body;
  const hashIn = (message: string): string => /Transaction (\w{64})/.exec(message)![1]!;
  const codeOf = ({ status, body }: Reply) => [status, body.code];

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
    assert.equal(world.signer.asked.length, 1);
  });

  it('@security a 504 that core never took is sent again, byte for byte, until a ledger has it', async () => {
    const bodies: string[] = [];
    world.horizon.intercept = async (request, response) => {
      if (request.method !== 'POST' || bodies.length === 2) return false;
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      bodies.push(Buffer.concat(chunks).toString());
      response
        .writeHead(504)
        .end('{"type":"https://stellar.org/horizon-errors/transaction_submission_timeout"}');
      return true;
    };
    const { status, body } = await world.swap();
    assert.equal(status, 200, body.message);
    assert.deepEqual([bodies.length, bodies[1], submissions().length], [2, bodies[0], 3]);
    assert.equal(world.signer.asked.length, 1, 'nothing is built or signed twice');
  });

  it('@security what no ledger took before its time passed has failed, and polls -2 from then on, not before', async () => {
    world.horizon.intercept = (request, response) => {
      if (request.method !== 'POST') return false;
      response.writeHead(504).end('{}');
      return true;
    };
    const swap = world.swap();
    let signature = '';
    for (let tries = 0; signature === '' && tries < 500; tries++) {
      await delay(20);
      signature = /"hash":"(\w{64})"/.exec(world.log.join(''))?.[1] ?? '';
    }
    assert.equal((await poll(signature)).txStatus, 0);
    const reply = await swap;
    assert.deepEqual(codeOf(reply), [400, 'TRANSACTION_FAILED']);
    assert.match(reply.body.message, /nothing was traded/);
    assert.equal(hashIn(reply.body.message), signature);
    assert.equal((await poll(signature)).txStatus, -2);
    assert.equal(world.signer.asked.length, 1);
  });

  it('@security a ledger that stands still: TRANSACTION_TIMEOUT with the hash, poll 0, and -2 once it is dead', async () => {
    world.horizon.intercept = (request) => {
      if (request.method === 'POST') world.horizon.network.pause();
      return false;
    };
    const reply = await world.swap();
    assert.deepEqual(codeOf(reply), [504, 'TRANSACTION_TIMEOUT']);
    assert.match(reply.body.message, /^Transaction [0-9a-f]{64} was not confirmed/);
    const signature = hashIn(reply.body.message);
    const { txStatus, txBlock } = await poll(signature);
    assert.deepEqual([txStatus, txBlock], [0, null]);
    world.horizon.network.resume();
    const statuses = new Set<number>();
    for (let tries = 0; !statuses.has(-2) && tries < 100; tries++) {
      statuses.add((await poll(signature)).txStatus);
      await delay(50);
    }
    assert.deepEqual(
      [...statuses].filter((one) => one !== 0),
      [-2],
    );
    assert.equal(world.signer.asked.length, 1);
  });

  it('@security a ledger that goes on in time after the client was told: poll 1, never a second swap', async () => {
    // Only lookups fail: the ledger takes it at once.
    let down = true;
    world.horizon.intercept = (request, response) => {
      if (!down || !request.url?.startsWith('/transactions/')) return false;
      response.writeHead(503).end('{}');
      return true;
    };
    const reply = await world.swap();
    assert.deepEqual(codeOf(reply), [504, 'TRANSACTION_TIMEOUT']);
    const signature = hashIn(reply.body.message);
    assert.equal((await poll(signature)).txStatus, 0);
    down = false;
    let txStatus = 0;
    for (let tries = 0; txStatus === 0 && tries < 100; tries++) {
      ({ txStatus } = await poll(signature));
      await delay(50);
    }
    assert.equal(txStatus, 1);
    assert.equal(world.signer.asked.length, 1);
  });

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
          '"result_xdr": "AAAAAAAAAGQAAAAAAAAAAQAAAAAAAAAJAAAAAAAAAAAAAAAA"',
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
      assert.equal(lies, 2);
      assert.equal(status, 200, body.message);
    });
  }

  it('@security an envelope that the signer changed, or signed twice, is never sent', async () => {
    const { key, signer } = world;
    signer.behaviour.tamper = (right, { v1: { tx } }) => {
      const changed = new xdr.Transaction({ ...tx, fee: tx.fee + 1 });
      const hash = hashOf(changed, world.horizon.network.passphrase);
      return {
        ...right,
        envelopeXdr: withSignatures(changed, [signature(hash, key)]),
        hash: hash.toString('hex'),
      };
    };
    assert.deepEqual(codeOf(await world.swap()), [502, 'SIGNER_UNTRUSTED']);
    signer.behaviour.tamper = (right, { v1: { tx } }) => {
      const one = signature(Buffer.from(right.hash, 'hex'), key);
      return { ...right, envelopeXdr: withSignatures(tx, [one, one]) };
    };
    assert.deepEqual(codeOf(await world.swap()), [502, 'SIGNER_UNTRUSTED']);
    assert.deepEqual(submissions(), []);
  });

  it('a failure that is found in a ledger later is told with what the ledger says', async () => {
    // The funds leave between plan and ledger, and the answer of the submission is lost.
    const { state } = world.horizon.network;
    world.horizon.intercept = async (request, _response, pass) => {
      if (request.method !== 'POST') return false;
      state.put({ ...state.account(world.key.account)!, balance: 50_000_000n });
      state.commit();
      await pass();
      request.socket.destroy();
      return true;
    };
    const reply = await world.swap();
    assert.deepEqual(codeOf(reply), [400, 'INSUFFICIENT_BALANCE']);
    assert.match(reply.body.message, /^Transaction \w{64} failed in ledger \d+/);
    assert.equal((await poll(hashIn(reply.body.message))).txStatus, -1);
    assert.equal(world.signer.asked.length, 1);
  });

  it('@security a stopped process leaves its transaction on disk, and the next one asks for it before it sends', async () => {
    world.horizon.intercept = (request) => {
      if (request.method === 'POST') world.horizon.network.pause();
      return false;
    };
    const lost = world.swap();
    for (let tries = 0; submissions().length === 0 && tries < 500; tries++) await delay(10);
    world.horizon.intercept = undefined;
    await world.connector.stop();
    const reply = await lost;
    assert.deepEqual(codeOf(reply), [504, 'TRANSACTION_TIMEOUT']);
    const signature = hashIn(reply.body.message);
    const asked = world.horizon.seen.length;
    world.horizon.network.resume();
    await world.restart();
    let txStatus = 0;
    for (let tries = 0; txStatus === 0 && tries < 200; tries++) {
      ({ txStatus } = await poll(signature));
      await delay(50);
    }
    assert.ok(txStatus === 1 || txStatus === -2, String(txStatus));
    const about = world.horizon.seen.slice(asked).filter((line) => line.includes('/transactions'));
    assert.equal(about[0], `GET /transactions/${signature}`);
    assert.equal(world.signer.asked.length, 1);
  });
});
