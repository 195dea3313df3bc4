/**
 * The stock Hummingbot client from PyPI in a virtual environment of its own, in the cache that all clones share. The
 * client comes as source only and is compiled here, which is what takes the time.
 */
import { execFile, spawn } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type CachedPart, cached, cachedPath, type Report } from '../cluster/cache.ts';

const run = promisify(execFile);

const FILES = ['requirements-build.txt', 'requirements.txt'].map((name) => join(import.meta.dirname, name));

/** Says a Python's version and whether it can make an environment and has the headers that compiling needs. */
const PROBE = `import ensurepip, os, sys, sysconfig, venv
print('%d.%d' % sys.version_info[:2], os.path.exists(os.path.join(sysconfig.get_path('include'), 'Python.h')))`;

/** The first Python 3.12 that can build the client. @throws with what to install, when there is none */
async function python(env: NodeJS.ProcessEnv): Promise<string> {
  const roots = new Set([env.PYENV_ROOT, join(homedir(), '.pyenv')].filter((root) => root !== undefined));
  const ofPyenv = [...roots].flatMap((root) => globSync(join(root, 'versions/3.12.*/bin/python3.12')));
  for (const candidate of ['python3.12', ...ofPyenv.sort().reverse()]) {
    const told = await run(candidate, ['-c', PROBE]).catch(() => undefined);
    if (told?.stdout.trim() === '3.12 True') return candidate;
  }
  throw new Error('the client needs CPython 3.12 with its headers and venv: put python3.12 on the PATH');
}

async function compiler(): Promise<void> {
  await run('g++', ['--version']).catch((cause: unknown) => {
    throw new Error('the client is compiled here: install g++ (Debian: the package g++)', { cause });
  });
}

/** Runs a program with its output shown on standard error. */
function shown(program: string, args: string[], signal: AbortSignal): Promise<void> {
  const child = spawn(program, args, { stdio: ['ignore', 2, 2], signal });
  return new Promise((done, fail) =>
    child
      .on('error', fail)
      .on('close', (code) =>
        code === 0 ? done() : fail(new Error(`${program} ${args.join(' ')} ended with ${code}`)),
      ),
  );
}

const CLIENT: CachedPart = {
  name: 'hummingbot-20260922',
  inputs: FILES.map((file) => readFileSync(file, 'utf8')),
  usually: '10 minutes',
  keep: 1,
  async build(dir, signal, report) {
    await compiler();
    await run(await python(process.env), ['-m', 'venv', dir], { signal });
    // Build tools first and no isolation: an isolated build would fetch whatever version is newest that day.
    const pip = ['-m', 'pip', 'install', '--quiet', '--no-input', '--require-hashes', '--no-build-isolation'];
    for (const file of FILES) {
      report(`installing ${file}`);
      await shown(join(dir, 'bin/python'), [...pip, '-r', file], signal);
    }
    report('importing the client');
    const imports = 'import hummingbot.connector.gateway.gateway, hummingbot.core.event.event_forwarder';
    await shown(join(dir, 'bin/python'), ['-c', imports], signal);
  },
};

/** Fills the cache if it is cold. Its folder appears only when the client was installed and imported. */
export const installClient = (report: Report, signal: AbortSignal): Promise<string> =>
  cached(CLIENT, report, signal);

/** The client's Python, or undefined while the cache is cold. */
export function clientPython(): string | undefined {
  const python_ = join(cachedPath(CLIENT), 'bin/python');
  return existsSync(python_) ? python_ : undefined;
}
