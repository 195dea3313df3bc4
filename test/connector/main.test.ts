import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createPublicKey, verify } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { StrKey } from '@stellar/stellar-sdk/base';
import { stringify } from 'yaml';
import { createAuthority, type Pem, type TestAuthority } from '../certificates.ts';
import type { SandboxInfo } from '../sandbox/sandbox.ts';
import { type RunningSigner, startSigner } from '../sidecar/signer.ts';
import { createToken, type Token } from '../sidecar/token.ts';
import { decodeEnvelope, hashOf } from './software-signer.ts';
import { fetchJson, type Reply, USDC } from './world.ts';

const PASSPHRASE = 'Stellar Sandbox Network ; 2026';
const path = (name: string): string => new URL(`../../${name}`, import.meta.url).pathname;

/** A program of this project in a process of its own, and the line of its output that says it is ready. */
async function start(
  args: string[],
  env: Record<string, string>,
  ready: RegExp,
): Promise<[ChildProcess, string]> {
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface(child.stdout)) {
    if (ready.test(line)) {
      child.stdout.resume();
      return [child, line];
    }
  }
  throw new Error(`${args[0]} ended with ${child.exitCode}`);
}

const stop = async (child: ChildProcess): Promise<number | null> => {
  if (child.exitCode !== null) return child.exitCode;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  return (await ended)[0] as number | null;
};

