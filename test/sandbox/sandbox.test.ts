import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect } from 'node:tls';
import { Asset, Horizon, NotFoundError, TransactionBuilder } from '@stellar/stellar-sdk';
import { Agent, getGlobalDispatcher, setGlobalDispatcher } from 'undici';
import { type Sandbox, type SandboxInfo, type SandboxOptions, startSandbox } from './sandbox.ts';
import { loadScenario } from './scenario.ts';
import { book, PASSPHRASE, scenario, strictReceive, strictSend, trader, usdc, xlm } from './testing.ts';

const MARKET = join(import.meta.dirname, 'scenarios/market.yaml');

describe('the sandbox as a process', function () {
  this.timeout(30_000);
  let dir: string;
  let sandbox: Sandbox | undefined;
  const dispatcher = getGlobalDispatcher();
  const reported: unknown[] = [];

  const start = async (change: Partial<SandboxOptions> = {}): Promise<Sandbox> => {
    sandbox = await startSandbox({
      scenario: scenario(book),
      stateDir: dir,
      listen: { host: '127.0.0.1', port: 0 },
      host: 'localhost',
      closeMs: 25,
      retain: 50,
      submitTimeoutMs: 3000,
      clock: Date.now,
      report: (error) => reported.push(error),
      ...change,
    });
    return sandbox;
  };

  /** The SDK as it is; it reaches the network through the runtime's own fetch. */
  const sdk = async ({ url, caFile }: SandboxInfo): Promise<Horizon.Server> => {
    setGlobalDispatcher(new Agent({ connect: { ca: await readFile(caFile), lookup: loopback } }));
    return new Horizon.Server(url);
  };
  const loopback = ((_host: string, options: { all?: boolean }, done: (...parameters: unknown[]) => void) =>
    options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4)) as never;

  const trade = async (server: Horizon.Server, operation: ReturnType<typeof strictSend>) => {
    const transaction = new TransactionBuilder(await server.loadAccount(trader.publicKey()), {
      fee: '100',
      networkPassphrase: PASSPHRASE,
    })
      .addOperation(operation)
      .setTimeout(60)
      .build();
    transaction.sign(trader);
    return transaction;
  };

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'sandbox-'));
  });

  afterEach(async () => {
    setGlobalDispatcher(dispatcher);
    await sandbox?.stop();
    sandbox = undefined;
    await rm(dir, { recursive: true });
    assert.deepEqual(reported.splice(0), []);
  });

  it('trades with the unmodified SDK: path, swap, look-up, ledger', async () => {
    const { info } = await start();
    const server = await sdk(info);
    const [path] = (await server.strictSendPaths(xlm, '150', [usdc]).call()).records;
    assert.equal(path?.destination_amount, '16.0000000');
    const answer = await server.submitTransaction(
      await trade(server, strictSend({ sendAmount: '150', destMin: '16' })),
    );
    assert.equal(answer.successful, true);
    const found = await server.transactions().transaction(answer.hash).call();
    assert.equal(found.ledger_attr, answer.ledger);
    const account = await server.loadAccount(trader.publicKey());
    assert.deepEqual(
      account.balances.map(({ balance }) => balance),
      ['1016.0000000', '9849.9999900'],
    );
    const [latest] = (await server.ledgers().order('desc').limit(1).call()).records;
    assert.ok(latest!.sequence >= answer.ledger);
    assert.equal((await server.orderbook(usdc, xlm).call()).asks[0]?.amount, '95.0000000');
    assert.equal((await server.feeStats()).max_fee.mode, '100');
  });

  it('tells the SDK what failed', async () => {
    const { info } = await start();
    const server = await sdk(info);
    const dear = await trade(server, strictReceive({ sendMax: '0.0000001' }));
    await assert.rejects(
      server.submitTransaction(dear),
      (error: { response: { data?: unknown } & object }) => {
        const text = JSON.stringify(error.response);
        return text.includes('op_over_source_max');
      },
    );
    await assert.rejects(server.transactions().transaction('0'.repeat(64)).call(), NotFoundError);
  });

  it('while paused, closes ledgers only when the admin interface asks for it', async () => {
    const { info, network } = await start();
    const admin = async (method: string, path: string): Promise<Record<string, unknown>> => {
      const answer = await fetch(info.admin + path, { method });
      assert.equal(answer.status, 200);
      return (await answer.json()) as Record<string, unknown>;
    };
    const { ledger, paused } = await admin('POST', '/pause');
    assert.equal(paused, true);
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(network.latest.sequence, ledger);
    assert.equal((await admin('POST', '/close')).ledger, (ledger as number) + 1);
    await admin('POST', '/resume');
    await new Promise<void>((resolve) => network.onClose(resolve));
    assert.ok(network.latest.sequence > (ledger as number) + 1);
    const { networkPassphrase } = await admin('GET', '/state');
    assert.equal(networkPassphrase, PASSPHRASE);
  });

  it('keeps no more ledgers and transactions than it is told to', async () => {
    const { info, network } = await start({ retain: 3 });
    const server = await sdk(info);
    const { hash } = await server.submitTransaction(await trade(server, strictSend()));
    for (let i = 0; i < 10; i += 1) network.close();
    assert.equal(network.ledgers.length, 3);
    assert.equal(network.transaction(hash), undefined);
    assert.equal((await fetch(`${info.url}/ledgers/1`)).status, 410);
  });

  it('has several endpoints, each with a key of its own', async () => {
    const { info } = await start({ host: 'horizon.example.test' });
    assert.deepEqual(
      info.endpoints.map(({ name, kind, url }) => [name, kind, new URL(url).hostname]),
      [
        ['horizon', 'horizon', 'horizon.example.test'],
        ['rpc', 'rpc', 'rpc.example.test'],
        ['horizon-2', 'horizon', 'horizon-2.example.test'],
      ],
    );
    assert.equal(new Set(info.endpoints.map(({ spkiPins: [leaf] }) => leaf)).size, 3);
    assert.deepEqual(info.endpoints[0]?.spkiPins, info.spkiPins);
    await sdk(info);
    const network = { jsonrpc: '2.0', id: 1, method: 'getNetwork' };
    const headers = { 'Content-Type': 'application/json' };
    const answer = await fetch(info.endpoints[1]!.url, {
      method: 'POST',
      headers,
      body: JSON.stringify(network),
    });
    assert.match(await answer.text(), new RegExp(PASSPHRASE));
  });

  it('goes on from a snapshot, with the same ledgers', async () => {
    const first = await start({ closeMs: 20_000 });
    const server = await sdk(first.info);
    const { hash } = await trade(server, strictSend()).then((transaction) =>
      server.submitAsyncTransaction(transaction),
    );
    const text = await (await fetch(`${first.info.admin}/snapshot`)).text();
    const closed = first.network.close();
    await sandbox?.stop();
    const second = await start({ closeMs: 20_000, restore: text, clock: () => closed.closeTime * 1000 });
    assert.equal(second.network.close().hash, closed.hash);
    assert.equal((await (await sdk(second.info)).transactions().transaction(hash).call()).successful, true);
  });

  it('begins with the faults of its scenario, if it has their endpoints', async () => {
    const faults = [{ endpoint: 'horizon-2', fault: { kind: 'pause' as const } }];
    assert.equal((await start({ scenario: { ...scenario(book), faults } })).network.paused, true);
    await sandbox?.stop();
    sandbox = undefined;
    const unknown = { ...scenario(book), faults: [{ ...faults[0]!, endpoint: 'horizon-9' }] };
    await assert.rejects(start({ scenario: unknown }), /horizon-9/);
  });

  const handshake = (info: SandboxInfo, ca: Buffer, options: ConnectionOptions = {}): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(
        { host: info.address, port: info.port, servername: 'localhost', ca, ...options },
        () => {
          resolve(socket.getProtocol() ?? '');
          socket.destroy();
        },
      );
      socket.on('error', reject);
    });

  it('@security speaks TLS 1.3 and nothing older, under its own authority only', async () => {
    const { info } = await start();
    const ca = await readFile(info.caFile);
    assert.equal(await handshake(info, ca), 'TLSv1.3');
    await assert.rejects(handshake(info, ca, { maxVersion: 'TLSv1.2' }), { code: /PROTOCOL_VERSION/ });
    await assert.rejects(handshake(info, ca, { servername: 'other.test' }), {
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
  });

  it('keeps its certificates, so that pins outlive a restart, unless the name changes', async () => {
    const first = (await start()).info;
    await sandbox?.stop();
    const second = (await start()).info;
    assert.deepEqual(second.spkiPins, first.spkiPins);
    await sandbox?.stop();
    const third = (await start({ host: 'another.test' })).info;
    assert.notDeepEqual(third.spkiPins, first.spkiPins);
    assert.deepEqual(JSON.parse(await readFile(join(dir, 'sandbox.json'), 'utf8')), third);
  });

  it('runs from the command line with the default market and ends cleanly on SIGTERM', async () => {
    const main = join(import.meta.dirname, 'main.ts');
    const args = [main, '--state-dir', dir, '--account', trader.publicKey(), '--close-ms', '50'];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const info = JSON.parse(await readFile(join(dir, 'sandbox.json'), 'utf8')) as SandboxInfo;
    const pins = info.endpoints.map(({ name, url, spkiPins }) => `${name} ${url} ${spkiPins.join(' ')}`);
    assert.equal(line.toString(), `${[`sandbox ready ${info.url}`, ...pins].join('\n')}\n`);
    const server = await sdk(info);
    const { accounts } = await loadScenario(MARKET, trader.publicKey());
    const { bids, asks } = await server.orderbook(xlm, new Asset('USDC', accounts[0]!.address)).call();
    assert.deepEqual(
      [bids.length, bids[0]?.price, asks.length, asks[0]?.price],
      [5, '0.1198000', 5, '0.1202000'],
    );
    child.kill('SIGTERM');
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  });
});
