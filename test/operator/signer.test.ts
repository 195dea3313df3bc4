import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { startHealth } from '../../common/health.ts';
import { close } from '../../common/http.ts';
import { createRegistry } from '../../common/metrics.ts';
import { type CertificateSet, mint } from '../../operator/certs/mint.ts';
import { policyConfigMap } from '../../operator/desired/configmaps.ts';
import type { ConfigMap, Pod } from '../../operator/kinds.ts';
import { createAskSigner, mountedPolicies, setHash } from '../../operator/signer.ts';
import { aConnector, aPolicy } from './builders.ts';

const connector = aConnector().build();
const pod = { metadata: { name: 'slc-0' }, status: { podIP: '127.0.0.1' } } as Pod;
const told = { policies: [{ name: 'p', hash: 'a'.repeat(64) }], keystore: {}, journal: {} };

describe('what a signer says of itself', () => {
  let set: CertificateSet;
  let server: Server | undefined;
  before(async () => {
    set = await mint('slc', 'trading', new Date());
  });
  afterEach(async () => {
    if (server !== undefined) await close(server, 0);
    server = undefined;
  });

  /** Serves `status` as the signer of `by` would, and asks it. */
  async function ask(status: unknown, by = set, root = set.root) {
    const { data } = by.secrets.find(({ name }) => name === 'slc-signer-tls')!;
    const address = { host: '127.0.0.1', port: 0 };
    const modules = { ready: async () => {}, status: () => status, registry: createRegistry() };
    server = await startHealth({ address, cert: data['tls.crt']!, key: data['tls.key']! }, modules);
    const { port } = server.address() as AddressInfo;
    return createAskSigner(port)(connector, pod, root, AbortSignal.timeout(10_000));
  }

  it('is read over TLS', async () => {
    assert.deepEqual(await ask({ ...told, journal: { fault: 'disk full', head: 1 } }), {
      ...told,
      journal: { fault: 'disk full' },
    });
  });

  it('may tell of the journal', async () => {
    const journal = { id: 'a1b2', checkpoint: 7, standing: 'ready' as const, expected: { id: 'a1b2' } };
    assert.deepEqual(await ask({ ...told, journal: { ...journal, head: { n: 9, hash: 'x' } } }), {
      ...told,
      journal,
    });
  });

  it('counts only from a signer of our own set of certificates @security', async () => {
    assert.equal(await ask(told, await mint('slc', 'trading', new Date())), undefined);
  });

  it('counts only from the signer of this connector @security', async () => {
    const { root, secrets } = await mint('other', 'trading', new Date());
    const data = secrets.find(({ name }) => name === 'other-signer-tls')!.data;
    const other = { ...set, secrets: [{ name: 'slc-signer-tls', type: 'Opaque' as const, data }] };
    assert.equal(await ask(told, other, root), undefined);
  });

  it('does not count when it is not what a signer says, or too much of it', async () => {
    for (const status of [
      {},
      { ...told, policies: 'all' },
      { ...told, journal: { id: 'not an id' } },
      { ...told, journal: { id: 'a', checkpoint: -1 } },
      { ...told, journal: { standing: 'fine' } },
      { ...told, policies: [{ name: 'p', hash: 'x' }] },
    ]) {
      assert.equal(await ask(status), undefined);
      await close(server!, 0);
    }
    assert.equal(await ask({ ...told, more: 'x'.repeat(300_000) }), undefined);
  });

  it('is nothing when nobody answers', async () => {
    assert.equal(await createAskSigner(9)(connector, pod, set.root, AbortSignal.timeout(10_000)), undefined);
  });

  it('is compared by the hashes of the files that are mounted, whatever their order', () => {
    const policies = ['b', 'a'].map((name) => aPolicy().named(name).build());
    const map = policyConfigMap(connector, policies) as ConfigMap;
    const mounted = mountedPolicies(map);
    const hash = (file: string): string => createHash('sha256').update(map.data![file]!).digest('hex');
    assert.deepEqual(mounted, [
      { name: 'a', hash: hash('a.yaml') },
      { name: 'b', hash: hash('b.yaml') },
    ]);
    assert.equal(setHash([...mounted].reverse()), setHash(mounted));
    assert.notEqual(setHash(mounted.slice(1)), setHash(mounted));
  });
});
