import assert from 'node:assert/strict';
import type { SigningPolicy, StellarConnector } from '../../../operator/api/v1alpha1.gen.ts';
import { recordedJournal } from '../../../operator/desired/journal.ts';
import { networkIdOf } from '../../../operator/desired/network.ts';
import { aConnector, accounts, aPolicy } from '../builders.ts';
import { children, env, mounts } from './family.ts';

const connector = (journal?: { id: string }, change = aConnector()): StellarConnector => ({
  ...change.build(),
  ...(journal === undefined ? {} : { status: { journal } }),
});
const network = networkIdOf(connector().spec);

function policy(name: string, entry: { id: string; account?: string; network?: string }): SigningPolicy {
  const journals = [{ account: accounts.trader, network, ...entry }];
  return { ...aPolicy().named(name).build(), status: { journals } };
}

describe('the recorded journal @security', () => {
  it("is the connector's own, else that of a policy, so that a new connector does not begin with empty windows", () => {
    const policies = [aPolicy().build(), policy('a', { id: 'of-policy' }), policy('b', { id: 'later' })];
    assert.equal(recordedJournal(connector(), []), undefined);
    assert.equal(recordedJournal(connector(), [aPolicy().build()]), undefined);
    assert.deepEqual(recordedJournal(connector(), policies), { id: 'of-policy' });
    assert.deepEqual(recordedJournal(connector({ id: 'own' }), policies), { id: 'own' });
  });

  it('is of the account and the network alone', () => {
    const others = [
      policy('a', { id: 'x', account: accounts.other }),
      policy('b', { id: 'y', network: 'z' }),
    ];
    assert.equal(recordedJournal(connector(), others), undefined);
  });

  it('is found whatever the connector calls the network', () => {
    const called = (name: string, networkPassphrase?: string) =>
      connector(undefined, aConnector().with({ network: name, networkPassphrase }));
    const entry = { id: 'x', network: networkIdOf(called('public').spec) };
    const renamed = called('mine', 'Public Global Stellar Network ; September 2015');
    assert.deepEqual(recordedJournal(renamed, [policy('a', entry)]), { id: 'x' });
  });

  it('is handed to the signer alone, as a file that must be there', () => {
    const read = (of: StellarConnector) => children(of).data('slc-journal')['journal.json'];
    assert.equal(read(connector()), '{}\n');
    assert.equal(read(connector({ id: 'own' })), '{"id":"own","checkpoint":0}\n');
    const status = { journal: { id: 'own', checkpoint: 7, former: 'f' } };
    const { pod, signer, connector: container, data } = children({ ...connector(), status });
    assert.equal(data('slc-journal')['journal.json'], '{"id":"own","checkpoint":7}\n');
    assert.ok(!('journal.json' in data('slc-policy')));
    assert.equal(env(signer).STELLAR_JOURNAL_EXPECTED_FILE, '/etc/stellar-signer/journal/journal.json');
    assert.equal(signer.volumeMounts?.find(({ name }) => name === 'journal-expected')?.readOnly, true);
    assert.ok(!mounts(container).includes('journal-expected'));
    const volume = pod.volumes?.find(({ name }) => name === 'journal-expected');
    assert.deepEqual(volume?.configMap, { name: 'slc-journal' });
  });
});
