import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:tls';
import { useWorld } from './testing.ts';

describe('faults of certificates', function () {
  this.timeout(30_000);
  const world = useWorld();

  for (const [how, code] of [
    ['expired', /CERT_HAS_EXPIRED/],
    ['self_signed', /DEPTH_ZERO_SELF_SIGNED_CERT/],
    ['wrong_host', /ERR_TLS_CERT_ALTNAME_INVALID/],
    ['tls12', /ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/],
  ] as const) {
    it(`@security a certificate that a client must not take: ${how}`, async () => {
      const ca = await readFile(world.sandbox.info.caFile);
      const handshake = (): Promise<void> =>
        new Promise((resolve, reject) => {
          const { port } = world.sandbox.info;
          const options = {
            host: '127.0.0.1',
            servername: 'localhost',
            port,
            ca,
            minVersion: 'TLSv1.3',
          } as const;
          const socket = connect(options, () => {
            socket.destroy();
            resolve();
          });
          socket.once('error', reject);
        });
      await world.server().feeStats();
      world.fault({ kind: 'certificate', how });
      await assert.rejects(handshake(), { code });
      if (how !== 'tls12') await assert.rejects(world.server().feeStats());
      world.sandbox.faults.remove();
      await handshake();
    });
  }

  it('@security another key under the same name, also for who had a connection', async () => {
    const { info } = world.sandbox;
    const ca = await readFile(info.caFile);
    let session: Buffer | undefined;
    /** As a client that would rather resume its last session than look at a certificate. */
    const fingerprint = (): Promise<string | undefined> =>
      new Promise((resolve, reject) => {
        const options = { host: '127.0.0.1', servername: 'localhost', port: info.port, ca };
        const socket = connect({ ...options, ...(session && { session }) });
        socket.once('secureConnect', () =>
          socket.write('GET /fee_stats HTTP/1.1\r\nHost: localhost\r\n\r\n'),
        );
        socket.on('session', (ticket) => {
          session = ticket;
        });
        socket.once('data', () => {
          resolve(socket.isSessionReused() ? undefined : socket.getPeerX509Certificate()?.fingerprint256);
          socket.destroy();
        });
        socket.once('error', reject);
      });
    const right = await fingerprint();
    assert.equal(await fingerprint(), undefined);
    world.fault({ kind: 'certificate', how: 'changed_key' });
    assert.notEqual(await fingerprint(), undefined);
    session = undefined;
    assert.notEqual(await fingerprint(), right);
    await world.server().feeStats();
    world.sandbox.faults.remove();
    session = undefined;
    assert.equal(await fingerprint(), right);
  });
});
