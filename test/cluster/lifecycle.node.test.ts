import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cli, processesNaming } from './harness.ts';
import { layout } from './layout.ts';
import { cgroupHierarchies } from './node-config.ts';
import { run } from './run.ts';
import { serverPod } from './workload.ts';

/** All that a node could leave on the machine, seen from where it was started. */
async function traces(): Promise<object> {
  const names = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder).sort() : []);
  return {
    mounts: readFileSync('/proc/self/mountinfo', 'utf8').split('\n').length,
    links: (JSON.parse(await run('ip', ['-j', 'link'])) as { ifname: string }[])
      .map(({ ifname }) => ifname)
      .filter((name) => !name.startsWith('veth')),
    networks: names('/run/netns'),
    tables: await run('nft', ['list', 'tables']),
    folders: ['/opt', '/etc/cni', '/var/lib/cni', '/var/lib/kubelet', '/run/containerd'].map(existsSync),
  };
}

describe('down of a node', function () {
  this.timeout(90_000);

  it('leaves no process, mount, cgroup, network or file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'down-'));
    const state = join(folder, 'state');
    try {
      const before = await traces();
      const up = await cli(state, 'up');
      assert.equal(up.code, 0, up.err);
      const pod = join(folder, 'pod.json');
      await run('tee', [pod], { input: JSON.stringify(serverPod({ namespace: 'default', name: 'left' })) });
      assert.equal((await cli(state, 'exec', '--', 'kubectl', 'apply', '-f', pod)).code, 0);
      const wait = ['kubectl', 'wait', '--for=condition=Ready', 'pod/left', '--timeout=40s'];
      const waited = await cli(state, 'exec', '--', ...wait);
      assert.equal(waited.code, 0, waited.err);
      const cgroups = cgroupHierarchies().map((hierarchy) => join(hierarchy, layout(state).name));
      assert.ok(cgroups.every(existsSync));

      assert.equal((await cli(state, 'down')).code, 0);
      assert.deepEqual(processesNaming(state), []);
      assert.deepEqual(cgroups.filter(existsSync), []);
      assert.equal(existsSync(state), false);
      assert.deepEqual(await traces(), before);
    } finally {
      await cli(state, 'down');
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
