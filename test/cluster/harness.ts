import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Runs the harness's command line on a state folder of its own, even from inside another cluster of ours. */
export function cli(
  state: string,
  ...args: string[]
): Promise<{ code: number | null; out: string; err: string }> {
  const { STELLAR_TEST_KUBECONFIG: _file, STELLAR_TEST_CONTEXT: _context, ...env } = process.env;
  return new Promise((resolve, reject) => {
    const main = join(import.meta.dirname, 'main.ts');
    const child = spawn(process.execPath, [main, '--state', state, ...args], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

/** The processes whose command line names a folder. */
export function processesNaming(folder: string): { pid: number; command: string }[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return [];
    try {
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
      return command.includes(folder) ? [{ pid: Number(name), command }] : [];
    } catch {
      return []; // It ended meanwhile.
    }
  });
}
