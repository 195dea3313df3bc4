import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('p11fault.c', import.meta.url));
const CACHE = fileURLToPath(new URL('../../.state/p11fault', import.meta.url));
const HEADERS = '/usr/include/p11-kit-1';

/** Path of the module that puts faults in front of another one; built when its source has changed. */
function faultModule(): string {
  const hash = createHash('sha256').update(readFileSync(SOURCE)).digest('hex').slice(0, 16);
  const built = join(CACHE, `p11fault-${hash}.so`);
  if (existsSync(built)) return built;
  if (!existsSync(HEADERS)) throw new Error('install the package libp11-kit-dev: its headers are missing');
  mkdirSync(CACHE, { recursive: true });
  const partial = `${built}.${process.pid}`;
  execFileSync(
    'gcc',
    ['-O2', '-Wall', '-shared', '-fPIC', '-o', partial, SOURCE, `-I${HEADERS}`, '-ldl', '-lpthread'],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  renameSync(partial, built);
  return built;
}

export interface FaultShim {
  /** Path of the module, to be used in place of the real one. */
  module: string;
  /** What it reads; it is set in this process already. */
  env: Record<string, string>;
  /** Faults from now on: lines of `function CK_RV count delay(us)`; without any, every call passes. */
  set(...lines: string[]): void;
  /** How often the function was called since the last `forget`. */
  calls(name: string): number;
  forget(): void;
  /** Takes it out of this process' environment. */
  remove(): void;
}

/** The module with faults in front of `real`; its files are in `dir`. One at a time in a process. */
export function useFaults(real: string, dir: string): FaultShim {
  const [control, log] = [join(dir, 'faults'), join(dir, 'calls')];
  const env = { P11FAULT_MODULE: real, P11FAULT_CTL: control, P11FAULT_LOG: log };
  let generation = 0;
  const set = (...lines: string[]): void => {
    // The module looks at time, size and inode: two writes within one tick of the file system's clock must differ.
    const padding = '\n'.repeat(1 + (generation++ % 50));
    writeFileSync(`${control}.new`, `${lines.join('\n')}${padding}`);
    renameSync(`${control}.new`, control);
  };
  const forget = (): void => writeFileSync(log, '');
  set();
  forget();
  Object.assign(process.env, env);
  return {
    module: faultModule(),
    env,
    set,
    forget,
    calls: (name) =>
      readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => line === name).length,
    remove() {
      for (const variable of Object.keys(env)) delete process.env[variable];
    },
  };
}
