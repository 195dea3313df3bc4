import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { type CertificateSet, isDue, LIFE_MS, mint } from '../../../operator/certs/mint.ts';

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

describe('certificates', () => {
  const now = new Date();
  let set: CertificateSet;
  let root: X509Certificate;
  before(async () => {
    set = await mint('slc', 'trading', now);
    root = new X509Certificate(set.root);
  });

  const data = (name: string): Readonly<Record<string, string>> =>
    set.secrets.find((one) => one.name === name)!.data;
  const server = () => data('slc-server-tls');
  const client = () => data('slc-client-tls');
  const leaves = () => [
    server()['tls.crt']!,
    client()['client_cert.pem']!,
    data('slc-signer-tls')['tls.crt']!,
  ];

  it('are three leaves under one root, each with its key, none of them an authority', () => {
    assert.ok(root.ca);
    const keys = [server()['tls.key']!, client()['client_key.pem']!, data('slc-signer-tls')['tls.key']!];
    for (const [at, pem] of leaves().entries()) {
      const leaf = new X509Certificate(pem);
      assert.ok(leaf.verify(root.publicKey));
      assert.ok(leaf.checkIssued(root), 'authority key identifier and names fit');
      assert.ok(leaf.checkPrivateKey(createPrivateKey(keys[at]!)));
      assert.equal(leaf.ca, false);
    }
    assert.equal(client()['ca_cert.pem'], set.root);
  });

  it('serve one use each @security', () => {
    assert.deepEqual(
      leaves().map((pem) => new X509Certificate(pem).keyUsage),
      [[SERVER_AUTH], [CLIENT_AUTH], [SERVER_AUTH]],
    );
  });

  it('give the gateway every name of its Service, and the signer none of them @security', () => {
    const names = (pem: string): string => new X509Certificate(pem).subjectAltName ?? '';
    assert.equal(
      names(server()['tls.crt']!),
      'DNS:slc.trading.svc, DNS:slc.trading.svc.cluster.local, DNS:slc.trading, DNS:slc, DNS:localhost, DNS:gateway',
    );
    assert.match(names(data('slc-signer-tls')['tls.crt']!), /^DNS:slc-signer\.trading\.svc, /);
    assert.doesNotMatch(names(data('slc-signer-tls')['tls.crt']!), /DNS:slc[.,]|localhost|gateway/);
  });

  it('hold together in a TLS 1.3 handshake with client certificate, and only with one of this set @security', async () => {
    const other = await mint('slc', 'trading', now);
    const handshake = (with_: CertificateSet): Promise<boolean> =>
      new Promise((resolve) => {
        const options = { cert: server()['tls.crt']!, key: server()['tls.key']!, ca: set.root };
        const gateway = createServer({
          ...options,
          requestCert: true,
          rejectUnauthorized: true,
          minVersion: 'TLSv1.3',
        });
        const end = (ok: boolean): void => {
          gateway.close();
          bot.destroy();
          resolve(ok);
        };
        let bot: TLSSocket;
        gateway.once('secureConnection', () => end(true)).once('tlsClientError', () => end(false));
        gateway.listen(0, '127.0.0.1', () => {
          const { port } = gateway.address() as { port: number };
          const own = with_.secrets.find((one) => one.name === 'slc-client-tls')!.data;
          const identity = {
            cert: own['client_cert.pem']!,
            key: own['client_key.pem']!,
            ca: client()['ca_cert.pem']!,
          };
          bot = connect({ host: '127.0.0.1', port, servername: 'slc.trading.svc', ...identity }).on(
            'error',
            () => {},
          );
        });
      });
    assert.equal(await handshake(set), true);
    assert.equal(await handshake(other), false);
  });

  it('are due when a third of their life is left', () => {
    assert.equal(set.notAfter.getTime(), root.validToDate.getTime());
    const at = (ms: number): Date => new Date(now.getTime() + ms);
    assert.equal(isDue(set.notAfter, at((LIFE_MS * 2) / 3 - 60_000)), false);
    assert.equal(isDue(set.notAfter, at((LIFE_MS * 2) / 3 + 60_000)), true);
  });

  it('can be made for the longest names that Kubernetes takes', async () => {
    const long = await mint('s'.repeat(52), 'n'.repeat(63), now);
    assert.equal(long.secrets.length, 3);
  });
});
