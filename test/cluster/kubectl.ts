import { type ClusterAccess, clusterAccess } from './access.ts';
import { run } from './run.ts';

/** Runs kubectl on the test cluster, whatever the caller's own KUBECONFIG says, and returns what it printed. */
export type Kubectl = (args: readonly string[], input?: string) => Promise<string>;

export function createKubectl(access: ClusterAccess = clusterAccess()): Kubectl {
  const cluster = ['--kubeconfig', access.kubeconfig, '--context', access.context];
  return (args, input) => run('kubectl', [...cluster, ...args], input === undefined ? {} : { input });
}

/** Server-side apply of objects; JSON is YAML. */
export const apply = (kubectl: Kubectl, ...items: object[]): Promise<string> =>
  kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
