import assert from 'node:assert/strict';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Agent, request } from 'undici';
import { startHealth } from '../../common/health.ts';
import { close } from '../../common/http.ts';
import { createRegistry } from '../../common/metrics.ts';
import { selfSigned } from '../certificates.ts';

describe('startHealth', () => {
  let server: Server;
  let ready: () => Promise<void>;
  const registry = createRegistry();
  const agent = new Agent({ connect: { rejectUnauthorized: false } });
  const get = async (path: string): Promise<{ status: number; body: string }> => {
    const { port } = server.address() as AddressInfo;
    const answer = await request(`https://127.0.0.1:${port}${path}`, { dispatcher: agent });
    return { status: answer.statusCode, body: await answer.body.text() };
  };

  before(async () => {
    const { cert, key } = await selfSigned('localhost');
    server = await startHealth(
      { address: { host: '127.0.0.1', port: 0 }, cert, key },
      { ready: () => ready(), status: () => ({ head: 7 }), registry },
    );
  });
  after(async () => {
    await agent.close();
    await close(server, 100);
  });

  it('answers healthz whatever the readiness', async () => {
    ready = () => Promise.reject(new Error('no token'));
    assert.deepEqual(await get('/healthz'), { status: 200, body: 'ok\n' });
  });

  it('says why it is not ready', async () => {
    ready = () => Promise.reject(new Error('no token'));
    assert.deepEqual(await get('/readyz'), { status: 503, body: 'no token\n' });
    ready = () => Promise.resolve();
    assert.equal((await get('/readyz')).status, 200);
  });

  it('shows status and metrics', async () => {
    assert.deepEqual(JSON.parse((await get('/status')).body), { head: 7 });
    assert.match((await get('/metrics')).body, /process_cpu_user_seconds_total/);
  });

  it('@security refuses TLS 1.2', async () => {
    const old = new Agent({ connect: { rejectUnauthorized: false, maxVersion: 'TLSv1.2' } });
    const { port } = server.address() as AddressInfo;
    await assert.rejects(request(`https://127.0.0.1:${port}/healthz`, { dispatcher: old }), {
      code: /SSL|ECONNRESET/,
    });
    await old.close();
  });
});
