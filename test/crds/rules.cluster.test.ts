import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import { withDefaults } from '../../operator/api/schema.ts';
import { signingPolicySchema, stellarConnectorSchema } from '../../operator/api/v1alpha1.gen.ts';
import { aConnector } from '../operator/builders.ts';
import { connect, installCrds, makeNamespace, type RawApi } from './api.ts';
import { badExamples } from './bad.ts';
import { good } from './good.ts';
import { places, rulesOf } from './rules.ts';

interface Written {
  kind: string;
  metadata: { name: string; namespace?: string; resourceVersion?: string };
  spec?: unknown;
}

describe('the API server with our CRDs', () => {
  let api: RawApi;
  let namespace: string;
  const rules = rulesOf(places());

  before(async () => {
    api = await connect();
    await installCrds(api);
    namespace = await makeNamespace(api, 'crds');
  });
  after(async () => {
    await api.send('DELETE', `/api/v1/namespaces/${namespace}`);
    await api.close();
  });

  const collection = (kind: string) =>
    `/apis/stellar-connector.io/v1alpha1/namespaces/${namespace}/${kind === 'SigningPolicy' ? 'signingpolicies' : 'stellarconnectors'}`;
  const here = <T extends Written>(object: T): T => ({
    ...object,
    metadata: { ...object.metadata, namespace },
  });
  const tryCreate = (object: Written) =>
    api.send('POST', `${collection(object.kind)}?dryRun=All`, here(object));

  for (const [title, object] of Object.entries(good)) {
    it(`accepts ${title}, with the defaults that render fills in`, async () => {
      const { status, body } = await tryCreate(object);
      assert.equal(status, 201, body.message);
      const schema = object.kind === 'StellarConnector' ? stellarConnectorSchema : signingPolicySchema;
      assert.deepEqual(withDefaults(schema, object.spec), body.spec);
    });
  }

  for (const { title, object, at, says, from } of badExamples) {
    it(`refuses ${title}: ${says}`, async () => {
      const rule = rules.find(
        ({ kind, path, message }) => kind === object.kind && path === general(at) && message.includes(says),
      );
      const { status, body } = from === undefined ? await tryCreate(object) : await tryChange(from, object);
      assert.equal(status, 422, `answered ${status}`);
      const causes = body.details?.causes ?? [];
      const found = causes.find(
        ({ field, message }) => fieldOf(field) === at && message.endsWith(`: ${rule?.message}`),
      );
      assert.ok(found, JSON.stringify(causes, null, 2));
    });
  }

  async function tryChange(from: Written, to: Written) {
    const path = collection(from.kind);
    await api.send('DELETE', `${path}/${from.metadata.name}`);
    const { status, body } = await api.send('POST', path, here(from));
    assert.equal(status, 201, body.message);
    const { resourceVersion = '' } = (body as unknown as Written).metadata;
    const changed = here({ ...to, metadata: { ...to.metadata, resourceVersion } });
    return api.send('PUT', `${path}/${to.metadata.name}?dryRun=All`, changed);
  }

  for (const file of globSync('examples/*.yaml').sort()) {
    it(`accepts what ${file} has of our kinds`, async () => {
      const objects = parseAllDocuments(readFileSync(file, 'utf8'))
        .map((document) => document.toJS() as Written & { apiVersion: string })
        .filter(({ apiVersion }) => apiVersion.startsWith('stellar-connector.io/'));
      const answers = await Promise.all(objects.map(tryCreate));
      assert.deepEqual(
        answers.filter(({ status }) => status !== 201).map(({ body }) => body.message),
        [],
      );
    });
  }

  it('refuses a field that the schema does not have when asked to be strict, as kubectl is', async () => {
    const { metadata, ...rest } = here(aConnector().manifest());
    const object = { metadata, ...rest, spec: { ...rest.spec, containers: [] } };
    const { status, body } = await api.send(
      'POST',
      `${collection('StellarConnector')}?dryRun=All&fieldValidation=Strict`,
      object,
    );
    assert.equal(status, 400);
    assert.match(body.message ?? '', /unknown field "spec\.containers"/);
  });
});

const general = (at: string) => at.replaceAll(/\[[^\]]*\]/g, '[]');

/** The API server writes the root as `<nil>`. */
const fieldOf = (field: string | undefined) => (field === undefined || field === '<nil>' ? '' : field);
