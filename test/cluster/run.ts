import { type SpawnOptions, spawn } from 'node:child_process';

export interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  input?: string;
  signal?: AbortSignal;
}

const SHOWN_LETTERS = 100;

/** A command line for a message; an argument may be a whole script. */
const shown = (command: string, args: readonly string[]): string =>
  [command, ...args]
    .map((part) => (part.length > SHOWN_LETTERS ? `${part.slice(0, SHOWN_LETTERS).trim()}…` : part))
    .join(' ');

/** Runs a program to its end and returns what it printed; a failure's message carries the end of its output. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.env === undefined ? {} : { env: options.env }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err = (err + text).slice(-8000);
    });
    child.on('error', (cause) => reject(new Error(`${command} could not run: ${cause.message}`, { cause })));
    child.on('close', (code, signal) => {
      if (code === 0) return resolve(out);
      reject(new Error(`${shown(command, args)} ended with ${code ?? signal}\n${(err || out).trim()}`));
    });
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
  });
}

/** Runs a program on this process's own terminal; resolves with its exit code (128 + n after signal n). */
export function passThrough(
  command: string,
  args: readonly string[],
  options: SpawnOptions,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: 'inherit' });
    // A terminal sends Ctrl-C to both; a plain kill reaches only us.
    const forward = (signal: NodeJS.Signals): void => {
      child.kill(signal);
    };
    process.on('SIGTERM', forward).on('SIGINT', () => {});
    child.on('error', reject);
    child.on('close', (code, signal) => {
      process.off('SIGTERM', forward);
      resolve(code ?? 128 + (signal === 'SIGINT' ? 2 : signal === 'SIGTERM' ? 15 : 9));
    });
  });
}
