import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ZodError, z } from 'zod';
import { shutdownSignal } from '../../common/shutdown.ts';
import { faultSchema } from './faults/schema.ts';
import { startSandbox } from './sandbox.ts';
import { loadScenario } from './scenario.ts';

const USAGE = `Usage: node test/sandbox/main.ts --state-dir DIR [options]

A Stellar network of its own behind several endpoints, each over TLS 1.3: horizon, rpc, and horizon-2, which is
another node's Horizon. It prints "sandbox ready URL" and the pins of each endpoint, and runs until SIGTERM.

  --state-dir DIR     keeps certificates and sandbox.json (what a client needs to know)
  --scenario FILE     accounts, books, pools, crowd and faults (default: scenarios/market.yaml)
  --account G...      the account for $ACCOUNT in the scenario
  --restore FILE      goes on from a snapshot instead of the scenario's accounts and books
  --listen HOST:PORT  where horizon listens (default 127.0.0.1:0); the others take any port of the same address
  --host NAME         name of horizon in certificate and URL (default horizon.sandbox.test); the others are rpc and
                      horizon-2 of the same domain
  --close-ms N        milliseconds from ledger to ledger (default 1000)
  --retain N          ledgers to keep (default 1000)
  --submit-timeout-ms N  how long a submission waits for its ledger (default 30000)
  --stream-at-once    streams tell of a ledger when it closes, instead of looking every 5 seconds as Horizon does

Control, plain HTTP on loopback, "admin" in sandbox.json (bad input is a 400 that names the field):
  POST /close[?n=N]         closes ledgers now
  POST /pause, POST /resume stops and starts the timer
  POST /upgrade?FIELD=N     maxTxSetSize (operations), baseFee, baseReserve (stroops) from the next ledger on
  GET /state                accounts, balances, sequence numbers
  GET /snapshot             the network, for --restore
  POST /friendbot?addr=G... gives lumens; each Horizon has GET /friendbot?addr=G... besides
  POST /faults              {"endpoint": "horizon", "fault": {"kind": ...}}; without endpoint at all of them
  GET /faults, DELETE /faults[/ID]

Kinds of faults, in scenarios under "faults" in the same form; the fields are in test/sandbox/faults/schema.ts:
${faultSchema.options.map(({ shape, description }) => `  ${[...shape.kind.values][0]}: ${description}`).join('\n')}
`;

function readOptions(args: string[]) {
  const { values } = parseArgs({
    args,
    options: {
      'state-dir': { type: 'string' },
      scenario: { type: 'string', default: resolve(import.meta.dirname, 'scenarios/market.yaml') },
      account: { type: 'string' },
      restore: { type: 'string' },
      listen: { type: 'string', default: '127.0.0.1:0' },
      host: { type: 'string', default: 'horizon.sandbox.test' },
      'close-ms': { type: 'string', default: '1000' },
      retain: { type: 'string', default: '1000' },
      'submit-timeout-ms': { type: 'string', default: '30000' },
      'stream-at-once': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  return values;
}

type Options = ReturnType<typeof readOptions>;

function positive(values: Options, name: 'close-ms' | 'retain' | 'submit-timeout-ms'): number {
  const value = Number(values[name]);
  if (!Number.isSafeInteger(value) || value <= 0)
    throw new Error(`--${name} must be a positive whole number`);
  return value;
}

async function run(values: Options): Promise<void> {
  if (values.help || !values['state-dir']) {
    console.log(USAGE);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const listenAt = new URL(`tcp://${values.listen}`);
  const signal = shutdownSignal(5_000);
  const sandbox = await startSandbox({
    scenario: await loadScenario(values.scenario, values.account),
    ...(values.restore !== undefined && { restore: await readFile(values.restore, 'utf8') }),
    stateDir: resolve(values['state-dir']),
    listen: { host: listenAt.hostname.replace(/^\[|\]$/g, ''), port: Number(listenAt.port) },
    host: values.host,
    closeMs: positive(values, 'close-ms'),
    retain: positive(values, 'retain'),
    submitTimeoutMs: positive(values, 'submit-timeout-ms'),
    streamAtOnce: values['stream-at-once'],
    clock: Date.now,
    report: (error) => console.error(error),
  });
  const pins = sandbox.info.endpoints.map(
    ({ name, url, spkiPins }) => `${name} ${url} ${spkiPins.join(' ')}`,
  );
  console.log([`sandbox ready ${sandbox.info.url}`, ...pins].join('\n'));
  if (!signal.aborted) {
    await new Promise<void>((done) => signal.addEventListener('abort', () => done(), { once: true }));
  }
  await sandbox.stop();
}

/** Runs the sandbox until it is told to stop; what was wrong with the command or the scenario is said in a sentence. */
export async function main(args: string[]): Promise<void> {
  try {
    await run(readOptions(args));
  } catch (error) {
    const message = error instanceof ZodError ? z.prettifyError(error) : (error as Error).message;
    console.error(`sandbox: ${message}\nSee --help.`);
    process.exitCode = 2;
  }
}
