import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { gatewayEndpoint, type Installed, install, NAME, NAMESPACE, waitReady } from './install.ts';
import { get, kubectl } from './kubectl.ts';
import { waitFor } from './processes.ts';
import { breaches, reachTable } from './reach.ts';
import { clientOf, type Endpoint, quoteAndSwap } from './trade.ts';

function argvOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    // It ended between the listing and the look.
    return [];
  }
}

/** SIGKILL to the processes of this node that run the given program: the node's process table is its own. */
function killPrograms(entry: string): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (argvOf(pid).includes(entry)) process.kill(Number(pid), 'SIGKILL');
  }
}

/** Whoever installs the product meets these, in this order, on one node. */
describe('a StellarConnector on a real node', () => {
  let installed: Installed;
  let gateway: Endpoint;

  const swap = () => quoteAndSwap(gateway, installed.horizon, installed.market, () => {});
  const pod = () => get('-n', NAMESPACE, 'pod', `${NAME}-0`);
  const admin = (action: string): void => {
    const url = `${installed.admin}/${action}`;
    const script = `fetch(${JSON.stringify(url)}, {method: 'POST'}).then((r) => process.exit(r.ok ? 0 : 1))`;
    execFileSync('ip', ['netns', 'exec', 'world', process.execPath, '-e', script]);
  };

  before(async function () {
    this.timeout(240_000);
    installed = await install(() => {});
    gateway = await gatewayEndpoint();
  });

  it('becomes Ready from the chart and examples/ alone, and swaps with a signature made in the token', async () => {
    const { hash, amountIn, amountOut } = await swap();
    assert.match(hash, /^[0-9a-f]{64}$/);
    assert.equal(amountIn, '10.0000000');
    assert.equal(amountOut, '1.1980000');
  });

  it('@security the token and its library are mounted in the signer alone', async () => {
    const text = await kubectl([
      'exec',
      '-n',
      NAMESPACE,
      `${NAME}-0`,
      '-c',
      'signer',
      '--',
      'ls',
      '/opt/pkcs11',
    ]);
    assert.match(text, /libsofthsm2\.so/);
    await assert.rejects(
      kubectl(['exec', '-n', NAMESPACE, `${NAME}-0`, '-c', 'connector', '--', 'ls', '/opt/pkcs11']),
      /No such file/,
    );
  });

  it('@security the PIN is a file of the signer alone, and nobody in the pod has an API token', async () => {
    const cat = (container: string, path: string) =>
      kubectl(['exec', '-n', NAMESPACE, `${NAME}-0`, '-c', container, '--', 'cat', path]);
    assert.ok((await cat('signer', '/etc/stellar-signer/pin/pin')).length > 0);
    await assert.rejects(cat('connector', '/etc/stellar-signer/pin/pin'), /No such file/);
    for (const container of ['signer', 'connector']) {
      await assert.rejects(
        cat(container, '/var/run/secrets/kubernetes.io/serviceaccount/token'),
        /No such file/,
      );
    }
  });

  it('@security reaches the pinned address and nothing else, each target answering a pod without a policy', async () => {
    const rows = await reachTable();
    assert.equal(rows.length, 9);
    assert.deepEqual(breaches(rows), []);
  });

  it('@security refuses a client without a certificate', async () => {
    const { cert: _cert, key: _key, ...anonymous } = gateway;
    const client = clientOf(anonymous);
    await assert.rejects(client.call('GET', '/'));
    await client.close();
  });

  /** Runs a module in the connector's container; what it prints. */
  const inConnector = (script: string): Promise<string> =>
    kubectl([
      ...['exec', '-n', NAMESPACE, `${NAME}-0`, '-c', 'connector', '--'],
      ...[
        '/usr/local/bin/node',
        '--input-type=module',
        '--disable-warning=ExperimentalWarning',
        '-e',
        script,
      ],
    ]);

  it('@security a request that is not signed is refused, in the connector’s own container too', async () => {
    const answer = await inConnector(`
      import { request } from 'node:http';
      const asked = request({ socketPath: '/run/stellar-signer/signer.sock', method: 'POST',
        path: '/v1/transactions/sign', headers: { 'content-type': 'application/json', 'stellar-signer-protocol': '1' } },
        (answer) => { let text = ''; answer.on('data', (d) => (text += d)).on('end', () => console.log(answer.statusCode, text)); });
      asked.end(JSON.stringify({ envelopeXdr: 'AAAAgarbage' }));`);
    assert.match(answer, /^401 /);
    assert.equal(JSON.parse(answer.slice(4)).code, 'unsigned-request');
  });

  it('@security an envelope that is garbage is refused by the signer and nothing is signed', async () => {
    const answer = await inConnector(`
      import { createSigner } from '/app/connector/signing/client.ts';
      const signer = createSigner('/run/stellar-signer/signer.sock', { answered: () => undefined }, Date.now);
      await signer.sign('AAAAgarbage', undefined, AbortSignal.timeout(5000)).then(
        () => console.log('signed'), ({ code, field }) => console.log(code, field));
      await signer.close();`);
    assert.equal(answer.trim(), 'signer-refused malformed-envelope');
  });

  it('a ledger that stops in mid-swap holds the answer until it goes on', async () => {
    admin('pause');
    const swapping = swap();
    await delay(3_000);
    admin('resume');
    const { amountIn } = await swapping;
    assert.equal(amountIn, '10.0000000');
  });

  it('a signer that is killed comes back in the same pod, and swaps go on', async () => {
    const { uid } = (await pod()).metadata;
    killPrograms('sidecar/main.ts');
    const restarts = async (): Promise<true | undefined> => {
      const { initContainerStatuses } = (await pod()).status;
      const signer = initContainerStatuses.find(({ name }: { name: string }) => name === 'signer');
      return signer.restartCount > 0 && signer.ready ? true : undefined;
    };
    await waitFor('the signer restarts', restarts, { deadlineMs: 60_000 });
    await waitReady();
    assert.equal((await pod()).metadata.uid, uid);
    assert.equal((await swap()).amountIn, '10.0000000');
  });

  it('@security a deleted NetworkPolicy comes back, and the pod is as pinned as before', async () => {
    const { uid } = (await get('-n', NAMESPACE, 'networkpolicy', NAME)).metadata;
    await kubectl(['delete', '-n', NAMESPACE, 'networkpolicy', NAME]);
    const back = async (): Promise<true | undefined> =>
      (await get('-n', NAMESPACE, 'networkpolicy', NAME)).metadata.uid !== uid ? true : undefined;
    await waitFor('the NetworkPolicy is back', back, { deadlineMs: 20_000 });
    await delay(1_000);
    assert.deepEqual(breaches(await reachTable()), []);
  });

  it('pauses by the scale subresource and resumes', async () => {
    await kubectl(['scale', '-n', NAMESPACE, 'slc', NAME, '--replicas=0']);
    await kubectl(['wait', '-n', NAMESPACE, 'pod', `${NAME}-0`, '--for=delete', '--timeout=90s']);
    await kubectl(['scale', '-n', NAMESPACE, 'slc', NAME, '--replicas=1']);
    await waitReady();
    assert.equal((await swap()).amountIn, '10.0000000');
  });

  it('@security deleting it ends the pod first, then takes the NetworkPolicy and the rest along, and leaves the claims', async () => {
    await kubectl(['delete', '-n', NAMESPACE, 'slc', NAME, '--wait=false']);
    let withPod = 0;
    const gone = async (): Promise<true | undefined> => {
      // The pod is asked for after the policy: a pod without a policy would be seen.
      const policies = (await get('-n', NAMESPACE, 'networkpolicy')).items.length;
      const pods = (await get('-n', NAMESPACE, 'pod')).items.length;
      assert.ok(policies > 0 || pods === 0, 'the NetworkPolicy went before the pod');
      if (pods > 0) withPod++;
      return policies === 0 && pods === 0 ? true : undefined;
    };
    await waitFor('the connector goes', gone, { deadlineMs: 120_000 });
    assert.ok(withPod > 0);
    const children = async (): Promise<true | undefined> => {
      const { items } = await get('-n', NAMESPACE, 'statefulset,service,networkpolicy,slc');
      return items.length === 0 ? true : undefined;
    };
    await waitFor('the children go', children, { deadlineMs: 60_000 });
    const claims = (await get('-n', NAMESPACE, 'pvc')).items.map(
      ({ metadata }: { metadata: { name: string } }) => metadata.name,
    );
    assert.equal(claims.length, 3);
  });
});
