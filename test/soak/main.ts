/**
 * `make soak [PART=orders|kills|fuzz|hummingbot|signer] [SCALE=0.01]`: what takes too long for every run of the tests. One
 * part after the other, each in processes of its own; ends with 1 when one of them does not hold. Ctrl-C ends the part that runs.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';

const PROGRESS_MS = 10_000;
/** What the tests do by themselves, and takes the same part of a longer run. */
const FUZZ: Record<string, number> = {
  'test/connector/fuzz/routes.test.ts': 5_000,
  'test/connector/fuzz/horizon.test.ts': 5_000,
  'test/connector/ledger/rpc.test.ts': 5_000,
  'test/connector/api/fuzz.test.ts': 1_500,
  'test/connector/market/crossing.test.ts': 1_500,
};
const FUZZ_CASES = 1_000_000;
const KILLS = 200;
const ORDERS = 100_000;
const MOCHA = ['node_modules/.bin/mocha', '--forbid-only', '--forbid-pending', '--timeout'];

interface Run {
  name: string;
  command: string[];
  env?: Record<string, string>;
  /** Milliseconds after which it is ended. */
  mostMs: number;
  /** It says nothing of its progress itself. */
  silent?: boolean;
}

const { values } = parseArgs({
  options: { part: { type: 'string', default: 'all' }, scale: { type: 'string', default: '1' } },
});
const scale = Number(values.scale);
const scaled = (all: number): number => Math.max(1, Math.round(all * scale));
const hour = 3_600_000;

function fuzz(): Run[] {
  const total = Object.values(FUZZ).reduce((sum, cases) => sum + cases, 0);
  return Object.entries(FUZZ).map(([file, cases]) => ({
    name: `fuzz ${file}`,
    command: [...MOCHA, String(3 * hour), file],
    env: { FUZZ_CASES: String(scaled((FUZZ_CASES * cases) / total)) },
    ...{ mostMs: 3 * hour, silent: true },
  }));
}

const PARTS: Record<string, Run[]> = {
  orders: [
    {
      name: 'orders',
      command: ['node', 'test/soak/connector-orders.ts', '--orders', String(scaled(ORDERS))],
      mostMs: 2 * hour,
    },
  ],
  kills: [
    {
      name: 'kills',
      command: [...MOCHA, String(hour), 'test/connector/transactions/kill.test.ts'],
      env: { KILLS: String(scaled(KILLS)) },
      ...{ mostMs: hour, silent: true },
    },
  ],
  fuzz: fuzz(),
  hummingbot: [
    { name: 'hummingbot', command: ['node', 'test/hummingbot/main.ts', '--install'], mostMs: 2 * hour },
  ],
  signer: [
    {
      name: 'signer',
      command: [
        'node',
        'test/soak/signer.ts',
        '--requests',
        String(scaled(200_000)),
        '--kills',
        String(scaled(KILLS)),
      ],
      mostMs: hour,
    },
  ],
};

let interrupted = false;

/** Whether it held. */
async function run({ name, command, env = {}, mostMs, silent = false }: Run): Promise<boolean> {
  const began = Date.now();
  const seconds = (): number => Math.round((Date.now() - began) / 1000);
  console.log(`soak: ${name} ${Object.entries(env).map((pair) => pair.join('='))}`);
  // In a group of its own, so that Ctrl-C reaches it through us, once.
  const child = spawn(command[0]!, command.slice(1), {
    ...{ stdio: ['ignore', 'inherit', 'inherit'], detached: true },
    env: { ...process.env, ...env },
  });
  const end = (): void => void process.kill(-child.pid!, 'SIGTERM');
  const progress = silent && setInterval(() => console.log(`  ${name}: ${seconds()} s`), PROGRESS_MS);
  const late = setTimeout(() => {
    console.log(`soak: ${name} has not ended after ${seconds()} s and is ended`);
    end();
  }, mostMs);
  const stop = (): void => {
    interrupted = true;
    end();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
  const [code] = (await once(child, 'exit')) as [number | null];
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop);
  if (progress) clearInterval(progress);
  clearTimeout(late);
  console.log(`soak: ${name} ${code === 0 ? 'held' : 'DID NOT HOLD'} after ${seconds()} s`);
  return code === 0;
}

const parts = values.part === 'all' ? Object.keys(PARTS) : [values.part];
const wrong = parts.find((part) => PARTS[part] === undefined);
if (wrong !== undefined) {
  console.error(`PART=${wrong}: one of ${Object.keys(PARTS).join(', ')}`);
  process.exit(2);
}
let held = true;
for (const one of parts.flatMap((part) => PARTS[part]!)) {
  if (interrupted) break;
  held = (await run(one)) && held;
}
process.exit(held && !interrupted ? 0 : 1);
