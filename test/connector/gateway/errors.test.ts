import assert from 'node:assert/strict';
import { connectorError, type ErrorCode } from '../../../connector/errors.ts';
import { HASH, PATH, type Rig, startRig, swapBody } from './rig.ts';

/** What the client does by status, code and message: the table of the contract. */
function clientDoes(reply: { status: number; body: { code?: string; message: string } }): string {
  const { status, body } = reply;
  if (status === 200) return 'fills';
  if (body.code === 'RATE_LIMITED' && status === 429) return 'sends again after 1 s';
  if (body.code === 'SLIPPAGE_EXCEEDED') return 'widens and sends again';
  if (body.code === 'TRANSACTION_TIMEOUT' && status === 504) {
    return /Transaction (\S+) (?:was not confirmed|pending)/.exec(body.message)?.[1] === HASH
      ? 'polls the hash'
      : 'fails, though it may have been sent';
  }
  return 'fails';
}

describe('connector/gateway: the client does the right thing after each error', () => {
  let rig: Rig;
  before(async () => {
    rig = await startRig();
  });
  after(() => rig.stop());
  beforeEach(() => {
    Object.assign(rig, { engine: undefined, market: { sell: 1_200n, buy: 1_210n }, ledger: undefined });
    Object.assign(rig, { planned: [], audit: [] });
    rig.known.clear();
  });

  it('a swap: 200 with the amounts that moved, and one line for the audit', async () => {
    const reply = await rig.call('POST', PATH, swapBody({ side: 'BUY' }));
    assert.equal(clientDoes(reply), 'fills');
    assert.deepEqual(reply.body.data, {
      ...{ tokenIn: `USDC:${rig.context.tokens[1]!.address.slice(5)}`, tokenOut: 'native' },
      ...{ amountIn: '1.2100000', amountOut: '10.0000000', fee: '0.00001' },
      ...{ baseTokenBalanceChange: '10.0000000', quoteTokenBalanceChange: '-1.2100000', slippagePct: '1' },
    });
    const [{ requestId, market, ...entry }] = rig.audit as [(typeof rig.audit)[0]];
    assert.match(requestId, /^[0-9a-f-]{36}$/);
    assert.equal(rig.planned[0]?.id, `swap:${requestId}`, 'the audit leads to the transaction');
    assert.equal(market, `native-${rig.context.tokens[1]!.address}`);
    assert.deepEqual(entry, {
      ...{ client: 'bot', route: PATH, side: 'BUY', amount: '10.0000000', price: '0.1210000' },
      ...{ outcome: 'done', status: 200, hash: HASH },
    });
  });

  it('@security what a client sent is never audited as the hash of a transaction', async () => {
    const positionAddress = 'ef'.repeat(32);
    for (const path of ['close', 'collect-fees']) {
      const reply = await rig.call('POST', `/trading/clmm/${path}`, {
        ...{ connector: 'sdex', chainNetwork: swapBody().chainNetwork },
        ...{ walletAddress: swapBody().walletAddress, positionAddress },
      });
      assert.equal(reply.body.message, `Position not found: ${positionAddress}`);
    }
    assert.equal(rig.audit.length, 2);
    assert.ok(rig.audit.every((entry) => !JSON.stringify(entry).includes(positionAddress)));
  });

  const rows: [ErrorCode, number, string][] = [
    ['insufficient-balance', 400, 'fails'],
    ['no-route-found', 400, 'fails'],
    ['slippage-exceeded', 400, 'widens and sends again'],
    ['transaction-failed', 400, 'fails'],
    ['transaction-timeout', 504, 'polls the hash'],
    ['rate-limited', 429, 'sends again after 1 s'],
    ['signer-refused', 403, 'fails'],
    ['signer-unavailable', 503, 'fails'],
    ['signer-untrusted', 502, 'fails'],
    ['ledger-unreachable', 503, 'fails'],
    ['ledger-untrusted', 502, 'fails'],
    ['ledger-stale', 503, 'fails'],
    ['state-unavailable', 503, 'fails'],
  ];
  for (const [code, status, does] of rows) {
    it(`${code}: ${status}, on which the client ${does}`, async () => {
      rig.engine = () =>
        Promise.reject(
          connectorError(code, `Transaction ${HASH} was not confirmed in time; it may still be applied`),
        );
      const reply = await rig.call('POST', PATH, swapBody());
      assert.equal(reply.status, status);
      assert.equal(clientDoes(reply), does);
      assert.equal(reply.body.statusCode, status);
      const [{ outcome, hash }] = rig.audit as [(typeof rig.audit)[0]];
      assert.deepEqual([outcome, hash], [code, HASH]);
    });
  }

  it('@security an error that nobody foresaw tells nothing of itself', async () => {
    rig.engine = () => Promise.reject(new Error('at /var/lib: secret-words'));
    const { status, text, body } = await rig.call('POST', PATH, swapBody());
    assert.deepEqual([status, body.message], [500, 'internal error']);
    assert.ok(!text.includes('secret'));
  });

  it('what is beyond the balance fails before anything is signed', async () => {
    for (const fields of [{ amount: 999 }, { side: 'BUY', amount: 9_000 }]) {
      const reply = await rig.call('POST', PATH, swapBody(fields));
      assert.deepEqual([reply.status, reply.body.code], [400, 'INSUFFICIENT_BALANCE']);
    }
    assert.deepEqual(rig.planned, []);
  });

  it('a held quote: executed once; a market that left it is widened by the client', async () => {
    const query = 'chainNetwork=stellar-testnet&baseToken=XLM&quoteToken=USDC&amount=10&side=SELL';
    const quote = async (): Promise<string> =>
      (await rig.call('GET', `/trading/router/quote-swap?${query}`)).body.quoteId;
    const wallet = rig.context.file.account;
    const execute = (quoteId: string, fields = {}) =>
      rig.call('POST', '/trading/router/execute-quote', {
        ...{ chainNetwork: 'stellar-testnet', connector: 'sdex', walletAddress: wallet, quoteId, ...fields },
      });
    const quoteId = await quote();
    const other = 'GCWSBR5KAS7MWM5WOZJCOMG2YDP5XJ2WYAPYGSZEKGPEEOI2CO6RA3VV';
    assert.equal((await execute(quoteId, { walletAddress: other })).status, 400);
    assert.equal((await execute(quoteId, { chainNetwork: 'stellar-mainnet' })).status, 400);
    rig.client = 'another bot';
    assert.equal((await execute(quoteId)).status, 400);
    rig.client = 'bot';
    const done = await execute(quoteId);
    assert.equal(clientDoes(done), 'fills');
    assert.equal(done.body.data.amountOut, '1.2000000');
    assert.equal(rig.audit.at(-1)?.quoteId, quoteId);
    assert.deepEqual([(await execute(quoteId)).body.code, rig.planned.length], ['INVALID_PARAMS', 1]);
    const next = await quote();
    rig.market = { sell: 1_100n, buy: 1_210n };
    assert.equal(clientDoes(await execute(next)), 'widens and sends again');
    assert.equal(rig.planned.length, 1);
  });

  describe('poll', () => {
    const poll = async (signature = HASH) =>
      (await rig.call('POST', '/chains/stellar/poll', { network: 'testnet', signature })).body;
    const maxTime = (ms: number) => Math.floor((rig.now + ms) / 1_000);

    it('0 while ours may still apply, also while the ledger cannot be asked; -2 when it never will', async () => {
      rig.known.set(HASH, { maxTime: maxTime(20_000), ending: undefined });
      assert.equal((await poll()).txStatus, 0);
      for (const code of ['ledger-unreachable', 'ledger-stale', 'rate-limited'] as const) {
        rig.ledger = connectorError(code, 'no');
        assert.equal((await poll()).txStatus, 0);
        assert.ok((await poll('cd'.repeat(32))).statusCode >= 400, 'of another’s nothing is known');
      }
      rig.ledger = undefined;
      rig.now += 40_000;
      assert.equal((await poll()).txStatus, -2);
      assert.equal((await poll('cd'.repeat(32))).txStatus, -2, 'one that was never ours');
    });

    it('@security a ledger that lies about ours is an error, never an end', async () => {
      rig.known.set(HASH, { maxTime: maxTime(-60_000), ending: undefined });
      rig.ledger = connectorError('ledger-untrusted', 'it contradicts itself');
      assert.equal((await poll()).code, 'LEDGER_UNTRUSTED');
    });

    it('an end that is known is told, whatever the ledger says now', async () => {
      const receipt = { hash: HASH, ledger: 77, fee: 100n, results: [], envelopeXdr: '' };
      rig.ledger = connectorError('ledger-unreachable', 'no');
      rig.known.set(HASH, { maxTime: 1, ending: { kind: 'applied', receipt } });
      assert.deepEqual(await poll(), {
        ...{ currentBlock: 0, signature: HASH, txBlock: 77, txStatus: 1, fee: '0.00001' },
        ...{ error: null, txData: null },
      });
      const message = 'the market moved';
      const code = 'slippage-exceeded' as const;
      const failed = { kind: 'failed', hash: HASH, ledger: 78, result: undefined, code, message } as const;
      rig.known.set(HASH, { maxTime: 1, ending: failed });
      assert.deepEqual((({ txStatus, txBlock, error }) => [txStatus, txBlock, error])(await poll()), [
        -1,
        78,
        message,
      ]);
      const dead = { kind: 'dead', hash: HASH, code, message } as const;
      rig.known.set(HASH, { maxTime: 1, ending: dead });
      assert.equal((await poll()).txStatus, -2);
    });
  });
});
