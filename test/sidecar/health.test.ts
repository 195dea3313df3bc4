import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'node:tls';
import { inspect } from 'node:util';
import { close } from '../../common/http.ts';
import { createRegistry } from '../../common/metrics.ts';
import { healthModules, type SignerState, startHealthWhenPossible } from '../../sidecar/health.ts';
import type { PolicySet } from '../../sidecar/policy/load.ts';
import { selfSigned } from '../certificates.ts';

describe('health port of the signer', () => {
  it('probes a key that was refused, so that it is ready again without anybody else asking', async () => {
    let fault: string | undefined = 'the token refused: CKR_KEY_FUNCTION_NOT_PERMITTED';
    let isUsable = false;
    const { ready, status } = healthModules({
      account: 'G',
      networkPassphrase: 'test',
      keystore: { fault: () => fault },
      journal: {
        fault: () => undefined,
        standing: () => ({ state: 'ready' }),
        expected: () => undefined,
        head: () => ({ n: 0, hash: '' }),
        checkpoint: () => 0,
        freeShare: () => 1,
      } as unknown as SignerState['journal'],
      policies: () => ({ policies: [], fault: undefined }) as unknown as PolicySet,
      probe: async () => {
        if (!isUsable) throw new Error(fault);
        fault = undefined;
      },
      registry: createRegistry(),
    });
    const { signal } = new AbortController();
    const told = () => (status() as { keystore: { fault?: string } }).keystore.fault;
    await assert.rejects(async () => ready(signal), /CKR_KEY_FUNCTION_NOT_PERMITTED/);
    assert.match(told()!, /CKR_KEY_FUNCTION_NOT_PERMITTED/);
    isUsable = true;
    await ready(signal);
    assert.equal(told(), undefined);
  });

  it('opens when its files come and nobody else can read the key, and shows the new certificate after a rotation', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'health-'));
    const [certFile, keyFile] = [join(dir, 'tls.crt'), join(dir, 'tls.key')];
    const stop = new AbortController();
    const complaints: object[] = [];
    const opening = startHealthWhenPossible(
      { address: { host: '127.0.0.1', port: 0 }, certFile, keyFile },
      { ready: async () => undefined, status: () => ({}), registry: createRegistry() },
      {
        retryMs: 5,
        renewMs: 5,
        signal: stop.signal,
        log: { info: () => undefined, error: (line: object) => complaints.push(line) },
      },
    );
    while (complaints.length === 0) await delay(2);
    const write = async (mode = 0o600): Promise<string> => {
      const { cert, key } = await selfSigned('localhost');
      writeFileSync(keyFile, key);
      chmodSync(keyFile, mode);
      writeFileSync(certFile, cert);
      return cert;
    };
    const complainsOf = async (text: string): Promise<void> => {
      while (!inspect(complaints.at(-1)).includes(text)) await delay(2);
    };
    await write(0o644);
    await complainsOf('is open to everybody');
    const first = await write();
    const server = (await opening)!;
    const { port } = server.address() as AddressInfo;
    const shown = (): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
          resolve(socket.getPeerX509Certificate()!.toString().trim());
          socket.destroy();
        });
        socket.once('error', reject);
      });
    try {
      assert.equal(await shown(), first);
      const second = await write();
      while ((await shown()) === first) await delay(2);
      assert.equal(await shown(), second);
      complaints.length = 0;
      await write(0o644);
      await complainsOf('is open to everybody');
      assert.equal(await shown(), second);
    } finally {
      stop.abort();
      await close(server, 0);
      rmSync(dir, { recursive: true });
    }
  });
});
