/**
 * `node test/e2e/demo.ts [down]`: what this project is, in two acts. First ledger, signer and connector as plain
 * processes, so that nobody waits for Kubernetes to see a swap; then the same swap on a real Kubernetes node, whose
 * parts are built meanwhile.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { command } from './command.ts';
import { stackDown, stackUp } from './stack.ts';
import { quoteAndSwap } from './trade.ts';

const STATE = resolve('.state/demo-cluster');
const CLUSTER = ['test/cluster/main.ts', '--state', STATE];
const LOG = '.state/log/demo-cluster.log';
const started = Date.now();

const seconds = (): string => `${((Date.now() - started) / 1000).toFixed(0).padStart(3)} s`;
const say = (line: string): void => console.log(`[${seconds()}] ${line}`);

/** Runs a command of the cluster's harness with its output shown; throws when it fails. */
function cluster(...args: string[]): void {
  const { status } = spawnSync(process.execPath, [...CLUSTER, ...args], { stdio: 'inherit' });
  if (status !== 0) throw new Error(`test/cluster/main.ts ${args[0]} failed`);
}

/** Starts what takes long beside the first act; its output goes to a log. */
function background(args: string[]): { child: ChildProcess; ended: Promise<number> } {
  mkdirSync('.state/log', { recursive: true });
  const log = openSync(LOG, 'w');
  const child = spawn(process.execPath, args, { stdio: ['ignore', log, log] });
  closeSync(log);
  const ended = new Promise<number>((done) => child.on('close', (code) => done(code ?? 1)));
  return { child, ended };
}

/** Waits for the background work; every 5 s the last line of its log says where it is. */
async function waitForBuild(ended: Promise<number>): Promise<void> {
  const timer = setInterval(() => {
    const last = readFileSync(LOG, 'utf8').trimEnd().split('\n').at(-1);
    say(`building the cluster's parts: ${last}`);
  }, 5_000);
  const code = await ended;
  clearInterval(timer);
  if (code !== 0)
    throw new Error(`building the cluster's parts failed:\n${readFileSync(LOG, 'utf8').slice(-3000)}`);
}

async function up(): Promise<void> {
  if (process.env.STELLAR_TEST_KUBECONFIG !== undefined) {
    throw new Error(
      'the demo makes its own node: unset STELLAR_TEST_KUBECONFIG; README.md says how to use your cluster',
    );
  }
  const isRoot = process.getuid?.() === 0;
  const build = isRoot ? background(['test/e2e/prepare.ts', STATE]) : undefined;
  try {
    say('act 1: ledger, signer and connector as plain processes');
    const { gateway, horizon, market } = await stackUp();
    await quoteAndSwap(gateway, horizon, market, say);
    if (build === undefined) {
      say('act 2 needs root: network namespaces, containerd and kubelet. As root run `make demo` again;');
      say('without it `make stack`, `make test-unit`, `make test-cluster` and `make verify` work.');
      process.exitCode = 1;
      return;
    }
    say('act 2: the same on a Kubernetes node in namespaces of its own, without an uplink');
    await waitForBuild(build.ended);
  } catch (error) {
    build?.child.kill('SIGTERM');
    throw error;
  }
  say('the node is ready and has the images');
  cluster('exec', '--', process.execPath, 'test/e2e/act2.ts', String(started));
}

async function down(): Promise<void> {
  await stackDown();
  cluster('down');
}

await command('demo', process.argv[2] === 'down' ? down : up);
