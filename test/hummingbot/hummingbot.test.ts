/** The stock client, unmodified, against a stack of its own. main.ts leaves this out while the client is not in the cache. */
import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { connect } from 'node:tls';
import type { Told } from './client.ts';
import {
  decimal,
  isReady,
  of,
  PASSWORD,
  type Rig,
  SLIPPAGE,
  startRig,
  stopStack,
  until,
  writeLeaves,
} from './rig.ts';

const CLMM = { dex_name: 'sdex', trading_type: 'clmm' };
const AMM = { dex_name: 'stellar-amm', trading_type: 'amm' };

describe('the stock Hummingbot client', function () {
  this.timeout(240_000);
  this.slow(30_000);
  let rig: Rig;
  before(async () => {
    rig = await startRig();
  });
  after(async () => {
    await rig?.client.stop();
    await stopStack();
  });

  it('starts its network and is ready', async () => {
    const { stack, client, onConnector } = rig;
    await until('ready', () => isReady(client));
    assert.equal(await onConnector('address'), stack.market.account);
    assert.equal(await onConnector('swap_provider'), 'sdex/router');
    assert.equal(await onConnector('native_currency'), 'XLM');
  });

  it('has the balances of the ledger, less what cannot be spent', async () => {
    const { stack, sandbox, onConnector } = rig;
    await onConnector('update_balances');
    const balances = await onConnector('get_all_balances');
    const { accounts } = await sandbox('GET', '/state');
    const held = accounts.find(({ address }: Told) => address === stack.market.account);
    const line = held.trustlines.find(({ asset }: Told) => asset === stack.market.quote);
    assert.equal(Number(balances.USDC), Number(line.balance));
    assert.ok(Number(balances.XLM) < Number(held.balance));
    assert.ok(Number(balances.XLM) > Number(held.balance) - 50);
  });

  it('gets quotes both ways', async () => {
    const { pair, onConnector } = rig;
    const quote = (is_buy: boolean): Promise<string> =>
      onConnector('get_quote_price', { trading_pair: pair, is_buy, amount: decimal(10) });
    const [ask, bid] = [Number(await quote(true)), Number(await quote(false))];
    assert.ok(bid > 0.1 && ask < 0.15, `${bid} and ${ask} are no prices of this market`);
  });

  it('sells, and books what the ledger moved', async () => {
    const { trade, filled } = rig;
    const { fill, swap } = await filled(await trade('sell', 10));
    assert.deepEqual([fill.trade_type, Number(fill.amount)], ['SELL', 10]);
    assert.equal(swap.source_amount, '10.0000000');
    assert.ok(Math.abs(Number(fill.price) - Number(swap.amount) / 10) < 1e-9);
  });

  it('buys, and books what the ledger moved', async () => {
    const { trade, filled } = rig;
    const { fill, swap } = await filled(await trade('buy', 10));
    assert.deepEqual([fill.trade_type, Number(fill.amount)], ['BUY', 10]);
    assert.equal(swap.amount, '10.0000000');
    assert.ok(Math.abs(Number(fill.price) - Number(swap.source_amount) / 10) < 1e-9);
  });

  it('executes a quote that is held for it, once', async () => {
    const { stack, client, onConnector, trade, filled } = rig;
    const { quoteId, minAmountOut } = await client.call('gateway', 'quote_swap', {
      ...{ chain: 'stellar', network: 'sandbox', dex: 'sdex', trading_type: 'router' },
      ...{ base_asset: stack.market.base, quote_asset: 'USDC', amount: decimal(10) },
      ...{ side: { side: 'SELL' }, slippage_pct: decimal(SLIPPAGE) },
    });
    const { swap } = await filled(await trade('sell', 10, { quote_id: quoteId }));
    assert.ok(Number(swap.amount) >= Number(minAmountOut));
    const again = await trade('sell', 10, { quote_id: quoteId });
    await client.event('OrderFailure', of(again));
    assert.match(await onConnector('order_failure_reason', { order_id: again }), /quote/i);
  });

  it('learns why an order beyond the balance fails', async () => {
    const { client, onConnector, trade } = rig;
    const id = await trade('sell', 150_000);
    await client.event('OrderFailure', of(id));
    const reason = await onConnector('order_failure_reason', { order_id: id });
    assert.match(reason, /\[code: INSUFFICIENT_BALANCE\]/);
  });

  it('deposits into a pool and withdraws', async () => {
    const { pair, client, onConnector } = rig;
    const pool = await onConnector('get_pool_address', { trading_pair: pair, ...AMM });
    assert.match(pool, /^[0-9a-f]{64}$/);
    const info = await onConnector('get_pool_info', { trading_pair: pair, ...AMM });
    const share = () =>
      onConnector('get_position_info_fresh', { trading_pair: pair, ...AMM, position_address: pool });
    const [price, base] = [Number(info.price), 100];
    // A change of liquidity is a "sale" of nothing to the client; of a withdrawal it books no fill.
    const add = await onConnector('add_liquidity', {
      ...{ trading_pair: pair, price, ...AMM, slippage_pct: SLIPPAGE },
      ...{ base_token_amount: base, quote_token_amount: base * price },
    });
    await client.event('SellOrderCompleted', of(add));
    const position = await share();
    assert.ok(position.lp_token_amount > 0);
    assert.ok(
      Math.abs(position.base_token_amount - base) < 1,
      `${position.base_token_amount} XLM in the pool`,
    );
    const part = await onConnector('remove_liquidity', { trading_pair: pair, ...AMM, percentage: 50 });
    await client.event('SellOrderCompleted', of(part));
    assert.ok(Math.abs((await share()).lp_token_amount / position.lp_token_amount - 0.5) < 0.001);
    const rest = await onConnector('remove_liquidity', { trading_pair: pair, ...AMM, percentage: 100 });
    await client.event('SellOrderCompleted', of(rest));
    assert.equal((await share())?.lp_token_amount ?? 0, 0);
  });

  it('makes a market with a ladder that a bot of the network takes from', async () => {
    const { pair, client, offers, onConnector } = rig;
    const { price } = await onConnector('get_pool_info', { trading_pair: pair, ...CLMM });
    const [amount, levels] = [4000, 5];
    const add = await onConnector('add_liquidity', {
      ...{ trading_pair: pair, price, ...CLMM, slippage_pct: SLIPPAGE },
      ...{ lower_price: price * 1.001, upper_price: price * 1.05, base_token_amount: amount },
      extra_params: { levels },
    });
    const { position_address: address, base_amount: added } = await client.event(
      'RangePositionLiquidityAdded',
      of(add),
    );
    assert.equal(Number(added), amount);
    const read = () =>
      onConnector('get_position_info_fresh', { trading_pair: pair, ...CLMM, position_address: address });
    const taken = await until('a fill', async () => {
      const position = await read();
      return position.base_token_amount < amount && position.quote_token_amount > 0 ? position : undefined;
    });
    assert.ok(taken.base_token_amount > 0, 'all of it was taken');
    const resting = await offers();
    assert.ok(resting.length > 0 && resting.length <= levels, `${resting.length} offers`);
    const owned = await onConnector('get_user_positions', CLMM);
    assert.deepEqual(
      owned.map((position: Told) => position.address),
      [address],
    );
    const close = await onConnector('remove_liquidity', {
      trading_pair: pair,
      ...CLMM,
      position_address: address,
    });
    const removed = await client.event('RangePositionLiquidityRemoved', of(close));
    assert.ok(Number(removed.base_amount) <= taken.base_token_amount);
    assert.ok(Number(removed.quote_amount) >= taken.quote_token_amount);
    assert.deepEqual(await offers(), []);
    assert.equal(await read(), null);
  });

  it('answers what the commands of the client ask: lists, wallets, settings', async () => {
    const { stack, client } = rig;
    const ask = (method: string, args: Told = {}) => client.call('gateway', method, args);
    const where = { chain: 'stellar', network: 'sandbox' };
    const { account, base, quote } = stack.market;
    assert.deepEqual(await ask('get_chains'), { chains: [{ chain: 'stellar', networks: ['sandbox'] }] });
    const { connectors } = await ask('get_connectors');
    assert.deepEqual(
      connectors.map(({ name, trading_types }: Told) => [name, trading_types]),
      [
        ['sdex', ['router', 'clmm']],
        ['stellar-amm', ['amm']],
      ],
    );
    assert.ok((await ask('get_namespaces')).namespaces.includes('stellar-sandbox'));
    const [wallet] = await ask('get_wallets');
    assert.deepEqual([wallet.walletAddresses, wallet.hardwareWalletAddresses], [[], [account]]);
    const pools = await ask('list_pools', where);
    assert.deepEqual(pools.map(({ type }: Told) => type).sort(), ['amm', 'clmm']);
    const other = `EURC:${quote.split(':')[1]}`;
    await ask('add_token_by_address', { ...where, address: other });
    const symbols = async () => (await ask('get_tokens', where)).tokens.map(({ symbol }: Told) => symbol);
    assert.deepEqual(await symbols(), [base, 'USDC', 'EURC']);
    await ask('remove_token', { ...where, address: other });
    assert.deepEqual(await symbols(), [base, 'USDC']);
    await ask('update_config', { namespace: 'sdex', path: 'slippagePct', value: 2 });
    assert.equal(Number((await ask('get_connector_config', { connector: 'sdex' })).slippagePct), 2);
    await until('ready', () => isReady(client));
  });

  it('is refused when it sends a key @security', async () => {
    const { client } = rig;
    const sent = client.call('gateway', 'add_wallet', { chain: 'stellar', private_key: 'of nobody' });
    await assert.rejects(sent, /\[code: KEYS_REFUSED\]/);
  });

  it('has its order filled once when the connector is restarted in mid-order', async () => {
    const { client, midOrder, restartConnector, oneMore } = rig;
    const { id, before } = await midOrder();
    await restartConnector('SIGTERM');
    await client.event('OrderFilled', of(id), 150_000);
    await oneMore(before);
  });

  it('sends no order twice when the connector is killed in mid-order, and trades on', async () => {
    const { client, trade, filled, midOrder, restartConnector, oneMore } = rig;
    const { id, before } = await midOrder();
    await restartConnector('SIGKILL');
    await client.event('OrderFailure', of(id));
    await oneMore(before);
    await until('ready', () => isReady(client), 120_000);
    await filled(await trade('sell', 10));
  });

  it('has its ladder back when the connector was killed', async () => {
    const { pair, client, offers, onConnector, restartConnector } = rig;
    const { price } = await onConnector('get_pool_info', { trading_pair: pair, ...CLMM });
    const add = await onConnector('add_liquidity', {
      ...{ trading_pair: pair, price, ...CLMM, base_token_amount: 100, extra_params: { levels: 3 } },
      ...{ lower_price: price * 1.04, upper_price: price * 1.08 },
    });
    const { position_address } = await client.event('RangePositionLiquidityAdded', of(add));
    const position = { trading_pair: pair, ...CLMM, position_address };
    await restartConnector('SIGKILL');
    assert.equal((await offers()).length, 3);
    const read = () => onConnector('get_position_info_fresh', position);
    assert.equal((await until('the position', () => read().catch(() => undefined))).base_token_amount, 100);
    await until('ready', () => isReady(client), 120_000);
    const close = await onConnector('remove_liquidity', position);
    const removed = await client.event('RangePositionLiquidityRemoved', of(close));
    assert.equal(Number(removed.base_amount), 100);
    assert.deepEqual(await offers(), []);
  });

  it('goes on through a rotation of the certificates, and a new client comes with the new ones @security', async () => {
    const { stack, roots, newClient, trade, filled } = rig;
    const serial = (): Promise<string> =>
      new Promise((done, fail) => {
        const { ca, cert, key, host, port } = stack.gateway;
        const socket = connect({ ca, cert: cert!, key: key!, host: '127.0.0.1', servername: host, port });
        socket.once('error', fail).once('secureConnect', () => {
          done(socket.getPeerCertificate().serialNumber);
          socket.destroy();
        });
      });
    const before = await serial();
    const own = await writeLeaves(roots[1]);
    await until('the new certificate', async () => ((await serial()) === before ? undefined : true));
    await filled(await trade('sell', 10));
    const locked = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: PASSWORD } as const;
    const key = createPrivateKey(own.key).export(locked) as string;
    const second = await newClient('second', { cert: own.cert, key });
    try {
      await until('ready', () => isReady(second));
    } finally {
      await second.stop();
    }
  });
});
