#!/usr/bin/env -S node --disable-sigusr1 --disable-warning=ExperimentalWarning
import { isCoded } from '../common/errors.ts';
import { createLogger } from '../common/log.ts';
import { endAtOnce, shutdownSignal } from '../common/shutdown.ts';
import { EXIT, type Io, signer } from './cli.ts';
import type { Sources } from './config/sources.ts';
import { loadSignerConfig } from './config.ts';
import { exposureOf, startSafely } from './startup/facts.ts';

const SHUTDOWN_DEADLINE_MS = 20_000;

async function run(sources: Sources, { signal }: Io): Promise<number> {
  let log = createLogger('signer');
  try {
    const config = loadSignerConfig(sources);
    log = createLogger('signer', config.logLevel);
    startSafely(exposureOf(config), ({ code, message }) => log.warn({ code }, message));
    // Loaded here, so that no other command loads the key store's native addon.
    const { run: serve } = await import('./run.ts');
    await serve(config, log, signal);
    return EXIT.ok;
  } catch (err) {
    log.error({ err }, 'the signer ends');
    // `process.exit` would wait for the thread of the call that hangs.
    if (isCoded(err, 'keystore-hung')) endAtOnce();
    return EXIT.failed;
  }
}

async function check(sources: Sources, { stdout }: Io): Promise<number> {
  startSafely(exposureOf(loadSignerConfig(sources)), ({ code, message }) =>
    stdout.write(`warning ${code}: ${message}\n`),
  );
  stdout.write('the configuration is usable\n');
  return EXIT.ok;
}

// Nothing that this process creates is for anybody else; the socket's mode is set where it is made.
process.umask(0o077);
const { stdin, stdout, stderr, env } = process;
const io = { stdin, stdout, stderr, env, signal: shutdownSignal(SHUTDOWN_DEADLINE_MS) };
process.exit(await signer(process.argv.slice(2), io, { run, check }));
