import { messageOf } from '../common/errors.ts';
import { createLogger } from '../common/log.ts';
import { aborted, shutdownSignal, sleep } from '../common/shutdown.ts';
import { loadEnvironment } from './config.ts';
import { startConnector } from './connector.ts';

/** After a signal; below the kubelet's usual grace period of 30 s. */
const SHUTDOWN_MS = 28_000;

const stopping = shutdownSignal(SHUTDOWN_MS);
try {
  const environment = loadEnvironment(process.env);
  const log = createLogger('connector', environment.LOG_LEVEL);
  const connector = await startConnector(environment, { log, now: Date.now, sleep });
  await aborted(stopping);
  await connector.stop();
} catch (error) {
  createLogger('connector').fatal({ code: (error as { code?: string }).code }, messageOf(error));
  process.exitCode = 1;
}
process.exit();
