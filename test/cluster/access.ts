export interface ClusterAccess {
  kubeconfig: string;
  context: string;
}

/** True when a user names a cluster of their own, by file and by context; half of it is an error. */
export function ownCluster(env: NodeJS.ProcessEnv): boolean {
  const { STELLAR_TEST_KUBECONFIG: kubeconfig, STELLAR_TEST_CONTEXT: context } = env;
  if (!kubeconfig !== !context) {
    throw new Error('STELLAR_TEST_KUBECONFIG and STELLAR_TEST_CONTEXT go together: set both, or neither');
  }
  return Boolean(kubeconfig);
}

/**
 * The cluster that tests may change. Only what was named for tests counts: a KUBECONFIG that happens to be set may
 * be production.
 */
export function clusterAccess(env: NodeJS.ProcessEnv = process.env): ClusterAccess {
  if (!ownCluster(env)) {
    throw new Error(
      'No test cluster. Run this through `node test/cluster/main.ts up` and `node test/cluster/main.ts exec -- COMMAND`, or set STELLAR_TEST_KUBECONFIG and STELLAR_TEST_CONTEXT to a cluster of your own',
    );
  }
  return { kubeconfig: env.STELLAR_TEST_KUBECONFIG!, context: env.STELLAR_TEST_CONTEXT! };
}
