import assert from 'node:assert/strict';
import type { Pod, StatefulSet } from '../../operator/kinds.ts';
import type { SignerReport } from '../../operator/signer.ts';
import { deletingStatus, lookAgainMs, type Observed, statusOf } from '../../operator/status.ts';
import { aConnector, accounts } from './builders.ts';

const now = new Date('2026-01-01T00:00:00Z');

const mounted = [{ name: 'p', hash: 'a'.repeat(64) }];

function report(change: Partial<SignerReport> = {}): SignerReport {
  return { policies: mounted, keystore: {}, journal: {}, ...change };
}

const journalReport = (standing: 'unconfirmed' | 'full') => report({ journal: { id: 'mine', standing } });

/** What a healthy connector shows, changed by the case. */
function observed(change: Partial<Observed> = {}): Observed {
  const connector = aConnector().withUid('uid').build();
  connector.metadata.generation = 3;
  return {
    connector,
    mounted,
    report: report(),
    statefulSet: statefulSet({ replicas: 1, readyReplicas: 1, updatedReplicas: 1 }),
    pods: [pod({ ready: true })],
    egressHeld: true,
    certificates: [],
    ...change,
  };
}

function statefulSet(status: Omit<NonNullable<StatefulSet['status']>, 'observedGeneration'>): StatefulSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'slc', generation: 2 },
    spec: { selector: { matchLabels: { a: 'b', c: 'd' } } },
    status: { observedGeneration: 2, ...status },
  };
}

function pod(signer: object, rest: object = {}): Pod {
  const status = { initContainerStatuses: [{ name: 'signer', image: 'signer:1', ...signer }], ...rest };
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'slc-0' }, status } as Pod;
}

const unready = statefulSet({ replicas: 1, readyReplicas: 0, updatedReplicas: 1 });
const waiting = (reason: string, message = '', lastState = {}) => ({
  statefulSet: unready,
  report: undefined,
  pods: [pod({ ready: false, state: { waiting: { reason, message } }, lastState })],
});

