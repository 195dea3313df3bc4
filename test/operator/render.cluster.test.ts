/**
 * What render prints and what the running operator makes are the same objects. Each printed child is applied in the
 * operator's name over the live one: that would remove what the operator applied in excess, and add what it lacks.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import { CHILD_KINDS } from '../../operator/kinds.ts';
import { FIELD_MANAGER } from '../../operator/kube/client.ts';
import type { KubeObject } from '../../operator/kube/resource.ts';
import { render } from '../../operator/render.ts';
import { aConnector, aPolicy } from './builders.ts';
import { calm, type Scene, sceneIn } from './scene.ts';
import { createWorld, OPERATOR_NAMESPACE, until, type World } from './world.ts';

describe('render and the running operator', function () {
  this.timeout(60_000);
  let world: World;
  let scene: Scene;
  let folder: string;

  before(async () => {
    world = await createWorld('render');
    scene = sceneIn(world);
    folder = mkdtempSync(join(tmpdir(), 'render-'));
  });
  after(async () => {
    rmSync(folder, { recursive: true });
    await world.close();
  });

  it('make the same objects', async () => {
    const connector = aConnector()
      .inNamespace(world.namespace)
      .edit((spec) => {
        Object.assign(spec.horizon?.endpoints?.[0] ?? {}, { caBundleRef: { name: 'own-ca', key: 'ca.crt' } });
        Object.assign(spec, {
          gateway: { from: [{ namespaceSelector: { matchLabels: { team: 'bots' } } }] },
          podTemplate: { tolerations: [{ key: 'hsm', operator: 'Exists' }] },
          monitoring: { from: { matchLabels: { team: 'monitoring' } } },
        });
      });
    const operator = await world.start();
    await scene.createPolicy();
    await scene.createConnector(connector);
    await until('the StatefulSet is there', () => scene.child('StatefulSet', 'slc'));
    await calm(operator);
    await operator.stop();

    const printed = await rendered(connector.manifest(), aPolicy().inNamespace(world.namespace).manifest());
    const live = await liveChildren();
    assert.deepEqual(printed.map(titleOf).sort(), live.map(titleOf).sort());
    for (const child of printed) {
      const before = live.find((one) => titleOf(one) === titleOf(child));
      assert.ok(before);
      const after = await apply(completed(child, before));
      assert.deepEqual(comparable(after), comparable(before), titleOf(child));
    }
  });

  async function rendered(...objects: unknown[]): Promise<KubeObject[]> {
    const path = join(folder, 'objects.yaml');
    writeFileSync(path, objects.map((object) => stringify(object)).join('---\n'));
    let text = '';
    const io = {
      stdout: { write: (more: string) => (text += more) },
      stderr: process.stderr,
      env: {
        STELLAR_CONNECTOR_IMAGE: 'connector:test',
        STELLAR_SIGNER_IMAGE: 'signer:test',
        STELLAR_IMAGE_PULL_POLICY: 'Never',
      },
    };
    assert.equal(await render(['-f', path, '--operator-namespace', OPERATOR_NAMESPACE], io), 0);
    return parseAllDocuments(text).map((document) => document.toJS() as KubeObject);
  }

  async function liveChildren(): Promise<KubeObject[]> {
    const scope = {
      namespace: world.namespace,
      labelSelector: 'app.kubernetes.io/managed-by=stellar-operator',
    };
    const pages = await Promise.all(CHILD_KINDS.map((of) => world.client.list(of, scope, world.signal)));
    return pages.flatMap(({ items }) => items);
  }

  function apply(object: KubeObject): Promise<KubeObject> {
    const of = CHILD_KINDS.find(({ kind }) => kind === object.kind);
    assert.ok(of);
    return world.client.apply(of, object, { fieldManager: FIELD_MANAGER, force: true }, world.signal);
  }
});

/** The printed child with what is only known at run time: owner, hash of the last apply, minted roots. */
function completed(child: KubeObject, { metadata, data }: KubeObject): KubeObject {
  const { ownerReferences = [], annotations = {} } = metadata;
  const hash = 'stellar-connector.io/desired-hash';
  return {
    ...child,
    metadata: { ...child.metadata, ownerReferences, annotations: { [hash]: annotations[hash] ?? '' } },
    ...(child.metadata.name.endsWith('-trust') ? { data } : {}),
  };
}

function titleOf({ kind, metadata }: KubeObject): string {
  return `${kind} ${metadata.name}`;
}

/** The object without its status and the marks of a write. */
function comparable({ metadata, status: _, ...rest }: KubeObject) {
  const { resourceVersion: _version, managedFields, ...meta } = metadata;
  const owned = managedFields?.filter(({ subresource }) => subresource === undefined) as Record<
    string,
    unknown
  >[];
  return { ...rest, metadata: meta, owned: owned.map(({ time: _time, ...entry }) => entry) };
}
