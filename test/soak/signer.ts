/**
 * `make soak`: what takes too long for every run of the tests. The signer signs many times, and its memory must have come
 * to rest; then it is killed 200 times under load. Ends with 1 when either does not hold.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createSigner } from '../../connector/signing/client.ts';
import { envelopeSource } from '../bench/load.ts';
import { PASSPHRASE, startSigner } from '../sidecar/signer.ts';
import { createToken } from '../sidecar/token.ts';
import { buildTransaction, policyYaml } from '../sidecar/transactions.ts';

const { values } = parseArgs({
  options: { requests: { type: 'string', default: '200000' }, kills: { type: 'string', default: '200' } },
});
const REQUESTS = Number(values.requests);
const IN_FLIGHT = 8;
/** The connector's client keeps that many connections. */
const CONNECTIONS = 4;
/** From this tenth on as many sequences end as begin: a minute and a half has passed. */
const SETTLED = 4;
/** What the heap may be larger at the end, when the collector has run, than it was then. Bytes. */
const MAX_GROWTH = 24 * 2 ** 20;
const SAMPLE_MS = 250;
const never = new AbortController().signal;

const dir = mkdtempSync(join(tmpdir(), 'soak-'));
process.once('exit', () => rmSync(dir, { recursive: true, force: true }));
for (const name of ['token', 'signer']) mkdirSync(join(dir, name));
const token = createToken(join(dir, 'token'));
const signer = await startSigner({
  dir: join(dir, 'signer'),
  token,
  // A small heap makes the collector run often, and a leak end the process.
  env: { UV_THREADPOOL_SIZE: '12', NODE_OPTIONS: '--max-old-space-size=256' },
  policies: {
    'soak.yaml': policyYaml(token.account, {
      signaturesPerSecond: 1000,
      fees: { window: { amount: '999999999999999', seconds: 86_400 } },
    }),
  },
});
const clients = Array.from({ length: IN_FLIGHT / CONNECTIONS }, () =>
  createSigner(signer.socket, { answered: () => undefined }, Date.now),
);
const envelope = envelopeSource(buildTransaction({ account: token.account }), BigInt(Date.now()));

let signed = 0;
let asked = 0;
const refused = new Map<string, number>();
const caller = async (index: number, until: number): Promise<void> => {
  while (asked < until) {
    asked++;
    await clients[index % clients.length]!.sign(envelope(), PASSPHRASE, never).then(
      () => void signed++,
      (error: { field?: string; code?: string }) => {
        const code = error.field ?? error.code ?? 'unknown';
        refused.set(code, (refused.get(code) ?? 0) + 1);
      },
    );
  }
};

/** The smallest heap while `work` goes on: what the collector leaves. Bytes. */
async function smallestHeap(work: Promise<unknown>): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  let isOver = false;
  void work.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    least = Math.min(least, await signer.metric('nodejs_heap_size_used_bytes'));
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
  }
  await work;
  return least;
}

const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MB`;
const heaps: number[] = [];
const started = Date.now();
for (let part = 1; part <= 10; part++) {
  const until = (REQUESTS / 10) * part;
  const callers = Array.from({ length: IN_FLIGHT }, (_, index) => caller(index, until));
  heaps.push(await smallestHeap(Promise.all(callers)));
  const resident = await signer.metric('process_resident_memory_bytes');
  const seconds = ((Date.now() - started) / 1000).toFixed(0);
  console.log(
    `${asked} asked, ${signed} signed after ${seconds} s: heap ${megabytes(heaps.at(-1)!)}, resident ${megabytes(resident)}`,
  );
}
const journal = join(dir, 'signer/journal');
const bytes = readdirSync(journal).reduce((sum, name) => sum + statSync(join(journal, name)).size, 0);
console.log(`refused: ${JSON.stringify(Object.fromEntries(refused))}; journal ${megabytes(bytes)}`);
for (const client of clients) await client.close();
const code = await signer.stop();
const growth = heaps.at(-1)! - heaps[SETTLED - 1]!;
const isFlat = growth < MAX_GROWTH && signed > 0.95 * REQUESTS && code === 0;
console.log(
  `memory: ${isFlat ? 'flat' : 'NOT FLAT'}, ${megabytes(growth)} more at the end than in tenth ${SETTLED}`,
);

if (values.kills === '0') process.exit(isFlat ? 0 : 1);
const mocha = spawn(
  'node_modules/.bin/mocha',
  ['--timeout', '3600000', '--forbid-pending', 'test/sidecar/crash.test.ts'],
  { stdio: 'inherit', env: { ...process.env, CRASH_KILLS: values.kills } },
);
const [killed] = (await once(mocha, 'exit')) as [number | null];
process.exit(isFlat && killed === 0 ? 0 : 1);
