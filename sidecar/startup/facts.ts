import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { url } from 'node:inspector';
import { CodedError } from '../../common/errors.ts';
import { type FileFacts, fileFacts, self } from '../../common/secret-file.ts';
import type { SignerConfig } from '../config.ts';
import type { VaultAuth } from '../keystore/vault/options.ts';
import { type CoreFacts, isWithoutCore, judgeStart, type StartFault } from './judge.ts';

const PRLIMIT = '/usr/bin/prlimit';
const PRLIMIT_MS = 2_000;

/** What is particular to a command: paths of its secret files, and the address of Vault if it goes there. */
export interface StartOptions {
  secretFiles: readonly string[];
  vaultAddress?: string | undefined;
}

/**
 * Closes what can be closed from inside, looks at what is left and refuses what is unsafe. `warn` gets what a person should
 * know of.
 * @throws CodedError with the code of the first refusal; its message has all of them
 */
export function startSafely(
  { secretFiles, vaultAddress }: StartOptions,
  warn: (fault: StartFault) => void,
): void {
  // Without a handler Node opens its inspector on this signal, for whoever may send one.
  process
    .removeAllListeners('SIGUSR1')
    .on('SIGUSR1', () => warn({ code: 'inspector-open', message: 'SIGUSR1 opens no inspector here' }));
  const { report } = process;
  const { refused, warned } = judgeStart({
    env: process.env,
    execArgv: process.execArgv,
    inspectorUrl: url(),
    isReporting: report.reportOnFatalError || report.reportOnSignal || report.reportOnUncaughtException,
    self: self(),
    secretFiles: secretFiles.flatMap(factsIfThere),
    core: withoutCore(),
    vaultAddress,
  });
  warned.forEach(warn);
  const [first] = refused;
  if (first === undefined) return;
  const lines = refused.map(({ code, message }) => `${code}: ${message}`);
  throw new CodedError(first.code, `the start is not safe:\n  ${lines.join('\n  ')}`);
}

/** What `run` must be safe with. */
export function exposureOf({ tls, backend }: SignerConfig): StartOptions {
  if (backend.type === 'pkcs11') return { secretFiles: [tls.keyFile, backend.pinFile] };
  return { secretFiles: [tls.keyFile, ...vaultFiles(backend.auth)], vaultAddress: backend.address };
}

function vaultFiles(auth: VaultAuth): string[] {
  if ('kubernetes' in auth) return [auth.kubernetes.jwtFile];
  if ('tokenFile' in auth) return [auth.tokenFile];
  const { secretIdFile, roleIdFile } = auth.appRole;
  return roleIdFile === undefined ? [secretIdFile] : [secretIdFile, roleIdFile];
}

/** One that comes later is judged when it is read. */
function factsIfThere(path: string): FileFacts[] {
  try {
    return [fileFacts(path)];
  } catch {
    return [];
  }
}

/** Switches core dumps off where util-linux is there; PR_SET_DUMPABLE cannot be reached from Node. */
function withoutCore(): CoreFacts {
  const before = coreFacts();
  if (isWithoutCore(before)) return before;
  spawnSync(PRLIMIT, ['--pid', String(process.pid), '--core=1:1'], {
    stdio: 'ignore',
    timeout: PRLIMIT_MS,
    env: {},
  });
  return coreFacts();
}

function coreFacts(): CoreFacts {
  const [, soft] = /^Max core file size\s+(\S+)/m.exec(readOr('/proc/self/limits', '')) ?? [];
  const pattern = readOr('/proc/sys/kernel/core_pattern', undefined);
  return { soft: soft === undefined ? undefined : soft === 'unlimited' ? Infinity : Number(soft), pattern };
}

function readOr<Default>(path: string, otherwise: Default): string | Default {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}
