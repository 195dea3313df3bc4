import { readFile } from 'node:fs/promises';
import { messageOf } from './errors.ts';
import { sleep } from './shutdown.ts';

/** Contents of PEM files, by what they are for. */
export type TlsFiles<Name extends string> = Readonly<Record<Name, Buffer>>;

/** Reads all of `paths`. */
export async function readTlsFiles<Name extends string>(
  paths: Readonly<Record<Name, string>>,
): Promise<TlsFiles<Name>> {
  const entries = Object.entries<string>(paths).map(async ([name, path]) => [name, await readFile(path)]);
  return Object.fromEntries(await Promise.all(entries)) as TlsFiles<Name>;
}

export interface TlsFilesHandlers<Name extends string> {
  /** Puts the files in force; throws when they do not fit together. */
  renew(files: TlsFiles<Name>): void;
  /** Why the newest files are not in force, once for each reason. */
  failed(reason: string): void;
}

/**
 * Looks at the files every `intervalMs` milliseconds until `signal` is aborted, and renews when any of them differs from
 * what is in force, at first `current`. Files are read rather than watched: a Secret volume swaps a symbolic link, which
 * file events miss. Those that cannot be read or do not fit together (seen in the middle of a swap, it may be) leave the
 * old ones in force until the next look. Never rejects.
 */
export async function watchTlsFiles<Name extends string>(
  paths: Readonly<Record<Name, string>>,
  current: TlsFiles<Name>,
  options: { intervalMs: number; signal: AbortSignal; sleep?: typeof sleep },
  handlers: TlsFilesHandlers<Name>,
): Promise<void> {
  const wait = options.sleep ?? sleep;
  let inForce = current;
  let complaint: string | undefined;
  while (!options.signal.aborted) {
    await wait(options.intervalMs, options.signal).catch(() => undefined);
    if (options.signal.aborted) return;
    try {
      const next = await readTlsFiles(paths);
      if (!isSame(next, inForce)) handlers.renew(next);
      inForce = next;
      complaint = undefined;
    } catch (error) {
      const reason = messageOf(error);
      if (reason !== complaint) handlers.failed(reason);
      complaint = reason;
    }
  }
}

const isSame = <Name extends string>(one: TlsFiles<Name>, other: TlsFiles<Name>): boolean =>
  Object.entries<Buffer>(one).every(([name, bytes]) => bytes.equals(other[name as Name]));
