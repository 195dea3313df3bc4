import assert from 'node:assert/strict';
import type { StellarConnector } from '../../../operator/api/v1alpha1.gen.ts';
import { problemsOf } from '../../../operator/desired/problems.ts';
import { aConnector, accounts, aPolicy } from '../builders.ts';

const MORNING = '2026-01-01T08:00:00Z';
const NOON = '2026-01-01T12:00:00Z';
const EVENING = '2026-01-01T18:00:00Z';

/** A connector that was created at noon under the uid `m`, changed by the case. */
function connector(metadata: Partial<StellarConnector['metadata']> = {}, change = aConnector()) {
  const object = change.build();
  Object.assign(object.metadata, { uid: 'm', creationTimestamp: NOON }, metadata);
  return object;
}

const signing = (of: StellarConnector): StellarConnector => ({ ...of, status: { journal: { id: 'j' } } });
const publicly = (network: string, networkPassphrase?: string) =>
  aConnector().with({ network, networkPassphrase });
const passphrase = 'Public Global Stellar Network ; September 2015';

/** Who stops the connector `trading/slc` of noon: the name that the message gives, or nobody. */
const cases: Record<string, { others: StellarConnector[]; of?: StellarConnector; holder?: string }> = {
  'itself alone': { others: [] },
  'an older one': {
    others: [connector({ name: 'first', uid: 'z', creationTimestamp: MORNING })],
    holder: 'trading/first',
  },
  'an older one of another namespace': {
    others: [connector({ namespace: 'elsewhere', uid: 'z', creationTimestamp: MORNING })],
    holder: 'elsewhere/slc',
  },
  'an older one that is being deleted, whose pod may still sign': {
    others: [connector({ name: 'first', creationTimestamp: MORNING, deletionTimestamp: NOON })],
    holder: 'trading/first',
  },
  'an older one that is paused': {
    others: [connector({ name: 'first', creationTimestamp: MORNING }, aConnector().with({ replicas: 0 }))],
    holder: 'trading/first',
  },
  'a younger one': {
    others: [connector({ name: 'second', uid: 'a', creationTimestamp: '2026-01-01T12:00:01Z' })],
  },
  'one of the same second with a smaller uid': {
    others: [connector({ name: 'zz', uid: 'a' })],
    holder: 'trading/zz',
  },
  'one of the same second with a greater uid': { others: [connector({ name: 'aa', uid: 'z' })] },
  'two older ones, of which the oldest is named': {
    others: [
      connector({ name: 'second', uid: 'a', creationTimestamp: '2026-01-01T09:00:00Z' }),
      connector({ name: 'first', uid: 'b', creationTimestamp: MORNING }),
    ],
    holder: 'trading/first',
  },
  'a younger one whose journal is recorded': {
    others: [signing(connector({ name: 'second', uid: 'z', creationTimestamp: EVENING }))],
    holder: 'trading/second',
  },
  'an older one, when its own journal is recorded': {
    of: signing(connector()),
    others: [connector({ name: 'first', uid: 'z', creationTimestamp: MORNING })],
  },
  'an older one of another account': {
    others: [
      connector(
        { name: 'first', creationTimestamp: MORNING },
        aConnector().with({ account: accounts.other }),
      ),
    ],
  },
  'an older one on another network': {
    others: [connector({ name: 'first', creationTimestamp: MORNING }, publicly('testnet'))],
  },
  'an older one that calls the same network by another name': {
    of: connector({}, publicly('public')),
    others: [connector({ name: 'first', creationTimestamp: MORNING }, publicly('mine', passphrase))],
    holder: 'trading/first',
  },
};

describe('of two connectors on one account and network @security', () => {
  for (const [title, { others, of = connector(), holder }] of Object.entries(cases)) {
    it(`${title}: ${holder === undefined ? 'goes on' : 'is stopped'}`, () => {
      const problem = problemsOf(of, [aPolicy().build()], [of, ...others]);
      if (holder === undefined) return assert.equal(problem, undefined, problem?.message);
      assert.equal(problem?.reason, 'AccountInUse');
      assert.match(problem.message, new RegExp(`^StellarConnector ${holder} has account G\\w+ on network `));
    });
  }

  it('never both are stopped, nor none', () => {
    for (const { others, of = connector() } of Object.values(cases)) {
      const all = [of, ...others];
      for (const account of new Set(all.map(({ spec }) => spec.account))) {
        const on = all.filter(({ spec }) => spec.account === account && spec.network === of.spec.network);
        if (on.length < 2) continue;
        const going = on.filter(
          (one) => problemsOf(one, [aPolicy().build()], all)?.reason !== 'AccountInUse',
        );
        assert.equal(going.length, 1);
      }
    }
  });

  it('render, where nothing has an age yet, stops the later by name', () => {
    const [a, b] = ['a', 'b'].map((name) => aConnector().named(name).build());
    assert.equal(problemsOf(a!, [aPolicy().build()], [b!, a!]), undefined);
    assert.equal(problemsOf(b!, [aPolicy().build()], [b!, a!])?.reason, 'AccountInUse');
  });
});
