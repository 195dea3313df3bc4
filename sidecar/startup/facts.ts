import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { url } from 'node:inspector';
import { CodedError } from '../../common/errors.ts';
import type { Logger } from '../../common/log.ts';
import { type FileFacts, fileFacts, self } from '../../common/secret-file.ts';
import type { SignerConfig } from '../config.ts';
import { type CoreFacts, isWithoutCore, judgeStart, type StartFacts, type StartFault } from './judge.ts';

const PRLIMIT = '/usr/bin/prlimit';
const PRLIMIT_MS = 2_000;

/**
 * Closes what can be closed from inside, looks at what is left and refuses what is unsafe.
 * @returns what a person should know of
 * @throws CodedError with the code of the first refusal; its message has all of them
 */
export function startSafely(config: SignerConfig, log: Pick<Logger, 'warn'>): StartFault[] {
  // Without a handler Node opens its inspector on this signal, for whoever may send one.
  process.on('SIGUSR1', () => log.warn('SIGUSR1 does nothing here'));
  const { refused, warned } = judgeStart(gatherStart(config));
  const [first] = refused;
  if (first === undefined) return warned;
  const lines = refused.map(({ code, message }) => `${code}: ${message}`);
  throw new CodedError(first.code, `the start is not safe:\n  ${lines.join('\n  ')}`);
}

function gatherStart(config: SignerConfig): StartFacts {
  const { report } = process;
  return {
    env: process.env,
    execArgv: process.execArgv,
    inspectorUrl: url(),
    isReporting: report.reportOnFatalError || report.reportOnSignal || report.reportOnUncaughtException,
    self: self(),
    secretFiles: secretFiles(config).flatMap(factsIfThere),
    core: withoutCore(),
    vaultAddress: config.backend.type === 'vault' ? config.backend.address : undefined,
  };
}

function secretFiles({ tls, backend }: SignerConfig): string[] {
  if (backend.type === 'pkcs11') return [tls.keyFile, backend.pinFile];
  const { auth } = backend;
  if ('kubernetes' in auth) return [tls.keyFile, auth.kubernetes.jwtFile];
  return [tls.keyFile, 'appRole' in auth ? auth.appRole.secretIdFile : auth.tokenFile];
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
