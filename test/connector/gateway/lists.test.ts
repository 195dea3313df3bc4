import assert from 'node:assert/strict';
import { marketAddress } from '../../../connector/gateway/lists/pools.ts';
import { MAX_SAVED } from '../../../connector/gateway/lists/schema.ts';
import { poolIdentity } from '../../../connector/market/pool-id.ts';
import { createKey } from '../software-signer.ts';
import { ISSUER, type Rig, startRig, USDC } from './rig.ts';

const OTHER = 'GB6AW4NE7GS76LM7HAYCPVZF2KLLMUPBS5YXEC2UEAWQ2IG4GB2FFPEB';
const EURC = `EURC:${OTHER}`;
const AT = 'chainNetwork=stellar-testnet';
const tokenOf = (address: string, symbol = address.slice(0, address.indexOf(':'))) => ({
  chainNetwork: 'stellar-testnet',
  token: { symbol, address, decimals: 7, name: 'whatever' },
});

describe('connector/gateway: the lists of tokens and pools', () => {
  let rig: Rig;
  beforeEach(async () => {
    rig = await startRig();
  });
  afterEach(() => rig.stop());
  const symbols = async (): Promise<string[]> =>
    (await rig.call('GET', `/tokens?${AT}`)).body.tokens.map(({ symbol }: { symbol: string }) => symbol);

  it('a token is saved, found by symbol, kept over a restart and removed', async () => {
    assert.deepEqual((await rig.call('POST', '/tokens', tokenOf(EURC))).body, {
      message: 'Token EURC has been added to the token list for stellar/testnet',
    });
    rig.restart();
    assert.deepEqual(await symbols(), ['XLM', 'USDC', 'EURC']);
    const token = { symbol: 'EURC', address: EURC, decimals: 7, name: `EURC of ${OTHER}` };
    assert.deepEqual((await rig.call('GET', `/tokens/EURC?${AT}`)).body, {
      token,
      chainNetwork: 'stellar-testnet',
    });
    assert.deepEqual((await rig.call('POST', `/tokens/save/${EURC}?${AT}`, {})).body, {
      message: 'Token EURC already exists in the token list for stellar/testnet',
      token,
    });
    assert.deepEqual((await rig.call('DELETE', `/tokens/${encodeURIComponent(EURC)}?${AT}`, {})).body, {
      message: 'Token EURC has been removed from the token list for stellar/testnet',
    });
    rig.restart();
    assert.deepEqual(await symbols(), ['XLM', 'USDC']);
    assert.equal((await rig.call('DELETE', `/tokens/${EURC}?${AT}`, {})).status, 404);
  });

  it('find describes an asset that nobody saved, and saves nothing', async () => {
    assert.equal((await rig.call('GET', `/tokens/find/${EURC}?${AT}`)).body.symbol, 'EURC');
    assert.deepEqual(await symbols(), ['XLM', 'USDC']);
    assert.equal((await rig.call('GET', `/tokens/EURC?${AT}`)).status, 404);
  });

  it('@security a symbol of a listed market never means another issuer, whatever is saved', async () => {
    const fake = `USDC:${OTHER}`;
    const { status, body } = await rig.call('POST', '/tokens', tokenOf(fake));
    assert.equal(status, 400);
    assert.match(body.message, /looks like/);
    assert.equal((await rig.call('POST', `/tokens/save/${fake}?${AT}`, {})).body.token.symbol, fake);
    rig.restart();
    assert.deepEqual(await symbols(), ['XLM', 'USDC', fake]);
    assert.equal((await rig.call('GET', `/tokens/USDC?${AT}`)).body.token.address, USDC);
    const query = `chainNetwork=stellar-testnet&baseToken=XLM&quoteToken=USDC&amount=1&side=SELL`;
    const quote = await rig.call('GET', `/trading/router/quote-swap?${query}`);
    assert.equal(quote.body.tokenOut, USDC);
    const full = await rig.call('GET', `/trading/router/quote-swap?${query.replace('USDC', fake)}`);
    assert.equal(full.body.tokenOut, fake, 'CODE:ISSUER always works');
  });

  it('@security codes that look like a listed or saved one get no symbol', async () => {
    await rig.call('POST', '/tokens', tokenOf(EURC));
    for (const code of ['usdc', 'U5DC', 'XIM', 'X1M', 'eurc']) {
      const address = `${code}:${ISSUER}`;
      assert.equal((await rig.call('POST', '/tokens', tokenOf(address))).status, 400, code);
      const { body } = await rig.call('GET', `/tokens/find/${address}?${AT}`);
      assert.equal(body.symbol, address);
    }
  });

  it('@security no symbol but the code is taken, and none in another script', async () => {
    for (const symbol of ['USDC', 'XLM', 'DOLLAR', 'ЕURC', 'EURC\u200b', 'EURC ', '']) {
      assert.equal((await rig.call('POST', '/tokens', tokenOf(EURC, symbol))).status, 400, symbol);
    }
    // Cyrillic, full width, and an issuer whose checksum is wrong.
    for (const address of [`USDС:${OTHER}`, `ＵSDC:${OTHER}`, `EURC:${OTHER.slice(0, -1)}A`, 'EURC']) {
      assert.equal((await rig.call('POST', '/tokens', tokenOf(address, 'EURC'))).status, 400, address);
    }
    const odd = { chainNetwork: 'stellar-testnet', token: { ...tokenOf(EURC).token, decimals: 6 } };
    assert.match((await rig.call('POST', '/tokens', odd)).body.message, /token.decimals: must be 7/);
    assert.deepEqual(await symbols(), ['XLM', 'USDC']);
  });

  it('tokens of listed markets can be neither saved again nor removed', async () => {
    assert.match((await rig.call('POST', '/tokens', tokenOf(USDC))).body.message, /already exists/);
    for (const address of [USDC, 'native', 'XLM']) {
      const { status, body } = await rig.call('DELETE', `/tokens/${address}?${AT}`, {});
      assert.deepEqual([status, /spec.markets/.test(body.message)], [400, true]);
    }
  });

  it('@security a list takes so many and no more', async () => {
    rig.state.transact(() => {
      for (let n = 0; n < MAX_SAVED; n++) rig.context.tokenList.save(`T${n}:${OTHER}`);
    });
    const { status, body } = await rig.call('POST', '/tokens', tokenOf(EURC));
    assert.deepEqual([status, body.code], [400, 'INVALID_PARAMS']);
    assert.match(body.message, /500 tokens are saved/);
  });

  const entry = (a: string, b: string) => {
    const { id, assets } = poolIdentity(a, b);
    return { id, assets, reserves: [1n, 1n] as const, totalShares: 1n, feeBps: 30 };
  };
  const clmm = {
    ...{ connector: 'sdex', type: 'clmm', network: 'testnet', baseSymbol: 'XLM', quoteSymbol: 'USDC' },
    ...{ baseTokenAddress: 'native', quoteTokenAddress: USDC, feePct: '0' },
    address: marketAddress({ base: 'native', quote: USDC }),
  };

  it('each listed market is a pool of the order book, and of its liquidity pool where there is one', async () => {
    assert.deepEqual((await rig.call('GET', `/pools?${AT}`)).body, [clmm]);
    const own = entry('native', USDC);
    rig.pools = [own];
    const amm = { ...clmm, connector: 'stellar-amm', type: 'amm', feePct: '0.3', address: own.id };
    assert.deepEqual((await rig.call('GET', `/pools?${AT}`)).body, [clmm, amm]);
    assert.deepEqual((await rig.call('GET', `/pools/XLM-USDC?${AT}&type=clmm`)).body, clmm);
    assert.deepEqual((await rig.call('GET', `/pools/USDC-XLM?${AT}&type=amm`)).body, amm);
    assert.deepEqual((await rig.call('GET', `/pools?${AT}&connector=sdex`)).body, [clmm]);
    assert.deepEqual((await rig.call('GET', `/pools?${AT}&type=amm&search=xlm-us`)).body, [amm]);
    assert.deepEqual((await rig.call('GET', `/pools?${AT}&search=nothing`)).body, []);
    assert.deepEqual((await rig.call('GET', `/pools/find/${own.id}?${AT}`)).body, amm);
    for (const [path, status] of [
      [`/pools/XLM-USDC?${AT}`, 400],
      [`/pools/XLM-USDC?${AT}&type=amm&connector=sdex`, 400],
      [`/pools/XLMUSDC?${AT}&type=amm`, 400],
      [`/pools/XLM-BTC?${AT}&type=amm`, 400],
      [`/pools/XLM-${EURC}?${AT}&type=clmm`, 404],
      [`/pools?chainNetwork=stellar-mainnet`, 400],
      [`/pools/find/${'0'.repeat(64)}?${AT}`, 404],
    ] as const) {
      assert.equal((await rig.call('GET', path)).status, status, path);
    }
  });

  it('a pool of the ledger is saved with the tokens that it needs, kept, found by pair and removed', async () => {
    const own = entry(EURC, USDC);
    rig.pools = [own];
    const pair = `/pools/${EURC}-USDC?${AT}&type=amm`;
    assert.equal((await rig.call('GET', pair)).status, 404);
    const found = await rig.call('GET', `/pools/find?${AT}&tokenA=USDC&tokenB=${EURC}`);
    assert.equal(found.body[0].address, own.id);
    const saved = await rig.call('POST', `/pools/save/${own.id}?${AT}`, {});
    assert.deepEqual(saved.body.tokensAdded, ['EURC']);
    assert.equal(
      saved.body.message,
      `Pool ${saved.body.pool.baseSymbol}-${saved.body.pool.quoteSymbol} has been added to the pool list for stellar/testnet`,
    );
    rig.restart();
    assert.equal((await rig.call('GET', `/pools/EURC-USDC?${AT}&type=amm`)).body.address, own.id);
    assert.match((await rig.call('POST', `/pools/save/${own.id}?${AT}`, {})).body.message, /already exists/);
    assert.deepEqual((await rig.call('DELETE', `/pools/${own.id}?${AT}`, {})).body, {
      message: `Pool ${own.id} has been removed from the pool list for stellar/testnet`,
    });
    rig.restart();
    assert.equal((await rig.call('GET', pair)).status, 404);
  });

  it('POST /pools takes what the ledger has, as it is, and nothing that only says so', async () => {
    const own = entry(EURC, USDC);
    rig.pools = [own];
    const body = {
      ...{ chainNetwork: 'stellar-testnet', connector: 'stellar-amm', type: 'amm', address: own.id },
      ...{ baseTokenAddress: EURC, quoteTokenAddress: USDC, baseSymbol: 'EURC', feePct: 0.3 },
    };
    const refused: [number, object][] = [
      [404, { address: '0'.repeat(64) }],
      [400, { baseTokenAddress: 'native' }],
      [400, { type: 'clmm' }],
      [400, { connector: 'sdex', type: 'clmm' }],
      [400, { connector: 'raydium' }],
    ];
    for (const [status, fields] of refused) {
      assert.equal((await rig.call('POST', '/pools', { ...body, ...fields })).status, status);
    }
    assert.match((await rig.call('POST', '/pools', body)).body.message, /has been added/);
    assert.match((await rig.call('POST', '/pools', body)).body.message, /already exists/);
  });

  it('pools of listed markets cannot be removed', async () => {
    for (const address of [clmm.address, poolIdentity('native', USDC).id]) {
      const { status, body } = await rig.call('DELETE', `/pools/${address}?${AT}`, {});
      assert.deepEqual([status, /spec.markets/.test(body.message)], [400, true]);
    }
  });

  it('a ledger that cannot be asked is told, not shown as a list without pools', async () => {
    rig.ledger = new Error('broken');
    assert.equal((await rig.call('GET', `/pools?${AT}`)).status, 500);
    assert.equal((await rig.call('GET', `/pools?${AT}&type=clmm`)).status, 200);
  });

  it('a name that a client gives is not kept', async () => {
    const body = tokenOf(EURC);
    body.token.name = createKey().account;
    await rig.call('POST', '/tokens', body);
    assert.ok(!(await rig.call('GET', `/tokens?${AT}`)).text.includes(body.token.name));
  });
});
