import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { shutdownSignal } from '../../common/shutdown.ts';
import { startSandbox } from './sandbox.ts';
import { loadScenario } from './scenario.ts';

const USAGE = `Usage: node test/sandbox/main.ts --state-dir DIR [options]

  --state-dir DIR     keeps certificates and sandbox.json (what a client needs to know)
  --scenario FILE     accounts, trust lines and offers (default: scenarios/market.yaml)
  --account G...      the account for $ACCOUNT in the scenario
  --listen HOST:PORT  where Horizon listens (default 127.0.0.1:0)
  --host NAME         name in the certificate and the URL (default horizon.sandbox.test)
  --close-ms N        milliseconds from ledger to ledger (default 1000)
  --retain N          ledgers to keep (default 1000)
  --submit-timeout-ms N  how long a submission waits for its ledger (default 30000)
`;

const { values } = parseArgs({
  options: {
    'state-dir': { type: 'string' },
    scenario: { type: 'string', default: resolve(import.meta.dirname, 'scenarios/market.yaml') },
    account: { type: 'string' },
    listen: { type: 'string', default: '127.0.0.1:0' },
    host: { type: 'string', default: 'horizon.sandbox.test' },
    'close-ms': { type: 'string', default: '1000' },
    retain: { type: 'string', default: '1000' },
    'submit-timeout-ms': { type: 'string', default: '30000' },
    help: { type: 'boolean', default: false },
  },
});

function positive(name: 'close-ms' | 'retain' | 'submit-timeout-ms'): number {
  const value = Number(values[name]);
  if (!Number.isSafeInteger(value) || value <= 0)
    throw new Error(`--${name} must be a positive whole number`);
  return value;
}

async function main(): Promise<void> {
  if (values.help || !values['state-dir']) {
    console.log(USAGE);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const listenAt = new URL(`tcp://${values.listen}`);
  const signal = shutdownSignal(5_000);
  const sandbox = await startSandbox({
    scenario: await loadScenario(values.scenario, values.account),
    stateDir: resolve(values['state-dir']),
    listen: { host: listenAt.hostname.replace(/^\[|\]$/g, ''), port: Number(listenAt.port) },
    host: values.host,
    closeMs: positive('close-ms'),
    retain: positive('retain'),
    submitTimeoutMs: positive('submit-timeout-ms'),
    clock: Date.now,
    report: (error) => console.error(error),
  });
  console.log(`sandbox ready ${sandbox.info.url}`);
  if (!signal.aborted) {
    await new Promise<void>((done) => signal.addEventListener('abort', () => done(), { once: true }));
  }
  await sandbox.stop();
}

await main();
