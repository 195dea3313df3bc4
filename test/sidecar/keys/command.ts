import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import type { Io } from '../../../sidecar/cli.ts';
import { ceremonyError } from '../../../sidecar/keys/errors.ts';
import { type CeremonyModules, keysCommand } from '../../../sidecar/keys/main.ts';
import type { Read } from '../../../sidecar/keys/terminal.ts';

/** Reads a stream of a test as a descriptor is read: what is not taken stays. */
export const readStream =
  (stream: Readable): Read =>
  async (into, signal) => {
    for (;;) {
      if (signal.aborted) throw ceremonyError('aborted', 'aborted');
      const chunk = stream.read() as Buffer | null;
      if (chunk !== null) {
        const taken = chunk.copy(into);
        if (taken < chunk.length) stream.unshift(chunk.subarray(taken));
        return taken;
      }
      if (stream.readableEnded) return 0;
      await Promise.race([once(stream, 'readable'), once(stream, 'end'), once(signal, 'abort')]);
    }
  };

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
  /** What the terminal was told: raw mode on, off. */
  raw: boolean[];
}

export interface RunOptions {
  /** All of a pipe; absent with `type`. */
  stdin?: string;
  /** A person at a terminal: answers each prompt that matches, once, in order. */
  type?: readonly (readonly [RegExp, string | ((screen: string) => string)])[];
  /** Whether stdout is that terminal too. */
  seesOutput?: boolean;
  env?: Record<string, string>;
  modules?: Partial<CeremonyModules>;
  signal?: AbortSignal;
}

/** Runs `signer keys …` in this process with streams of its own. */
export async function run(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const stdin = new PassThrough();
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const out: string[] = [];
  const err: string[] = [];
  const raw: boolean[] = [];
  const answers = [...(options.type ?? [])];
  stdout.on('data', (chunk) => out.push(String(chunk)));
  stderr.on('data', (chunk) => {
    err.push(String(chunk));
    const [next] = answers;
    if (next === undefined || !next[0].test(String(chunk))) return;
    answers.shift();
    const text = typeof next[1] === 'string' ? next[1] : next[1](out.join('') + err.join(''));
    setImmediate(() => stdin.write(text));
  });
  if (options.type === undefined) stdin.end(options.stdin ?? '');
  const terminal =
    options.type === undefined ? {} : { isTTY: true, setRawMode: (on: boolean) => raw.push(on) };
  const io = {
    stdin: Object.assign(stdin, terminal),
    stdout: Object.assign(
      stdout,
      options.type !== undefined && options.seesOutput !== false && { isTTY: true },
    ),
    stderr,
    env: options.env ?? {},
    signal: options.signal ?? new AbortController().signal,
  } as unknown as Io;
  const code = await keysCommand(args, io, {
    now: () => new Date(),
    read: readStream(stdin),
    ...options.modules,
  });
  return { code, stdout: out.join(''), stderr: err.join(''), raw };
}
