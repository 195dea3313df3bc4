import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'node:tls';
import { renewHealth, startHealth } from '../../common/health.ts';
import { close } from '../../common/http.ts';
import { createRegistry } from '../../common/metrics.ts';
import { readTlsFiles, startTlsFiles, watchTlsFiles } from '../../common/tls-files.ts';
import { type Pem, selfSigned } from '../certificates.ts';

/** The PEM that a server on `port` shows. */
function shown(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()!.toString().trim());
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

describe('certificate files of a running server @security', () => {
  let dir: string;
  let first: Pem;
  let second: Pem;
  const stop = new AbortController();
  const paths = () => ({ cert: join(dir, 'tls.crt'), key: join(dir, 'tls.key') });
  const replace = (path: string, text: string): void => {
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  };
  const write = ({ cert, key }: Partial<Pem>): void => {
    if (cert !== undefined) replace(paths().cert, cert);
    if (key !== undefined) replace(paths().key, key);
  };

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'tls-'));
    [first, second] = await Promise.all([selfSigned('localhost'), selfSigned('localhost')]);
  });
  after(() => {
    stop.abort();
    rmSync(dir, { recursive: true });
  });

  it('come into force without a restart, but only when they fit together', async () => {
    write(first);
    const files = await readTlsFiles(paths());
    const server = await startHealth(
      { address: { host: '127.0.0.1', port: 0 }, ...files },
      { ready: async () => undefined, status: () => ({}), registry: createRegistry() },
    );
    const { port } = server.address() as AddressInfo;
    const failures: string[] = [];
    let renewals = 0;
    const watching = watchTlsFiles(
      paths(),
      files,
      { intervalMs: 5, signal: stop.signal },
      {
        renew(next) {
          renewHealth(server, next);
          renewals++;
        },
        failed: (reason) => failures.push(reason),
      },
    );
    try {
      assert.equal(await shown(port), first.cert);
      write({ cert: second.cert });
      while (failures.length === 0) await delay(2);
      assert.equal(await shown(port), first.cert);
      rmSync(paths().key);
      while (failures.length === 1) await delay(2);
      write({ key: second.key });
      while (renewals === 0) await delay(2);
      assert.equal(await shown(port), second.cert);
      await delay(20);
      assert.equal(renewals, 1);
      assert.match(failures[0]!, /key values mismatch/);
      assert.match(failures[1]!, /ENOENT/);
      assert.equal(failures.length, 2);
    } finally {
      stop.abort();
      await Promise.all([watching, close(server, 0)]);
    }
  });

  it('may be missing at the start: the file is named once, and they come into force when they are all there', async () => {
    const missing = { cert: join(dir, 'late.crt'), key: join(dir, 'late.key') };
    const server = await startHealth(
      { address: { host: '127.0.0.1', port: 0 } },
      { ready: async () => undefined, status: () => ({}), registry: createRegistry() },
    );
    const { port } = server.address() as AddressInfo;
    const failures: string[] = [];
    const ending = new AbortController();
    const { ended } = await startTlsFiles(
      missing,
      { intervalMs: 5, signal: ending.signal },
      {
        renew: (next) => renewHealth(server, next),
        failed: (reason) => failures.push(reason),
      },
    );
    try {
      assert.equal(failures.length, 1, 'after the first look');
      assert.ok(failures[0]!.includes(missing.cert) || failures[0]!.includes(missing.key));
      await assert.rejects(shown(port));
      replace(missing.cert, second.cert);
      while (!failures.at(-1)!.includes(missing.key)) await delay(2);
      replace(missing.key, first.key);
      while (!failures.at(-1)!.includes('mismatch')) await delay(2);
      replace(missing.key, second.key);
      while ((await shown(port).catch(() => undefined)) !== second.cert) await delay(2);
    } finally {
      ending.abort();
      await ended;
      await close(server, 0);
    }
  });

  it('that are there at the start are in force when the start is over', async () => {
    write(first);
    const ending = new AbortController();
    let renewals = 0;
    const { ended } = await startTlsFiles(
      paths(),
      { intervalMs: 60_000, signal: ending.signal },
      { renew: () => renewals++, failed: assert.fail },
    );
    ending.abort();
    await ended;
    assert.equal(renewals, 1);
  });
});
