import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import { desiredChildren } from '../../operator/desired/index.ts';
import { render } from '../../operator/render.ts';
import { aConnector, accounts, aPolicy } from './builders.ts';

const env = {
  STELLAR_CONNECTOR_IMAGE: 'connector:1',
  STELLAR_SIGNER_IMAGE: 'signer:1',
  STELLAR_IMAGE_PULL_POLICY: 'Never',
};

describe('stellar-operator render', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'render-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  const file = (name: string, ...objects: unknown[]) => {
    const path = join(folder, name);
    const text = objects
      .map((object) => (typeof object === 'string' ? object : stringify(object)))
      .join('---\n');
    writeFileSync(path, text);
    return path;
  };
  async function run(...argv: string[]) {
    let [out, err] = ['', ''];
    const code = await render(argv, {
      stdout: { write: (text) => (out += text) },
      stderr: { write: (text) => (err += text) },
      env,
    });
    return { code, out, err };
  }

  it('prints the children that the operator would make, defaults and policies included', async () => {
    const path = file('both.yaml', aConnector().manifest(), aPolicy().manifest());
    const { code, out, err } = await run('-f', path);
    assert.deepEqual([code, err], [0, '']);
    const expected = desiredChildren(aConnector().build(), [aPolicy().build()], {
      images: { connector: 'connector:1', signer: 'signer:1', pullPolicy: 'Never' },
      publicRoots: 'minted by the operator at run time\n',
      operatorNamespace: 'stellar-system',
    });
    assert.deepEqual(
      parseAllDocuments(out).map((document) => document.toJS() as unknown),
      expected,
    );
    assert.match(out, /Minted at run time: Secrets slc-server-tls, slc-client-tls and slc-signer-tls/);
  });

  it('takes several files, skips what is not ours, and prints each connector', async () => {
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'pin' } };
    const connectors = file(
      'connectors.yaml',
      secret,
      aConnector().manifest(),
      aConnector().named('other').with({ account: accounts.other }).manifest(),
    );
    const policy = aPolicy().with({ accounts: [accounts.trader, accounts.other] });
    const { code, out } = await run(
      '-f',
      connectors,
      '--filename',
      file('policy.yaml', policy.manifest(), ''),
    );
    assert.equal(code, 0);
    const sets = parseAllDocuments(out).filter((document) => document.get('kind') === 'StatefulSet');
    assert.deepEqual(
      sets.map((document) => document.getIn(['metadata', 'name'])),
      ['slc', 'other'],
    );
  });

  it('names the operator’s namespace in the NetworkPolicy', async () => {
    const path = file('ns.yaml', aConnector().manifest(), aPolicy().manifest());
    const { out } = await run('-f', path, '--operator-namespace', 'elsewhere');
    assert.match(out, /kubernetes\.io\/metadata\.name: elsewhere/);
  });

  it('says why a connector cannot be carried out and prints nothing for it', async () => {
    const { code, out, err } = await run('-f', file('alone.yaml', aConnector().manifest()));
    assert.deepEqual([code, out], [1, '']);
    assert.match(err, /^StellarConnector trading\/slc: NoMatchingPolicy: .*create one/);
  });

  it('names every fault of a file', async () => {
    const wrong = aConnector().edit((spec) => {
      Object.assign(spec, { contaners: [], replicas: 'one', markets: undefined });
    });
    const { code, out, err } = await run('-f', file('wrong.yaml', wrong.manifest(), aPolicy().manifest()));
    assert.deepEqual([code, out], [1, '']);
    assert.deepEqual(err.trim().split('\n').sort(), [
      'StellarConnector trading/slc: spec.contaners is not a field of this API',
      'StellarConnector trading/slc: spec.markets is required',
      'StellarConnector trading/slc: spec.replicas must be of type integer',
    ]);
  });

  const refused: Record<string, [content: string, says: RegExp]> = {
    'a file that is not YAML': ['a: [', /x\.yaml: /],
    'a file without a connector': ['kind: ConfigMap', /no StellarConnector in the given files/],
    'an object without a name': [
      'apiVersion: stellar-connector.io/v1alpha1\nkind: StellarConnector\nspec: {}',
      /StellarConnector \(no name\): metadata\.name is required/,
    ],
    'an object without a spec': [
      'apiVersion: stellar-connector.io/v1alpha1\nkind: StellarConnector\nmetadata: {name: a}',
      /StellarConnector a: spec must be of type object/,
    ],
  };
  for (const [title, [content, says]] of Object.entries(refused)) {
    it(`refuses ${title}`, async () => {
      const { code, err } = await run('-f', file('x.yaml', content));
      assert.equal(code, 1);
      assert.match(err, says);
    });
  }

  it('refuses a file that is not there', async () => {
    const { code, err } = await run('-f', join(folder, 'none.yaml'));
    assert.equal(code, 1);
    assert.match(err, /none\.yaml: ENOENT/);
  });

  it('explains itself, and a wrong command line', async () => {
    assert.deepEqual((await run('--help')).code, 0);
    assert.match((await run('--help')).out, /stellar-operator render -f FILE/);
    assert.equal((await run()).code, 2);
    assert.match((await run('--live')).err, /--live/);
    assert.equal((await run('--live')).code, 2);
  });
});
