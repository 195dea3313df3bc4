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
  options: TlsFilesOptions,
  handlers: TlsFilesHandlers<Name>,
): Promise<void> {
  await watch(createLook(paths, current, handlers), true, options);
}

/**
 * Puts the files in force as soon as all of them are there and fit together: at once, it may be (that first look is over
 * when this resolves), or later; then watches them as `watchTlsFiles`. `ended` resolves after `signal` was aborted.
 */
export async function startTlsFiles<Name extends string>(
  paths: Readonly<Record<Name, string>>,
  options: TlsFilesOptions,
  handlers: TlsFilesHandlers<Name>,
): Promise<{ ended: Promise<void> }> {
  const look = createLook(paths, undefined, handlers);
  return { ended: watch(look, await look(), options) };
}

export interface TlsFilesOptions {
  intervalMs: number;
  signal: AbortSignal;
  sleep?: typeof sleep;
}

/** While there are no files yet, they are looked for this often, milliseconds. */
const MISSING_MS = 1_000;

/** Looks once; whether any files are in force after it. */
type Look = () => Promise<boolean>;

function createLook<Name extends string>(
  paths: Readonly<Record<Name, string>>,
  current: TlsFiles<Name> | undefined,
  handlers: TlsFilesHandlers<Name>,
): Look {
  let inForce = current;
  let complaint: string | undefined;
  return async () => {
    try {
      const next = await readTlsFiles(paths);
      if (inForce === undefined || !isSame(next, inForce)) handlers.renew(next);
      inForce = next;
      complaint = undefined;
    } catch (error) {
      const reason = messageOf(error);
      if (reason !== complaint) handlers.failed(reason);
      complaint = reason;
    }
    return inForce !== undefined;
  };
}

async function watch(look: Look, begun: boolean, options: TlsFilesOptions): Promise<void> {
  const { intervalMs, signal, sleep: wait = sleep } = options;
  for (let found = begun; !signal.aborted; ) {
    await wait(found ? intervalMs : Math.min(intervalMs, MISSING_MS), signal).catch(() => undefined);
    if (!signal.aborted) found = await look();
  }
}

const isSame = <Name extends string>(one: TlsFiles<Name>, other: TlsFiles<Name>): boolean =>
  Object.entries<Buffer>(one).every(([name, bytes]) => bytes.equals(other[name as Name]));
