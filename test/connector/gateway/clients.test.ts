import 'reflect-metadata';
import assert from 'node:assert/strict';
import { webcrypto, X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import {
  fingerprintOf,
  identify,
  isIssuedBy,
  namesOf,
  readBundle,
} from '../../../connector/gateway/clients.ts';
import { createAuthority } from '../../certificates.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** A certificate with these alternative names, signed by itself. */
async function certificate(names: x509.JsonGeneralNames): Promise<X509Certificate> {
  const keys = (await webcrypto.subtle.generateKey(ALGORITHM, true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair;
  const cert = await x509.X509CertificateGenerator.createSelfSigned({
    ...{ name: 'CN=hummingbot', keys, signingAlgorithm: ALGORITHM },
    extensions: names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)],
  });
  return new X509Certificate(cert.toString('pem'));
}

describe('connector/gateway: who a client certificate is', () => {
  const spiffe = 'spiffe://cluster.local/ns/bots/sa/maker';

  it('DNS and URI names count, in their order; the common name, mail and addresses do not', async () => {
    const one = await certificate([
      { type: 'email', value: 'a@b.example' },
      { type: 'url', value: spiffe },
      { type: 'ip', value: '127.0.0.1' },
      { type: 'dns', value: 'bot-1' },
    ]);
    assert.deepEqual(namesOf(one), [spiffe, 'bot-1']);
    assert.deepEqual(namesOf(await certificate([])), []);
  });

  it('@security a name with a comma, a quote or a prefix in it is no other name', async () => {
    for (const value of ['x, DNS:bot-1', 'x", DNS:bot-1', 'x\\", DNS:bot-1', 'DNS:bot-1']) {
      for (const type of ['url', 'email', 'dns'] as const) {
        const names = namesOf(await certificate([{ type, value }]));
        assert.ok(!names.includes('bot-1'), `${type} ${value}: ${names}`);
      }
    }
  });

  it('the list counts exactly: a name, or the fingerprint; an empty one takes all', async () => {
    const one = await certificate([
      { type: 'dns', value: 'bot-1' },
      { type: 'url', value: spiffe },
    ]);
    const fingerprint = fingerprintOf(one);
    assert.match(fingerprint, /^sha256\/[0-9a-f]{64}$/);
    assert.equal(identify(one, []), 'bot-1');
    assert.equal(identify(await certificate([]), [])?.slice(0, 7), 'sha256/');
    assert.equal(identify(one, ['another', spiffe]), spiffe);
    assert.equal(identify(one, [fingerprint]), fingerprint);
    for (const entry of ['bot', 'bot-11', 'BOT-1', '*', 'hummingbot', 'sha256/00', spiffe.slice(0, -1)]) {
      assert.equal(identify(one, [entry]), undefined, entry);
    }
  });

  it('@security an authority of the same name did not sign it', async () => {
    const [ours, theirs] = await Promise.all([createAuthority('clients'), createAuthority('clients')]);
    const leaf = new X509Certificate((await theirs.issue({ names: ['bot-1'], usage: 'client' })).cert);
    assert.equal(isIssuedBy(leaf, readBundle(Buffer.from(ours.cert))), false);
    assert.equal(isIssuedBy(leaf, readBundle(Buffer.from(`${ours.cert}\n# x\n${theirs.cert}`))), true);
    assert.deepEqual(readBundle(Buffer.from('nothing')), []);
  });

  it('@security nor did one of the same name where the certificate names no key', async () => {
    const make = () =>
      webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']) as Promise<webcrypto.CryptoKeyPair>;
    const [ours, theirs, own] = await Promise.all([make(), make(), make()]);
    const shared = { signingAlgorithm: ALGORITHM, extensions: [] };
    const authority = async (keys: webcrypto.CryptoKeyPair) =>
      new X509Certificate(
        (
          await x509.X509CertificateGenerator.createSelfSigned({ ...shared, name: 'CN=clients', keys })
        ).toString('pem'),
      );
    const leaf = new X509Certificate(
      (
        await x509.X509CertificateGenerator.create({
          ...{ ...shared, subject: 'CN=bot-1', issuer: 'CN=clients', publicKey: own.publicKey },
          signingKey: theirs.privateKey,
        })
      ).toString('pem'),
    );
    assert.equal(isIssuedBy(leaf, [await authority(ours)]), false);
    assert.equal(isIssuedBy(leaf, [await authority(theirs)]), true);
  });
});
