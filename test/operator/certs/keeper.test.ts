import assert from 'node:assert/strict';
import { createKeeper, type Holding } from '../../../operator/certs/keeper.ts';
import type { Secret } from '../../../operator/kinds.ts';
import type { KubeClient } from '../../../operator/kube/client.ts';
import { KubeError } from '../../../operator/kube/errors.ts';
import { manualClock } from '../kube/clocks.ts';

const { signal } = new AbortController();
const OWNER = { uid: 'uid', namespace: 'ns', name: 'slc', metadata: {} };
const NOTHING: Holding = { certificates: [], root: undefined };

/** The Secrets of one namespace, as far as the operator may touch them. */
function secretStore() {
  const there = new Map<string, Secret>();
  let uids = 0;
  let failing: string | undefined;
  const refuse = (status: number): never => {
    throw new KubeError('api', `${status}`, { status });
  };
  const client = {
    async create(_of: unknown, secret: Secret, _signal: unknown, options?: { dryRun: boolean }) {
      const { name } = secret.metadata;
      if (name === failing) refuse(500);
      if (there.has(name)) refuse(409);
      const made = { ...secret, metadata: { ...secret.metadata, uid: `u${++uids}` } };
      if (options?.dryRun !== true) there.set(name, made);
      return made;
    },
    async update(_of: unknown, secret: Secret) {
      const { name, uid } = secret.metadata;
      if (name === failing) refuse(500);
      if (!there.has(name)) refuse(404);
      if (there.get(name)!.metadata.uid !== uid) refuse(409);
      there.set(name, secret);
      return secret;
    },
  } as unknown as KubeClient;
  return { client, there, fail: (name: string | undefined) => (failing = name) };
}

describe('certificate keeper', () => {
  function start(live = NOTHING, world = secretStore()) {
    const clock = manualClock();
    const keeper = createKeeper({ client: world.client, clock, now: () => new Date() });
    const persisted: Holding['certificates'][] = [];
    const ensure = (podReady = true) =>
      keeper.ensure(OWNER, live, podReady, async (made) => void persisted.push(made), signal);
    return { ...world, world, clock, ensure, persisted };
  }
  const rootIn = ({ there }: { there: Map<string, Secret> }): string =>
    Buffer.from(there.get('slc-client-tls')!.data!['ca_cert.pem']!, 'base64').toString();

  it('stores the uids of what it made before it answers, and keeps the set', async () => {
    const all = start();
    const first = await all.ensure();
    assert.deepEqual(all.persisted.at(-1), first.certificates);
    assert.deepEqual(await all.ensure(), first);
    assert.equal(all.persisted.length, 1);
  });

  it('believes itself rather than a status that lags behind', async () => {
    const all = start();
    const first = await all.ensure();
    assert.equal(
      (await all.ensure()).root,
      first.root,
      'the status that it is given still says that there is nothing',
    );
  });

  it('stores the uids also of a set that it could not finish, and finishes it with one root', async () => {
    const all = start();
    all.fail('slc-signer-tls');
    await assert.rejects(all.ensure(), { status: 500 });
    assert.deepEqual(
      all.persisted.at(-1)?.map(({ secretName }) => secretName),
      ['slc-server-tls', 'slc-client-tls'],
    );
    all.fail(undefined);
    const { root, certificates } = await all.ensure();
    assert.equal(certificates.length, 3);
    assert.equal(rootIn(all), root);
  });

  it('makes all anew after a crash in the middle of a replacement', async () => {
    const first = start();
    const { certificates, root } = await first.ensure();
    const due = certificates.map((one) => ({
      ...one,
      notAfter: new Date(Date.now() + 86_400_000).toISOString(),
    }));
    // The process that replaced the set died after its first Secret: the status has its announcement, the root is old.
    const announced = due.map((one) => ({
      ...one,
      notAfter: new Date(Date.now() + 400 * 86_400_000).toISOString(),
    }));
    const next = start({ certificates: announced, root }, first.world);
    const after = await next.ensure();
    assert.notEqual(after.root, root);
    assert.equal(rootIn(next), after.root);
  });

  it('looks for deleted Secrets every 10 minutes, every minute while the pod is not ready', async () => {
    for (const [podReady, ms] of [
      [true, 600_000],
      [false, 60_000],
    ] as const) {
      const all = start();
      const first = await all.ensure();
      all.there.delete('slc-server-tls');
      all.clock.advance(ms - 1);
      assert.equal((await all.ensure(podReady)).root, first.root);
      all.clock.advance(1);
      const { root, certificates } = await all.ensure(podReady);
      assert.notEqual(root, first.root);
      const uid = certificates.find(({ secretName }) => secretName === 'slc-server-tls')!.uid;
      assert.equal(all.there.get('slc-server-tls')!.metadata.uid, uid);
      assert.equal(rootIn(all), root);
    }
  });

  it('refuses a Secret that it did not make @security', async () => {
    const all = start();
    all.there.set('slc-client-tls', { metadata: { name: 'slc-client-tls', uid: 'foreign' } } as Secret);
    await assert.rejects(all.ensure(), { code: 'SecretNameTaken' });
    assert.equal(all.there.get('slc-client-tls')!.data, undefined);
  });
});
