import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cli, processesNaming } from './harness.ts';

describe('two clusters side by side', function () {
  this.timeout(90_000);
  let folder: string;
  const state = (name: string): string => join(folder, name);

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'clusters-'));
  });
  after(async () => {
    for (const name of ['one', 'two']) await cli(state(name), 'down');
    rmSync(folder, { recursive: true, force: true });
  });

  it('come up together and do not see each other', async () => {
    const ups = await Promise.all(['one', 'two'].map((name) => cli(state(name), 'up', '--control-plane')));
    for (const { code, err } of ups) assert.equal(code, 0, err);
    for (const name of ['one', 'two']) {
      const made = await cli(state(name), 'exec', '--', 'kubectl', 'create', 'namespace', `only-${name}`);
      assert.equal(made.code, 0, made.err);
    }
    const other = await cli(state('two'), 'exec', '--', 'kubectl', 'get', 'namespace', 'only-one');
    assert.match(other.err, /namespaces "only-one" not found/);
  });

  it('up again finds it up, at once', async () => {
    const again = await cli(state('one'), 'up', '--control-plane');
    assert.equal(again.code, 0);
    assert.match(again.err, /already up \(control-plane\)/);
  });

  it('asks for down before a control plane becomes a node', async () => {
    const node = await cli(state('one'), 'up');
    assert.equal(node.code, 1);
    assert.match(node.err, /up as control-plane alone: run down first/);
  });

  it('exec gives the cluster by every name it is asked by, and passes on the exit code', async () => {
    const script =
      'test "$KUBECONFIG" = "$STELLAR_TEST_KUBECONFIG" && kubectl config current-context && echo $STELLAR_TEST_CONTEXT && exit 7';
    const { code, out } = await cli(state('one'), 'exec', '--', 'sh', '-c', script);
    assert.equal(code, 7);
    const [current, named] = out.trim().split('\n');
    assert.equal(current, named);
    assert.match(current!, /^stellar-test-[0-9a-f]{8}$/);
  });

  it('down of one leaves nothing of it and all of the other', async () => {
    assert.ok(processesNaming(state('one')).length > 3);
    assert.equal((await cli(state('one'), 'down')).code, 0);
    assert.deepEqual(processesNaming(state('one')), []);
    assert.equal(existsSync(state('one')), false);
    assert.deepEqual(await cli(state('one'), 'status'), { code: 1, out: 'absent\n', err: '' });
    assert.deepEqual(await cli(state('two'), 'status'), { code: 0, out: 'ready (control-plane)\n', err: '' });
    assert.equal((await cli(state('two'), 'exec', '--', 'kubectl', 'get', 'namespace', 'only-two')).code, 0);
  });

  it('does not take a folder that holds something else', async () => {
    mkdirSync(state('mine'));
    writeFileSync(join(state('mine'), 'thesis'), 'years of work');
    const { code, err } = await cli(state('mine'), 'up', '--control-plane');
    assert.equal(code, 1);
    assert.match(err, /holds something else than a cluster's state/);
    assert.equal((await cli(state('mine'), 'down')).code, 0);
    assert.ok(existsSync(join(state('mine'), 'thesis')));
  });

  it('says which daemon ended, and status says so', async () => {
    const pid = processesNaming(state('two')).find(({ command }) => command.includes('kube-apiserver'))?.pid;
    process.kill(pid!, 'SIGKILL');
    let now = await cli(state('two'), 'status');
    for (let tries = 0; tries < 50 && now.code === 0; tries++) now = await cli(state('two'), 'status');
    assert.match(
      now.out,
      /^failed \(control-plane\)\nkube-apiserver ended with SIGKILL: logs\/kube-apiserver\.log/,
    );
    assert.deepEqual(processesNaming(state('two')), []);
  });
});
