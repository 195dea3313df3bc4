import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPolicyStore, type PolicySet, parsePolicies } from '../../../sidecar/policy/load.ts';
import { ISSUER, policyYaml } from '../transactions.ts';
import { ACCOUNT } from './fixtures.ts';

describe('signing policy: loading @security', () => {
  let dir: string;
  let changes: PolicySet[];
  const store = () => createPolicyStore(dir, ACCOUNT, (set) => changes.push(set));
  const named = (name: string, account = ACCOUNT): string =>
    policyYaml(account).replace('"name":"trading"', `"name":"${name}"`);

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'policies-'));
    changes = [];
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  it('keeps those of the account, with the hash of the file', async () => {
    writeFileSync(join(dir, 'ours.yaml'), named('ours'));
    writeFileSync(join(dir, 'others.yaml'), named('others', ISSUER));
    writeFileSync(join(dir, 'README'), 'no policy');
    const policies = store();
    await policies.reload();
    const hash = createHash('sha256').update(named('ours')).digest('hex');
    assert.deepEqual(
      policies.current().policies.map((policy) => [policy.name, policy.hash]),
      [['ours', hash]],
    );
    assert.equal(policies.current().fault, undefined);
  });

  it('has none before a good set was read', async () => {
    const policies = store();
    assert.deepEqual(policies.current().policies, []);
    rmSync(dir, { recursive: true });
    await policies.reload();
    assert.deepEqual(policies.current().policies, []);
    assert.match(policies.current().fault!, /ENOENT/);
    mkdirSync(dir);
  });

  const bad: [string, string, RegExp][] = [
    ['broken YAML', '{', /^b\.yaml: not YAML/],
    [
      'an unknown field',
      named('b').replace('"swaps"', '"swap"'),
      /^b\.yaml: line 1: spec\.swap: is no field/,
    ],
    ['a name that is there already', named('a'), /two files hold a policy named a/],
    ['aliases', `x: &x ${named('b')}\ny: *x`, /^b\.yaml: not YAML: .*alias/i],
    ['more than a mebibyte', `${named('b')}\n${'#'.repeat(1_048_576)}`, /^b\.yaml: larger than 1 MiB/],
  ];
  for (const [what, text, message] of bad)
    it(`keeps the old set when one file of the new one has ${what}, until it is mended`, async () => {
      writeFileSync(join(dir, 'a.yaml'), named('a'));
      const policies = store();
      await policies.reload();
      writeFileSync(join(dir, 'a.yaml'), named('a').replace('"0.08"', '"0.01"'));
      writeFileSync(join(dir, 'b.yaml'), text);
      const before = policies.current().policies;
      await policies.reload();
      await policies.reload();
      assert.equal(policies.current().policies, before);
      assert.match(policies.current().fault!, message);
      assert.equal(changes.length, 2);
      writeFileSync(join(dir, 'b.yaml'), named('b'));
      await policies.reload();
      assert.deepEqual(
        policies.current().policies.map(({ name }) => name),
        ['a', 'b'],
      );
      assert.equal(policies.current().fault, undefined);
    });

  it('stops at a kill switch at once, also in a set that is bad otherwise, and goes on when it is mended', async () => {
    const killing = (name: string, account = ACCOUNT): string =>
      policyYaml(account, { killSwitch: true }).replace('"name":"trading"', `"name":"${name}"`);
    writeFileSync(join(dir, 'a.yaml'), named('a'));
    const policies = store();
    await policies.reload();
    const stops = () => policies.current().policies.map(({ spec }) => spec.killSwitch);
    writeFileSync(join(dir, 'b.yaml'), '{');
    writeFileSync(join(dir, 'c.yaml'), killing('c', ISSUER));
    await policies.reload();
    assert.deepEqual(stops(), [false]);
    writeFileSync(join(dir, 'c.yaml'), killing('c'));
    await policies.reload();
    assert.match(policies.current().fault!, /^b\.yaml/);
    assert.deepEqual(stops(), [true]);
    writeFileSync(join(dir, 'c.yaml'), named('c'));
    writeFileSync(join(dir, 'b.yaml'), killing('b').replace('"swaps"', '"swap"'));
    await policies.reload();
    assert.deepEqual(stops(), [true]);
    writeFileSync(join(dir, 'b.yaml'), named('b'));
    await policies.reload();
    assert.deepEqual([stops(), policies.current().fault], [[false, false, false], undefined]);
  });

  it('follows the swap of a ConfigMap volume, and sees nothing of its versions but the linked one', async () => {
    const publish = (version: string, files: Record<string, string>): void => {
      mkdirSync(join(dir, `..${version}`));
      for (const [name, text] of Object.entries(files)) {
        writeFileSync(join(dir, `..${version}`, name), text);
        rmSync(join(dir, name), { force: true });
        symlinkSync(join('..data', name), join(dir, name));
      }
      symlinkSync(`..${version}`, join(dir, '..data_tmp'));
      renameSync(join(dir, '..data_tmp'), join(dir, '..data'));
    };
    publish('v1', { 'a.yaml': named('a') });
    const policies = store();
    await policies.reload();
    publish('v2', { 'b.yaml': named('b') });
    const ended = new AbortController();
    const watching = policies.watch(5, ended.signal);
    while (changes.length < 2) await new Promise((resolve) => setTimeout(resolve, 2));
    ended.abort();
    await watching;
    assert.deepEqual(
      changes.map((set) => set.policies.map(({ name }) => name)),
      [['a'], ['b']],
    );
  });

  it('keeps those before with the kill switch on when the last one goes, until there is one again', async () => {
    writeFileSync(join(dir, 'a.yaml'), named('a'));
    const policies = store();
    await policies.reload();
    const { hash } = policies.current().policies[0]!;
    const stopped = () => {
      const [policy] = policies.current().policies;
      return [policy?.hash, policy?.spec.killSwitch, policies.current().fault];
    };
    const gone = `no policy names ${ACCOUNT} any more`;
    rmSync(join(dir, 'a.yaml'));
    await policies.reload();
    assert.deepEqual(stopped(), [hash, true, gone]);
    writeFileSync(join(dir, 'b.yaml'), named('b', ISSUER));
    await policies.reload();
    assert.deepEqual(stopped(), [hash, true, gone]);
    writeFileSync(join(dir, 'b.yaml'), '{');
    await policies.reload();
    assert.deepEqual(stopped().slice(0, 2), [hash, true]);
    writeFileSync(join(dir, 'b.yaml'), named('b'));
    await policies.reload();
    assert.deepEqual(stopped().slice(1), [false, undefined]);
  });

  it('keeps the old set when a file that is meant as a policy has another ending', async () => {
    writeFileSync(join(dir, 'a.yaml'), named('a'));
    writeFileSync(join(dir, 'README.md'), 'no policy');
    const policies = store();
    await policies.reload();
    assert.equal(policies.current().fault, undefined);
    for (const name of ['b.yml', 'b.json', 'b.YAML']) {
      writeFileSync(join(dir, name), named('b'));
      await policies.reload();
      assert.match(policies.current().fault!, new RegExp(`^${name}: .* must end in \\.yaml`));
      assert.deepEqual(
        policies.current().policies.map((policy) => policy.name),
        ['a'],
      );
      writeFileSync(join(dir, 'a.yaml'), named('a').replace('"spec":{', '"spec":{"killSwitch":true,'));
      await policies.reload();
      assert.equal(policies.current().policies[0]!.spec.killSwitch, true);
      writeFileSync(join(dir, 'a.yaml'), named('a'));
      rmSync(join(dir, name));
      await policies.reload();
    }
    await policies.reload();
    assert.equal(policies.current().fault, undefined);
  });

  it('has none at a first start without one', async () => {
    const policies = store();
    await policies.reload();
    assert.deepEqual(policies.current(), { policies: [], fault: undefined });
  });

  it('names file, line and field of what is wrong', () => {
    const text = [
      'apiVersion: stellar-connector.io/v1alpha1',
      'kind: SigningPolicy',
      'metadata: {name: p}',
      'spec:',
      `  accounts: [${ACCOUNT}]`,
      '  trustlines:',
      `    - USDC:${ISSUER}`,
      '    - usd',
      '  payments:',
      '    - asset: XLM',
      `      destinations: [${ISSUER}]`,
      '      maxAmount: 5',
    ].join('\n');
    assert.throws(
      () => parsePolicies([{ name: 'p.yaml', bytes: Buffer.from(text) }], ACCOUNT),
      (error: Error) => {
        assert.match(error.message, /^p\.yaml: line 8: spec\.trustlines\[1\]: must be CODE:ISSUER/);
        assert.match(
          error.message,
          /; line 10: spec\.payments\[0\]\.window: .*; line 12: spec\.payments\[0\]\.maxAmount: /,
        );
        return true;
      },
    );
  });
});
