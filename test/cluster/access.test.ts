import assert from 'node:assert/strict';
import { clusterAccess, ownCluster } from './access.ts';

describe('access to a test cluster', () => {
  const both = { STELLAR_TEST_KUBECONFIG: '/k', STELLAR_TEST_CONTEXT: 'c' };

  it('is what both variables name', () => {
    assert.deepEqual(clusterAccess(both), { kubeconfig: '/k', context: 'c' });
  });

  it('@security is never what KUBECONFIG names', () => {
    assert.equal(ownCluster({ KUBECONFIG: '/production' }), false);
    assert.throws(() => clusterAccess({ KUBECONFIG: '/production' }), /No test cluster/);
  });

  for (const half of ['STELLAR_TEST_KUBECONFIG', 'STELLAR_TEST_CONTEXT'] as const) {
    it(`@security is refused when only ${half} is set`, () => {
      assert.throws(() => ownCluster({ [half]: both[half] }), /go together/);
    });
  }
});
