import assert from 'node:assert/strict';
import { CONNECTORS } from '../../operator/kinds.ts';
import { aConnector } from './builders.ts';
import { calm, isGone, type Scene, sceneIn } from './scene.ts';
import { createWorld, until, type World } from './world.ts';

describe('operator: two StellarConnectors on one account and network', function () {
  this.timeout(60_000);
  let [older, younger]: World[] = [];
  let first: Scene;
  let second: Scene;

  beforeEach(async () => {
    older = await createWorld('older');
    younger = await createWorld('younger');
    first = sceneIn(older);
    second = sceneIn(younger);
    // Ages count in whole seconds, and uids would decide within one.
    await first.createPolicy();
    await first.createConnector();
    await new Promise((resolve) => setTimeout(resolve, 1_100));
  });
  afterEach(() => Promise.all([older!.close(), younger!.close()]));

  const both = () => [older!.namespace, younger!.namespace];

  it('lets the older go on, stops the younger and names the other, until that is gone @security', async () => {
    const operator = await older!.start({ namespaces: both() });
    await second.createPolicy();
    await second.createConnector();
    const stalled = await until('the younger is Stalled', () => second.condition('Stalled'));
    assert.equal(stalled.reason, 'AccountInUse');
    assert.match(stalled.message, new RegExp(`^StellarConnector ${older!.namespace}/slc has account G`));
    await until('the older goes on', () => first.child('StatefulSet', 'slc'));
    await calm(operator);
    assert.equal(await first.condition('Stalled'), undefined);
    assert.ok(await isGone(second.child('StatefulSet', 'slc')), 'two pods on one account');

    await older!.client.delete(CONNECTORS, { namespace: older!.namespace, name: 'slc' }, older!.signal);
    await until('the younger goes on', () => second.child('StatefulSet', 'slc'), 30_000);
    assert.ok(await isGone(first.connector()), 'the older is still there');
    await until('no longer Stalled', async () => (await second.condition('Stalled')) === undefined);
  });

  it('takes the policies from the younger one’s signer, where it ran already @security', async () => {
    const alone = await younger!.start();
    await second.settled(alone);
    await alone.stop();
    await older!.start({ namespaces: both() });
    await until('Stalled', async () => (await second.condition('Stalled'))?.reason === 'AccountInUse');
    await until('no policy is mounted', async () => {
      const { data } = await second.child('ConfigMap', 'slc-policy');
      return Object.keys((data as object | undefined) ?? {}).length === 0;
    });
  });

  it('lets connectors on other accounts and networks be', async () => {
    const elsewhere = aConnector().with({ network: 'testnet', networkPassphrase: undefined });
    await older!.start({ namespaces: both() });
    await second.createPolicy();
    await second.createConnector(elsewhere);
    await until('it goes on', () => second.child('StatefulSet', 'slc'));
    assert.equal(await second.condition('Stalled'), undefined);
  });
});
