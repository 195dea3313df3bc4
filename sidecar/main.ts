import { parseArgs } from 'node:util';
import { loadConfig } from '../common/config.ts';
import { createLogger } from '../common/log.ts';
import { shutdownSignal } from '../common/shutdown.ts';
import { configSchema } from './config.ts';
import { run } from './run.ts';

const SHUTDOWN_DEADLINE_MS = 20_000;

const { values } = parseArgs({ options: { help: { type: 'boolean' } } });
if (values.help === true) {
  const names = Object.keys(configSchema.shape).map((name) => `  STELLAR_${name}`);
  process.stdout.write(
    `signer: signs what the policies allow. Configuration by environment:\n${names.join('\n')}\n`,
  );
} else {
  // Nothing that this process creates is for anybody else; the socket's mode is set where it is made.
  process.umask(0o077);
  let log = createLogger('signer');
  try {
    const config = loadConfig(configSchema, process.env);
    log = createLogger('signer', config.LOG_LEVEL);
    await run(config, log, shutdownSignal(SHUTDOWN_DEADLINE_MS));
    process.exit(0);
  } catch (err) {
    log.error({ err }, 'the signer ends');
    process.exit(1);
  }
}
