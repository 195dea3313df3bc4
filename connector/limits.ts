import { messageOf } from '../common/errors.ts';
import { watchText } from '../common/watch-file.ts';
import { type ConnectorFile, limits, parseJsonFile } from './config.ts';

/** What is in force of what the policies bound, with the percentile of the configuration. */
export type LimitsInForce = ConnectorFile['fees'];

/**
 * The limits of the configuration, or those of the file that the operator writes from the policies, re-read until the
 * signal. A file that cannot be read leaves the last good one in force: the signer refuses what is beyond its policy.
 */
export function watchLimits(
  path: string | undefined,
  configured: LimitsInForce,
  handlers: { changed(now: LimitsInForce): void; failed(reason: string): void },
  signal: AbortSignal,
): LimitsInForce {
  let inForce = configured;
  if (path !== undefined) {
    const changed = (text: string): void => {
      inForce = { ...parseJsonFile(limits, text, 'the limits file'), percentile: configured.percentile };
      handlers.changed(inForce);
    };
    const failed = (error: unknown): void => handlers.failed(messageOf(error));
    watchText(path, 1_000, { changed, failed }, signal);
  }
  // Read anew at each use, so that whoever has it needs to know nothing of the file.
  return {
    get perOperation() {
      return inForce.perOperation;
    },
    get perTransaction() {
      return inForce.perTransaction;
    },
    get window() {
      return inForce.window;
    },
    get maxOperations() {
      return inForce.maxOperations;
    },
    get maxTimeBoundSeconds() {
      return inForce.maxTimeBoundSeconds;
    },
    percentile: configured.percentile,
  };
}