/** What the conditions must say, by what was seen: `type=status reason`, joined. */
const CASES: Record<string, { seen: Partial<Observed>; conditions: string; message?: RegExp }> = {
  'all is well': {
    seen: {},
    conditions:
      'Ready=True Ready, SignerReady=True Signed, PolicyInForce=True Loaded, EgressPinned=True Pinned',
  },
  'nothing was made yet': {
    seen: { statefulSet: undefined, pods: [], report: undefined, egressHeld: false },
    conditions:
      'Ready=False Progressing, Reconciling=True Progressing, SignerReady=Unknown NoPod, PolicyInForce=Unknown SignerNotReady, EgressPinned=False NotApplied',
  },
  'a problem of the spec while an old pod still runs': {
    seen: { stalled: { reason: 'NoMatchingPolicy', message: 'create one' } },
    conditions:
      'Ready=False NoMatchingPolicy, Stalled=True NoMatchingPolicy, SignerReady=True Signed, PolicyInForce=False NoMatchingPolicy, EgressPinned=True Pinned',
    message: /create one/,
  },
  'the NetworkPolicy is not ours to see yet, though the pod is ready': {
    seen: { egressHeld: false },
    conditions:
      'Ready=False EgressNotPinned, Reconciling=True EgressNotPinned, SignerReady=True Signed, PolicyInForce=True Loaded, EgressPinned=False NotApplied',
  },
  'a new template is not rolled out yet': {
    seen: { statefulSet: statefulSet({ replicas: 1, readyReplicas: 1, updatedReplicas: 0 }) },
    conditions:
      'Ready=False PodNotReady, Reconciling=True PodNotReady, SignerReady=True Signed, PolicyInForce=True Loaded, EgressPinned=True Pinned',
  },
  'the image cannot be pulled': {
    seen: waiting('ImagePullBackOff', 'Back-off pulling image, 40s'),
    conditions:
      'Ready=False PodNotReady, Reconciling=True PodNotReady, SignerReady=False NotRunning, PolicyInForce=Unknown SignerNotReady, EgressPinned=True Pinned',
    message: /^container signer: the image signer:1 cannot be pulled$/,
  },
  'the signer ends with a message': {
    seen: waiting('CrashLoopBackOff', 'back-off 40s', {
      terminated: { exitCode: 1, message: 'PIN refused\n' },
    }),
    conditions:
      'Ready=False PodNotReady, Reconciling=True PodNotReady, SignerReady=False NotRunning, PolicyInForce=Unknown SignerNotReady, EgressPinned=True Pinned',
    message: /^container signer ended with code 1: PIN refused$/,
  },
  'the signer was killed and says what it lacks, now that it runs again': {
    seen: {
      statefulSet: unready,
      pods: [
        pod({
          ready: false,
          state: { running: {} },
          lastState: { terminated: { exitCode: 137, reason: 'Error' } },
        }),
      ],
      report: report({ keystore: { fault: 'the PIN file is missing' } }),
    },
    conditions:
      'Ready=False PodNotReady, Reconciling=True PodNotReady, SignerReady=False NotReady, PolicyInForce=True Loaded, EgressPinned=True Pinned',
    message: /^the signer cannot sign: the PIN file is missing$/,
  },
  'the signer says what it lacks': {
    seen: {
      statefulSet: unready,
      pods: [pod({ ready: false, state: { running: {} } })],
      report: report({ keystore: { fault: 'the PIN file is missing' } }),
    },
    conditions:
      'Ready=False PodNotReady, Reconciling=True PodNotReady, SignerReady=False NotReady, PolicyInForce=True Loaded, EgressPinned=True Pinned',
    message: /^the signer cannot sign: the PIN file is missing$/,
  },
  'a policy was changed and the signer has still the former': {
    seen: { report: report({ policies: [{ name: 'p', hash: 'b'.repeat(64) }] }) },
    conditions:
      'Ready=True Ready, SignerReady=True Signed, PolicyInForce=False NotLoadedYet, EgressPinned=True Pinned',
  },
  'the signer refuses a policy': {
    seen: { report: report({ policyFault: 'p.yaml: not YAML' }) },
    conditions:
      'Ready=True Ready, SignerReady=True Signed, PolicyInForce=False Refused, EgressPinned=True Pinned',
  },
  'the signer waits until it sees its journal recorded': {
    seen: { report: journalReport('unconfirmed'), journal: { id: 'mine' } },
    conditions:
      'Ready=False JournalUnconfirmed, Reconciling=True JournalUnconfirmed, SignerReady=False JournalUnconfirmed, PolicyInForce=True Loaded, EgressPinned=True Pinned',
    message: /^the signer waits until it sees its journal recorded/,
  },
  'the journal was lost, which a ready pod does not hide': {
    seen: { report: journalReport('full'), journal: { id: 'theirs' } },
    conditions:
      'Ready=False JournalLost, Reconciling=True JournalLost, SignerReady=False JournalLost, PolicyInForce=True Loaded, EgressPinned=True Pinned',
    message: /has the journal mine, recorded is theirs: .* accept the loss with "signer journal accept-loss /,
  },
  'a ready signer could not be asked': {
    seen: { report: undefined },
    conditions:
      'Ready=True Ready, SignerReady=True Signed, PolicyInForce=Unknown SignerNotAsked, EgressPinned=True Pinned',
  },
};

