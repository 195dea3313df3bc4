import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { createKey, decodeEnvelope, hashOf, signature, withSignatures } from '../software-signer.ts';
import { startWorld, USDC, type World } from '../world.ts';

describe('connector/transactions: swaps against a ledger', () => {
  let world: World;
  before(async () => {
    world = await startWorld();
  });
  after(() => world.stop());
  afterEach(() => {
    world.signer.behaviour = {};
    world.horizon.intercept = undefined;
  });

  const balances = async (): Promise<Record<string, bigint>> => {
    const { balances: shown } = (await world.call('POST', '/chains/stellar/balances', {})).body;
    return Object.fromEntries(
      Object.entries(shown).map(([name, text]) => [name, BigInt(String(text).replace('.', ''))]),
    );
  };
  const stroops = (text: string): bigint => BigInt(text.replace('.', ''));

  for (const side of ['SELL', 'BUY']) {
    it(`${side} through several offers reports what the ledger moved, to the stroop`, async () => {
      const before = await balances();
      const { status, body } = await world.swap({ side, amount: 2_345.6789012 });
      assert.equal(status, 200, body.message);
      const after = await balances();
      const { data } = body;
      assert.equal(after.USDC! - before.USDC!, stroops(data.quoteTokenBalanceChange));
      assert.equal(after.XLM! - before.XLM!, stroops(data.baseTokenBalanceChange) - 100n);
      assert.equal(data[side === 'SELL' ? 'amountIn' : 'amountOut'], '2345.6789012');
      const applied = world.horizon.network.transaction(body.signature);
      assert.ok(applied, 'the ledger has it under the hash that was answered');
    });
  }

  it('the envelope is on disk before it is sent, and marked with its fate after', async () => {
    let seen = '';
    world.horizon.intercept = (request) => {
      if (request.method === 'POST') {
        const [name] = readFolder();
        seen = readFileSync(name!, 'utf8');
      }
      return false;
    };
    const folder = `${world.folder}/state/transactions`;
    const readFolder = () => readdirSync(folder).map((name) => `${folder}/${name}`);
    for (const name of readFolder()) rmSync(name);
    const { body } = await world.swap();
    assert.equal(JSON.parse(seen).fate, 'pending');
    assert.equal(JSON.parse(seen).hash, body.signature);
    assert.equal(JSON.parse(readFileSync(readFolder()[0]!, 'utf8')).fate, 'applied');
  });

  it('swaps asked at once go one after the other, each with its own sequence number', async () => {
    const replies = await Promise.all([world.swap(), world.swap({ side: 'BUY' }), world.swap()]);
    assert.deepEqual(
      replies.map(({ status }) => status),
      [200, 200, 200],
    );
    assert.equal(new Set(replies.map(({ body }) => body.signature)).size, 3);
  });

  it('more than the account can spend: INSUFFICIENT_BALANCE, and nothing is signed', async () => {
    const signed = world.signer.asked.length;
    for (const fields of [{ amount: 9_999 }, { side: 'BUY', amount: 9_000 }]) {
      const { status, body } = await world.swap(fields);
      assert.deepEqual([status, body.code], [400, 'INSUFFICIENT_BALANCE'], body.message);
    }
    assert.equal(world.signer.asked.length, signed);
  });

  it('more than the market holds: NO_ROUTE_FOUND; an asset without trust line: refused before a fee is paid', async () => {
    const { body } = await world.swap({ amount: 10_000_000 });
    assert.equal(body.code, 'NO_ROUTE_FOUND');
    const foreign = 'EURC:GCWSBR5KAS7MWM5WOZJCOMG2YDP5XJ2WYAPYGSZEKGPEEOI2CO6RA3VV';
    assert.equal((await world.swap({ quoteToken: foreign })).body.code, 'NO_ROUTE_FOUND');
  });

  it('a market that moved beyond the tolerance: SLIPPAGE_EXCEEDED from the ledger’s own result', async () => {
    // The path search promises more than the book gives.
    world.horizon.intercept = async (request, response, pass) => {
      if (!request.url?.startsWith('/paths/strict-send')) return false;
      const { body } = await pass();
      response
        .writeHead(200)
        .end(body.replace(/"destination_amount": "[^"]+"/, '"destination_amount": "1.4000000"'));
      return true;
    };
    const { status, body } = await world.swap();
    assert.deepEqual([status, body.code], [400, 'SLIPPAGE_EXCEEDED']);
    assert.match(body.message, /failed in ledger \d+/);
    const hash = /Transaction (\w+)/.exec(body.message)![1];
    world.horizon.intercept = undefined;
    const poll = (await world.call('POST', '/chains/stellar/poll', { signature: hash })).body;
    assert.deepEqual([poll.txStatus, poll.fee], [-1, '0.00001']);
    assert.match(poll.error, /slippage/);
  });

  it('a refusal of the signer is shown with its code and reason; its rate limit is one of ours', async () => {
    const refusal = {
      status: 403,
      code: 'price-out-of-collar',
      title: 'The price is outside the collar',
      detail: 'd',
    };
    world.signer.behaviour.refuse = () => refusal;
    const { status, body } = await world.swap();
    assert.deepEqual([status, body.code], [403, 'SIGNER_REFUSED']);
    assert.match(body.message, /price-out-of-collar.*outside the collar/);
    world.signer.behaviour.refuse = () => ({ ...refusal, status: 429, code: 'rate-exceeded' });
    assert.deepEqual((({ status: code, body: { code: name } }) => [code, name])(await world.swap()), [
      429,
      'RATE_LIMITED',
    ]);
    world.signer.behaviour.refuse = () => ({ ...refusal, status: 503, code: 'keystore-unavailable' });
    assert.equal((await world.swap()).body.code, 'SIGNER_UNAVAILABLE');
    assert.match(await world.metrics(), /signer_requests_total\{outcome="price-out-of-collar"\} 1/);
  });

  const submitted = () => world.horizon.seen.filter((line) => line.startsWith('POST')).length;

  it('@security a signer that changes the transaction, or answers a bad or an extra signature: nothing is sent', async () => {
    const { passphrase } = world.horizon.network;
    const before = submitted();
    const tampers: World['signer']['behaviour']['tamper'][] = [
      (answer, envelope) => {
        const { tx } = envelope.v1;
        const Changed = tx.constructor as new (fields: object) => typeof tx;
        const richer = new Changed({ ...tx, fee: tx.fee + 1 });
        return {
          ...answer,
          envelopeXdr: withSignatures(richer, [signature(hashOf(richer, passphrase), world.key)]),
        };
      },
      (answer, { v1 }) => ({
        ...answer,
        envelopeXdr: withSignatures(v1.tx, [signature(hashOf(v1.tx, 'another network'), world.key)]),
      }),
      (answer, { v1 }) => ({
        ...answer,
        envelopeXdr: withSignatures(v1.tx, [
          ...decodeEnvelope(answer.envelopeXdr).v1.signatures,
          signature(hashOf(v1.tx, passphrase), createKey()),
        ]),
      }),
      (answer) => ({ ...answer, hash: '0'.repeat(64) }),
      (answer) => ({ ...answer, signer: createKey().account }),
    ];
    for (const tamper of tampers) {
      world.signer.behaviour.tamper = tamper!;
      const { status, body } = await world.swap();
      assert.deepEqual([status, body.code], [502, 'SIGNER_UNTRUSTED']);
    }
    assert.equal(submitted(), before);
  });

  it('@security a signer of another version, account or network: unready, and nothing is sent', async () => {
    const before = submitted();
    world.signer.behaviour = { protocol: '2' };
    assert.equal((await world.swap()).body.code, 'SIGNER_UNTRUSTED');
    assert.equal((await world.ready()).status, 503);
    world.signer.behaviour = { account: `G${'A'.repeat(55)}` };
    assert.match((await world.ready()).text, /another account/);
    world.signer.behaviour = { networkPassphrase: 'another' };
    assert.match((await world.ready()).text, /another network/);
    world.signer.behaviour = {};
    assert.equal((await world.ready()).status, 200);
    assert.equal(submitted(), before);
  });

  it('@security paths between other assets or for another amount than asked are not believed', async () => {
    for (const [from, to] of [
      ['"destination_asset_code": "USDC"', '"destination_asset_code": "USDX"'],
      ['"source_amount": "10.0000000"', '"source_amount": "11.0000000"'],
    ] as const) {
      world.horizon.intercept = async (request, response, pass) => {
        if (!request.url?.startsWith('/paths/')) return false;
        const { body } = await pass();
        assert.ok(body.includes(from), body);
        response.writeHead(200).end(body.replaceAll(from, to));
        return true;
      };
      assert.deepEqual((({ status, body }) => [status, body.code])(await world.swap()), [
        502,
        'LEDGER_UNTRUSTED',
      ]);
    }
  });

  /** Asks for a swap and hangs up after `ms` milliseconds. */
  const hangUp = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const leaving = request({
        ...{ method: 'POST', host: 'localhost', path: '/trading/router/execute-swap', agent: false },
        ...{ port: world.connector.gateway.port, ca: world.authority.cert, ...world.client },
        headers: { 'content-type': 'application/json' },
      });
      leaving.on('error', () => resolve());
      leaving.end(
        JSON.stringify({
          ...{ chainNetwork: 'stellar-sandbox', walletAddress: world.key.account, side: 'SELL', amount: 1 },
          ...{ baseToken: 'XLM', quoteToken: USDC },
        }),
      );
      setTimeout(() => leaving.destroy(), ms);
    });

  it('a client that goes away before the signer is asked takes its swap with it', async () => {
    const signed = world.signer.asked.length;
    world.horizon.intercept = (incoming) => incoming.url?.startsWith('/fee_stats') ?? false;
    await hangUp(150);
    world.horizon.intercept = undefined;
    assert.equal((await world.swap()).status, 200, 'the queue is free');
    assert.equal(world.signer.asked.length, signed + 1);
  });

  it('one that goes away later leaves a swap that is carried through: no signature is thrown away', async () => {
    const before = submitted();
    let asked = (): void => undefined;
    const reached = new Promise<void>((resolve) => {
      asked = resolve;
    });
    let go = (): void => undefined;
    const gone = new Promise<void>((resolve) => {
      go = resolve;
    });
    world.signer.behaviour.tamper = async (answer) => {
      asked();
      await gone;
      return answer;
    };
    const leaving = hangUp(250);
    await Promise.all([reached, leaving]);
    world.signer.behaviour = {};
    go();
    assert.equal((await world.swap()).status, 200);
    assert.equal(submitted(), before + 2);
  });
});
