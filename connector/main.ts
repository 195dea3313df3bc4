import { parseArgs } from 'node:util';
import { messageOf } from '../common/errors.ts';
import { createLogger } from '../common/log.ts';
import { aborted, shutdownSignal, sleep } from '../common/shutdown.ts';
import { loadEnvironment } from './config.ts';
import { startConnector } from './connector.ts';

/** After a signal, in which offers are cancelled; the operator gives the pod 120 s, of which the signer needs 20 s. */
const SHUTDOWN_MS = 90_000;

const HELP = `Usage: node connector/main.ts [--dry-run]

Serves Hummingbot's Gateway API and /v1 over mutual TLS, and trades on Stellar. Configured by STELLAR_ variables and one
YAML file (docs/connector.md).

  --dry-run   quotes, plans, builds and checks every order, and neither has it signed nor sends it
  --help      this text
`;
const { values } = parseArgs({
  options: { 'dry-run': { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit();
}

const stopping = shutdownSignal(SHUTDOWN_MS);
try {
  const environment = loadEnvironment(process.env);
  const log = createLogger('connector', environment.LOG_LEVEL);
  const connector = await startConnector(environment, {
    ...{ log, now: Date.now, sleep, dryRun: values['dry-run'] },
  });
  await aborted(stopping);
  await connector.stop();
} catch (error) {
  createLogger('connector').fatal({ code: (error as { code?: string }).code }, messageOf(error));
  process.exitCode = 1;
}
process.exit();