describe('status', () => {
  for (const [when, { seen, conditions, message }] of Object.entries(CASES)) {
    it(`tells that ${when}`, () => {
      const { conditions: found = [] } = statusOf(observed(seen), now);
      assert.equal(
        found.map(({ type, status, reason }) => `${type}=${status} ${reason}`).join(', '),
        conditions,
      );
      if (message !== undefined) assert.match(found[0]!.message, message);
    });
  }

  it('is paused, which is no progress to wait for', () => {
    const connector = aConnector().with({ replicas: 0 }).build();
    const seen = { connector, statefulSet: statefulSet({ replicas: 0 }), pods: [] };
    const types = statusOf(observed(seen), now).conditions?.map(({ type, reason }) => `${type} ${reason}`);
    assert.deepEqual(types?.slice(0, 2), ['Ready Paused', 'SignerReady NoPod']);
  });

  it("does not change with the time, nor with the kubelet's back-off", () => {
    const first = statusOf(observed(waiting('ErrImagePull', 'rpc error 1')), now);
    const second = observed(waiting('ImagePullBackOff', 'Back-off 80s'));
    second.connector.status = first;
    assert.deepEqual(statusOf(second, new Date(now.getTime() + 60_000)), first);
  });

  it('has what scale, bots and people need', () => {
    const { replicas, selector, gateway, account, addresses, observedGeneration } = statusOf(observed(), now);
    assert.deepEqual(
      { replicas, selector, gateway, account, addresses, observedGeneration },
      {
        replicas: 1,
        selector: 'a=b,c=d',
        gateway: 'slc.trading.svc:15888',
        account: accounts.trader,
        addresses: [{ host: 'horizon.sandbox.test', ip: '203.0.113.7', phase: 'Active' }],
        observedGeneration: 3,
      },
    );
  });

  it('keeps what is recorded of the journal, and tells of a loss that was accepted for as long', () => {
    const { connector } = observed();
    connector.status = { journal: { id: 'a', checkpoint: 1 } };
    assert.deepEqual(statusOf(observed({ connector }), now).journal, { id: 'a', checkpoint: 1 });
    const journal = { id: 'b', former: 'a' };
    const { conditions, ...status } = statusOf(observed({ connector, journal }), now);
    assert.deepEqual(status.journal, journal);
    const said = conditions?.find(({ type }) => type === 'SignerReady');
    assert.equal(said?.status, 'True');
    assert.match(said.message, /its journal b is recorded in place of a, whose loss was accepted/);
  });

  it('of a deletion keeps what was known, and calls for help when it takes too long', () => {
    const { connector } = observed();
    connector.status = statusOf(observed(), now);
    const types = (tooLong: boolean) => {
      const status = deletingStatus(connector, { message: 'm', tooLong }, now);
      assert.deepEqual(status.addresses, connector.status?.addresses);
      return status.conditions?.map(({ type, reason }) => `${type} ${reason}`);
    };
    assert.deepEqual(types(false), ['Ready Deleting', 'Reconciling Deleting']);
    assert.deepEqual(types(true), ['Ready PodLingers', 'Stalled PodLingers']);
  });
});

describe('the next look', () => {
  const nextLook = (change: Partial<Observed>, asked = true): number =>
    lookAgainMs(statusOf(observed(change), now), asked);
  const starting = { statefulSet: unready, pods: [pod({ ready: false, state: { running: {} } })] };

  it('comes in seconds while a signer runs that does not answer yet, lacks something, or has another policy', () => {
    for (const change of [
      { ...starting, report: undefined },
      { ...starting, report: report({ keystore: { fault: 'no PIN' } }) },
      { report: undefined },
      { report: report({ policies: [] }) },
    ])
      assert.equal(nextLook({ journal: { id: 'j' }, ...change }), 5_000);
  });

  it('comes in a second while no journal is recorded or has not come back, which trading waits for', () => {
    assert.equal(nextLook({ ...starting, report: undefined }), 1_000);
    assert.equal(nextLook({ report: journalReport('unconfirmed'), journal: { id: 'mine' } }), 1_000);
  });

  it('takes its time where there is nobody to ask, and where all is well', () => {
    assert.equal(nextLook({ ...starting, report: undefined }, false), 60_000);
    assert.equal(nextLook({}), 600_000);
  });
});
