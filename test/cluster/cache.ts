import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { sleep } from '../../common/shutdown.ts';
import { cacheRoot } from './layout.ts';

export type Report = (line: string) => void;

export interface CachedPart {
  name: string;
  /** Everything the result depends on; its hash is part of the folder's name. */
  inputs: readonly string[];
  /** How long it usually takes, as people say it. */
  usually: string;
  /** How many versions stay when a new one is built, the last used ones; all if absent. */
  keep?: number;
  /** Fills the empty folder `dir`. */
  build(dir: string, signal: AbortSignal, report: Report): Promise<void>;
}

const PROGRESS_MS = 5000;

/** The folder of a part in the cache, whether it is built or not. */
export function cachedPath(part: Pick<CachedPart, 'name' | 'inputs'>): string {
  const hash = createHash('sha256').update(JSON.stringify(part.inputs)).digest('hex').slice(0, 16);
  return join(cacheRoot(), `${part.name}-${hash}`);
}

/**
 * The folder of a part, built first if it is not there. It appears under its name only when it is whole, and a lock
 * file keeps a second clone from building the same part: that one waits and then finds it built.
 */
export async function cached(part: CachedPart, report: Report, signal: AbortSignal): Promise<string> {
  const target = cachedPath(part);
  if (existsSync(target)) {
    if (part.keep !== undefined) utimesSync(target, new Date(), new Date());
    return target;
  }
  const release = await lockFile(
    basename(target),
    `${part.name}: another clone builds it, waiting`,
    report,
    signal,
  );
  try {
    if (existsSync(target)) return target;
    const temporary = mkdtempSync(join(cacheRoot(), `.building-${part.name}-`));
    const started = Date.now();
    const line = (): void =>
      report(
        `${part.name}: building, ${Math.round((Date.now() - started) / 1000)} s, usually ${part.usually}`,
      );
    const timer = setInterval(line, PROGRESS_MS);
    try {
      line();
      await part.build(temporary, signal, report);
      renameSync(temporary, target);
    } finally {
      clearInterval(timer);
      rmSync(temporary, { recursive: true, force: true });
    }
    prune(part);
    report(`${part.name}: built in ${Math.round((Date.now() - started) / 1000)} s`);
    return target;
  } finally {
    release();
  }
}

/** Removes the versions of a part that were not used for longest; `cached` marks each use. */
function prune({ name, keep }: CachedPart): void {
  if (keep === undefined) return;
  const versions = readdirSync(cacheRoot())
    .filter((entry) => entry.startsWith(`${name}-`) && /^[0-9a-f]{16}$/.test(entry.slice(name.length + 1)))
    .map((entry) => join(cacheRoot(), entry))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  for (const old of versions.slice(keep)) rmSync(old, { recursive: true, force: true });
}

/** Holds a kernel lock on a file through flock(1) until the returned function is called or this process ends. */
async function takeLock(
  file: string,
  waiting: string,
  report: Report,
  signal: AbortSignal,
): Promise<() => void> {
  for (let waited = 0; ; waited += 500) {
    signal.throwIfAborted();
    const release = await tryLock(file);
    if (release) return release;
    if (waited % PROGRESS_MS === 0) report(waiting);
    await sleep(500, signal);
  }
}

function tryLock(file: string): Promise<(() => void) | undefined> {
  return new Promise((resolve, reject) => {
    // cat ends when its input does, so the lock goes with this process, however it ends.
    const script = 'echo held; exec cat';
    const child = spawn('flock', ['--exclusive', '--nonblock', file, 'sh', '-c', script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    child.on('error', reject);
    child.stdout.once('data', () => resolve(() => child.stdin.end()));
    child.on('exit', () => resolve(undefined));
  });
}

/** Takes the lock of a name, which all clones that share the cache know, and returns what gives it back. */
export function lockFile(
  name: string,
  waiting: string,
  report: Report,
  signal: AbortSignal,
): Promise<() => void> {
  const folder = join(cacheRoot(), 'locks');
  mkdirSync(folder, { recursive: true });
  return takeLock(join(folder, name), waiting, report, signal);
}
