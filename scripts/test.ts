/**
 * `node scripts/test.ts unit|sidecar|connector|sandbox|cluster|node|hummingbot|verify …`: runs the named groups of tests one after the other, shows mocha's
 * own output, and ends with one line `N passed, N failed`. The suffix of a test file says what it needs:
 * `.cluster.test.ts` the API server, `.node.test.ts` a node with pods, any other nothing but this machine.
 */
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { parseArgs } from 'node:util';

const GROUPS = [
  'unit',
  'sidecar',
  'connector',
  'sandbox',
  'cluster',
  'node',
  'hummingbot',
  'verify',
] as const;
type Group = (typeof GROUPS)[number];

interface Counts {
  passed: number;
  failed: number;
}

const CLUSTER = 'test/cluster/main.ts';

const needsCluster = (file: string): boolean => /\.(cluster|node)\.test\.ts$/.test(file);

/** Rooms with a group of their own, of the same name. */
const ROOMS = ['sidecar', 'connector', 'sandbox'];
/** The stock client; its tests need it in the cache. */
const HUMMINGBOT = 'hummingbot';
const roomOf = (file: string): string => file.split('/')[1]!;

/** `verify` is what can be said of the files alone: the house, the CRDs' schemas, the chart. */
function filesOf(group: Group): string[] {
  const all = globSync('test/**/*.test.ts').sort();
  const isVerify = (file: string): boolean =>
    /^test\/(verify|crds|charts)\//.test(file) && !needsCluster(file);
  switch (group) {
    case 'unit':
      return all.filter(
        (file) => !needsCluster(file) && !isVerify(file) && ![...ROOMS, HUMMINGBOT].includes(roomOf(file)),
      );
    case 'sidecar':
    case 'connector':
    case 'sandbox':
    case HUMMINGBOT:
      return all.filter((file) => roomOf(file) === group);
    case 'verify':
      return all.filter(isVerify);
    default:
      return all.filter((file) => file.endsWith(`.${group}.test.ts`));
  }
}

/** Runs a command with its output shown; gives its exit code and what it printed. */
function run(command: string, args: string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk;
      process.stdout.write(chunk);
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

const numberBefore = (word: string, output: string): number =>
  Number(new RegExp(`^\\s*(\\d+) ${word}`, 'm').exec(output)?.[1] ?? 0);

async function mocha(group: Exclude<Group, 'hummingbot'>, prefix: string[]): Promise<Counts> {
  const timeoutMs = {
    unit: 10_000,
    sidecar: 20_000,
    connector: 30_000,
    sandbox: 20_000,
    cluster: 60_000,
    node: 180_000,
    verify: 120_000,
  }[group];
  const args = ['--timeout', String(timeoutMs), '--forbid-only', '--forbid-pending', ...filesOf(group)];
  const [command, ...rest] = [...prefix, 'node_modules/.bin/mocha', ...args];
  return countsOf(await run(command!, rest));
}

/** The stock client's tests, or one line that says how to get the client: the one group that may be left out. */
async function hummingbot(): Promise<Counts> {
  const ran = await run(process.execPath, ['test/hummingbot/main.ts']);
  return /^test-hummingbot: skipped/m.test(ran.output) ? { passed: 0, failed: 0 } : countsOf(ran);
}

function countsOf({ code, output }: { code: number; output: string }): Counts {
  const counts = { passed: numberBefore('passing', output), failed: numberBefore('failing', output) };
  // A run that crashed or matched nothing must not look green.
  if (counts.failed === 0 && (code !== 0 || counts.passed === 0)) counts.failed = 1;
  return counts;
}

/** Runs a group inside a cluster that `steps` bring up, and takes that down after it, whatever happens. */
async function inCluster(group: 'cluster' | 'node', state: string, steps: string[][]): Promise<Counts> {
  const node = process.execPath;
  try {
    for (const step of steps) if ((await run(node, step)).code !== 0) return { passed: 0, failed: 1 };
    return await mocha(group, [node, CLUSTER, '--state', state, 'exec', '--']);
  } finally {
    await run(node, [CLUSTER, '--state', state, 'down']);
  }
}

function runGroup(group: Group): Promise<Counts> {
  if (group === HUMMINGBOT) return hummingbot();
  const state = `.state/test-${group}`;
  if (group === 'node') return inCluster(group, state, [['test/e2e/prepare.ts', state]]);
  if (group !== 'cluster') return mocha(group, []);
  return inCluster(group, state, [
    [CLUSTER, 'build', '--control-plane', '--tests'],
    [CLUSTER, '--state', state, 'up', '--control-plane'],
  ]);
}

const { positionals } = parseArgs({ allowPositionals: true });
const wanted = positionals.length > 0 ? positionals : [...GROUPS];
const unknown = wanted.filter((group) => !(GROUPS as readonly string[]).includes(group));
if (unknown.length > 0) {
  console.error(`unknown group ${unknown.join(', ')}; there are ${GROUPS.join(', ')}`);
  process.exit(2);
}
const total: Counts = { passed: 0, failed: 0 };
for (const group of wanted as Group[]) {
  const started = Date.now();
  console.log(`\n== ${group}: ${filesOf(group).length} files`);
  const counts = await runGroup(group);
  total.passed += counts.passed;
  total.failed += counts.failed;
  const seconds = ((Date.now() - started) / 1000).toFixed(0);
  console.log(`== ${group}: ${counts.passed} passed, ${counts.failed} failed in ${seconds} s`);
}
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