describe('connector/main: three processes, one key in a token', function () {
  this.timeout(60_000);
  const folder = mkdtempSync(join(tmpdir(), 'stack-'));
  const at = (name: string): string => join(folder, name);
  let [token, signer, sandbox, connector] = [] as unknown as [
    Token,
    RunningSigner,
    ChildProcess,
    ChildProcess,
  ];
  let [authority, client, port] = [] as unknown as [TestAuthority, Pem, number];
  let info: SandboxInfo;
  let env: Record<string, string>;

  const startConnector = async (): Promise<void> => {
    const [child, line] = await start([path('connector/main.ts')], env, /"serving"/);
    connector = child;
    port = (JSON.parse(line) as { gateway: { port: number } }).gateway.port;
  };
  const admin = async (method: string, route: string): Promise<{ pending: number }> =>
    (await fetch(`${info.admin}${route}`, { method })).json() as Promise<{ pending: number }>;
  /** A swap asked of a network that stands still, once core has it in its queue. */
  const swapInQueue = async (): Promise<{ answer: Promise<Reply | Error> }> => {
    await admin('POST', '/pause');
    const answer = swap(5).catch((error: Error) => error);
    while ((await admin('GET', '/state')).pending === 0) await delay(20);
    return { answer };
  };

  const call = (method: string, route: string, body?: object): Promise<Reply> =>
    fetchJson(
      {
        ...{ method, path: route, host: 'localhost', port, ca: authority.cert },
        ...client,
        headers: { 'content-type': 'application/json' },
      },
      body === undefined ? '' : JSON.stringify(body),
    );
  const swap = (amount: number): Promise<Reply> =>
    call('POST', '/trading/router/execute-swap', {
      ...{ chainNetwork: 'stellar-sandbox', connector: 'sdex', walletAddress: token.account },
      ...{ baseToken: 'XLM', quoteToken: 'USDC', amount, side: 'SELL' },
    });

  before(async () => {
    token = createToken(at('token'));
    authority = await createAuthority();
    client = await authority.issue({ names: ['hummingbot'], usage: 'client' });
    const server = await authority.issue({ names: ['localhost'], usage: 'server' });
    const policy = {
      ...{
        apiVersion: 'stellar-connector.io/v1alpha1',
        kind: 'SigningPolicy',
        metadata: { name: 'trading' },
      },
      spec: {
        accounts: [token.account],
        swaps: [
          {
            pair: ['XLM', USDC],
            price: { min: '0.08', max: '0.20' },
            maxAmount: { XLM: '1000000000', [USDC]: '100000000' },
          },
        ],
      },
    };
    const sandboxArgs = ['--state-dir', at('sandbox'), '--account', token.account, '--close-ms', '200'];
    [[sandbox], signer] = await Promise.all([
      start([path('test/sandbox/main.ts'), ...sandboxArgs], {}, /^sandbox ready/),
      startSigner({
        ...{ dir: folder, token, policies: { 'trading.yaml': stringify(policy) } },
        env: { STELLAR_NETWORK_PASSPHRASE: PASSPHRASE },
      }),
    ]);
    info = JSON.parse(readFileSync(at('sandbox/sandbox.json'), 'utf8')) as SandboxInfo;
    writeFileSync(at('tls.crt'), server.cert);
    writeFileSync(at('tls.key'), server.key);
    writeFileSync(at('ca_cert.pem'), authority.cert);
    writeFileSync(at('addresses.json'), JSON.stringify({ hosts: { [info.host]: [info.address] } }));
    writeFileSync(
      at('connector.yaml'),
      stringify({
        ...{ network: 'sandbox', networkPassphrase: PASSPHRASE, account: token.account },
        horizon: { endpoints: [{ url: info.url, spkiPins: info.spkiPins, caFile: info.caFile }] },
        markets: [{ base: 'XLM', quote: USDC }],
      }),
    );
    env = {
      STELLAR_CONFIG_FILE: at('connector.yaml'),
      STELLAR_ADDRESSES_FILE: at('addresses.json'),
      STELLAR_SIGNER_SOCKET: signer.socket,
      STELLAR_GATEWAY_ADDRESS: '127.0.0.1:0',
      STELLAR_HEALTH_ADDRESS: '127.0.0.1:0',
      STELLAR_TLS_CERT_FILE: at('tls.crt'),
      STELLAR_TLS_KEY_FILE: at('tls.key'),
      STELLAR_TLS_CLIENT_CA_FILE: at('ca_cert.pem'),
      STELLAR_STATE_DIR: at('state'),
    };
    await startConnector();
  });
  after(async () => {
    await Promise.all([connector, sandbox].map((child) => child && stop(child)));
    await signer?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('a swap comes back with the hash of a transaction whose one signature was made in the token', async () => {
    const { status, body } = await swap(10);
    assert.equal(status, 200, body.message);
    assert.equal(body.data.amountOut, '1.1980000');
    const held = await fetchJson({
      ...{
        host: info.address,
        port: info.port,
        servername: info.host,
        path: `/transactions/${body.signature}`,
      },
      ...{ ca: readFileSync(info.caFile, 'utf8'), headers: { host: info.host } },
    });
    const { tx, signatures } = decodeEnvelope(held.body.envelope_xdr).v1;
    const hash = hashOf(tx, PASSPHRASE);
    assert.equal(hash.toString('hex'), body.signature);
    const spki = Buffer.concat([
      Buffer.from('302a300506032b6570032100', 'hex'),
      StrKey.decodeEd25519PublicKey(token.account),
    ]);
    const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
    assert.ok(verify(null, hash, key, signatures[0]!.signature.toBytes()));
    assert.equal(signatures.length, 1);
  });

  it('what the policy does not allow comes back with the signer’s reason', async () => {
    const { status, body } = await swap(200);
    assert.deepEqual([status, body.code], [403, 'SIGNER_REFUSED']);
    assert.match(body.message, /amount-too-large/);
  });

  it('SIGKILL in mid-swap: the next process finds out what became of it, and trades on', async () => {
    await swapInQueue();
    const ended = once(connector, 'exit');
    connector.kill('SIGKILL');
    await ended;
    const db = new DatabaseSync(at('state/connector.db'), { readOnly: true });
    const newest = db.prepare('SELECT hash FROM transactions ORDER BY rowid DESC LIMIT 1').get();
    db.close();
    await startConnector();
    await admin('POST', '/resume');
    const { status, body } = await swap(1);
    assert.equal(status, 200, body.message);
    const poll = await call('POST', '/chains/stellar/poll', { signature: newest?.hash });
    assert.equal(poll.body.txStatus, 1);
    assert.notEqual(newest?.hash, body.signature);
  });

  it('SIGTERM in mid-swap: the swap is answered first, then the process ends', async () => {
    const { answer } = await swapInQueue();
    const ended = once(connector, 'exit');
    connector.kill('SIGTERM');
    await delay(50);
    await admin('POST', '/resume');
    const reply = await answer;
    assert.ok(!(reply instanceof Error), String(reply));
    assert.equal(reply.status, 200, reply.body.message);
    assert.deepEqual(await ended, [0, null]);
  });
});
