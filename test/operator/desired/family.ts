import assert from 'node:assert/strict';
import type { V1Container, V1NetworkPolicySpec, V1PodSpec, V1StatefulSetSpec } from '@kubernetes/client-node';
import type { SigningPolicy, StellarConnector } from '../../../operator/api/v1alpha1.gen.ts';
import { desiredChildren, type Facts } from '../../../operator/desired/index.ts';
import type { KubeObject } from '../../../operator/kube/resource.ts';
import { aPolicy } from '../builders.ts';

/** What the operator would know of itself. */
export const facts: Facts = {
  images: { connector: 'connector:1', signer: 'signer:1', pullPolicy: 'IfNotPresent' },
  publicRoots: '-----BEGIN CERTIFICATE-----\n',
  operatorNamespace: 'stellar-system',
};

/** The children of a connector, and the parts that tests look at. */
export function children(
  connector: StellarConnector,
  policies: SigningPolicy[] = [aPolicy().build()],
  given = facts,
) {
  const all = desiredChildren(connector, policies, given);
  const find = (kind: string, name: string): KubeObject => {
    const found = all.find((object) => object.kind === kind && object.metadata.name === name);
    assert.ok(found, `no ${kind} ${name}`);
    return found;
  };
  const workload = find('StatefulSet', connector.metadata.name).spec as V1StatefulSetSpec;
  const pod = workload.template.spec as V1PodSpec;
  return {
    all,
    workload,
    pod,
    signer: pod.initContainers?.[0] as V1Container,
    connector: pod.containers[0] as V1Container,
    egress: find('NetworkPolicy', connector.metadata.name).spec as V1NetworkPolicySpec,
    data: (name: string) => find('ConfigMap', name).data as Record<string, string>,
  };
}

/** The variables of a container by name. */
export const env = (container: V1Container) =>
  Object.fromEntries((container.env ?? []).map(({ name, value }) => [name, value]));
/** The names of the volumes that a container mounts. */
export const mounts = (container: V1Container) => (container.volumeMounts ?? []).map(({ name }) => name);
