import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import inspector from 'node:inspector';
import { ceremonyError } from './errors.ts';

/**
 * Keeps memory where it is: no inspector, and no core dumps. Node cannot set its own limits, `prlimit` of util-linux can; 1
 * is less than a page, and counts for a handler behind a pipe too, which 0 does not (core(5)).
 * @throws CodedError `secret-exposed` while an inspector is open
 */
export function protectProcess(warn: (text: string) => void): void {
  if (inspector.url() !== undefined)
    throw ceremonyError(
      'secret-exposed',
      'an inspector is open, which shows all memory: start without --inspect',
    );
  if (coreLimit() === '1') return;
  spawnSync('prlimit', ['--core=1:1', '--pid', String(process.pid)], { stdio: 'ignore', env: {} });
  if (coreLimit() !== '1')
    warn('warning: core dumps could not be turned off; start it by `prlimit --core=1:1 signer keys …`');
}

/** The soft limit; undefined where there is no /proc. */
function coreLimit(): string | undefined {
  try {
    return /^Max core file size\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}
