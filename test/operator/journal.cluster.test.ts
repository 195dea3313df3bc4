import assert from 'node:assert/strict';
import type { SigningPolicy } from '../../operator/api/v1alpha1.gen.ts';
import { networkIdOf } from '../../operator/desired/network.ts';
import { CONFIGMAPS, CONNECTORS, PODS, POLICIES } from '../../operator/kinds.ts';
import { JOURNAL_ID } from '../../operator/pods.ts';
import type { SignerReport } from '../../operator/signer.ts';
import { aConnector, accounts, aPolicy } from './builders.ts';
import { isGone, NAME, runSigner, type Scene, sceneIn } from './scene.ts';
import { createWorld, type RunningOperator, until, type World } from './world.ts';

const network = networkIdOf(aConnector().build().spec);
const CHECKPOINT_MS = 600_000;

describe("operator: the signer's journal @security", function () {
  this.timeout(60_000);
  let world: World;
  let scene: Scene;
  let operator: RunningOperator;
  /** What the signer of each connector says, by the connector's name. */
  let says: Record<string, SignerReport['journal']>;
  let time: number;

  beforeEach(async () => {
    world = await createWorld('journal');
    scene = sceneIn(world);
    says = {};
    time = Date.now();
    operator = await world.start({
      now: () => new Date(time),
      askSigner: async ({ metadata }) => {
        const journal = says[metadata.name];
        return journal && { policies: [], keystore: {}, journal };
      },
    });
  });
  afterEach(() => world.close());

  const ref = (name: string) => ({ namespace: world.namespace, name });
  const policy = (name = 'slc-policy'): Promise<SigningPolicy> =>
    world.client.get(POLICIES, ref(name), world.signal);
  const records = async (name?: string) => (await policy(name)).status?.journals ?? [];
  const record = async () => (await scene.connector()).status?.journal;
  const handedBack = async (name = NAME): Promise<unknown> => {
    const { data = {} } = await world.client.get(CONFIGMAPS, ref(`${name}-journal`), world.signal);
    return JSON.parse(data['journal.json'] ?? '');
  };
  const enqueue = (): void => operator.enqueue(scene.key);

  /** The pod's signer runs, and says this of its journal. */
  async function started(journal: SignerReport['journal'], name = NAME): Promise<void> {
    says[name] = journal;
    await until('the pod is there', () => world.client.get(PODS, ref(`${name}-0`), world.signal));
    await runSigner(world, name);
  }

  async function firstStart(): Promise<void> {
    await scene.settled(operator);
    assert.deepEqual(await handedBack(), {});
    await started({ id: 'a', checkpoint: 0, standing: 'unconfirmed' });
    await until('the id is handed back', async () => 'id' in ((await handedBack()) as object));
  }

  it('is recorded at once in policy and connector, and only then handed back, with a touch of the pod', async () => {
    await firstStart();
    const entry = { id: 'a', checkpoint: 0 };
    assert.deepEqual(await handedBack(), entry);
    assert.deepEqual(await record(), entry);
    assert.deepEqual(await records(), [{ account: accounts.trader, network, ...entry }]);
    await until('the pod is touched', async () => {
      const { metadata } = await world.client.get(PODS, ref(`${NAME}-0`), world.signal);
      return metadata.annotations?.[JOURNAL_ID] === 'a';
    });
    const writes = operator.writes();
    const last = (part: string): number => writes.findLastIndex((call) => call.includes(part));
    const order = ['/signingpolicies/slc-policy/status', '/configmaps/slc-journal', '/pods/slc-0'].map(last);
    assert.deepEqual(
      order,
      [...order].sort((a, b) => a - b),
    );
    const status = writes.findIndex((call, at) => at > order[0]! && call.includes(`/${NAME}/status`));
    assert.ok(order[0]! < status && status < order[1]!, writes.join('\n'));
  });

  it('is never replaced by another until that is ready, which is said for good', async () => {
    await firstStart();
    says[NAME] = { id: 'b', checkpoint: 0, standing: 'waiting' };
    enqueue();
    const reason = async () => (await scene.condition('SignerReady'))?.reason;
    await until('the loss is told', async () => (await reason()) === 'JournalLost');
    says[NAME].standing = 'full';
    enqueue();
    await until('it may delete offers', async () =>
      (await scene.condition('SignerReady'))?.message.includes('offers can be deleted'),
    );
    assert.equal((await record())?.id, 'a');
    assert.equal((await records())[0]?.id, 'a');
    assert.deepEqual(await handedBack(), { id: 'a', checkpoint: 0 });
    says[NAME].standing = 'ready';
    enqueue();
    await until(
      'the new one is handed back',
      async () => ((await handedBack()) as { id: string }).id === 'b',
    );
    assert.deepEqual(await record(), { id: 'b', checkpoint: 0, former: 'a' });
    assert.deepEqual(await records(), [
      { account: accounts.trader, network, id: 'b', checkpoint: 0, former: 'a' },
    ]);
  });

  it('is expected of a new connector too, from before its pod is made', async () => {
    await firstStart();
    await world.client.delete(CONNECTORS, ref(NAME), world.signal);
    await until('the connector is gone', () => isGone(scene.connector()));
    const children = operator.cache.children('ConfigMap');
    await until('its files are gone', async () => {
      // Nobody but the garbage collector would take them.
      for (const { metadata } of children.inNamespace(world.namespace))
        if (metadata.ownerReferences !== undefined)
          await world.client.delete(CONFIGMAPS, ref(metadata.name), world.signal).catch(() => {});
      return children.inNamespace(world.namespace).length === 0;
    });
    delete says[NAME];
    const from = operator.calls.length;
    await scene.createConnector(aConnector().named('again'));
    await until('the StatefulSet is there', () => scene.child('StatefulSet', 'again'));
    assert.deepEqual(await handedBack('again'), { id: 'a', checkpoint: 0 });
    const applied = operator.writes(from).filter((call) => call.includes('/configmaps/again-journal'));
    assert.equal(applied.length, 1, 'handed back in the first version');
  });

  it('is recorded in policies that come later, and one account leaves the record of another alone', async () => {
    await firstStart();
    const both = aPolicy()
      .named('both')
      .with({ accounts: [accounts.trader, accounts.other] });
    await world.client.create(POLICIES, both.inNamespace(world.namespace).manifest(), world.signal);
    await until('it is recorded', async () => (await records('both')).length === 1);
    const other = aConnector().named('other').with({ account: accounts.other });
    await world.client.create(CONNECTORS, other.inNamespace(world.namespace).manifest(), world.signal);
    await started({ id: 'o', standing: 'unconfirmed' }, 'other');
    await until('both are recorded', async () => (await records('both')).length === 2);
    says[NAME] = { id: 'a', checkpoint: 3, standing: 'ready' };
    time += CHECKPOINT_MS;
    enqueue();
    await until('the checkpoint is recorded', async () => (await record())?.checkpoint === 3);
    assert.deepEqual(await records('both'), [
      { account: accounts.trader, network, id: 'a', checkpoint: 3 },
      { account: accounts.other, network, id: 'o' },
    ]);
  });

  it('has a newer checkpoint recorded after ten minutes, not before', async () => {
    await firstStart();
    says[NAME] = { id: 'a', checkpoint: 1, standing: 'ready' };
    time += CHECKPOINT_MS - 1;
    let asked = operator.calls.length;
    enqueue();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const early = operator.writes(asked).filter((call) => call.includes('/signingpolicies/'));
    assert.deepEqual(early, []);
    time += 1;
    asked = operator.calls.length;
    enqueue();
    await until(
      'it is handed back',
      async () => ((await handedBack()) as { checkpoint: number }).checkpoint === 1,
    );
    const { metadata } = await world.client.get(PODS, ref(`${NAME}-0`), world.signal);
    assert.equal(metadata.annotations?.[JOURNAL_ID], 'a');
    assert.deepEqual(
      operator.writes(asked).filter((call) => call.includes('/pods/')),
      [],
    );
  });
});
