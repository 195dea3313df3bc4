import type { Server } from 'node:https';
import type { ListenAddress } from '../common/config.ts';
import { CodedError, messageOf } from '../common/errors.ts';
import { type HealthModules, renewHealth, startHealth } from '../common/health.ts';
import type { Logger } from '../common/log.ts';
import type { Registry } from '../common/metrics.ts';
import { fileFacts, secretFileFault, self } from '../common/secret-file.ts';
import { sleep } from '../common/shutdown.ts';
import { readTlsFiles, watchTlsFiles } from '../common/tls-files.ts';
import { whyNothing } from './journal/identity.ts';
import type { Journal } from './journal/journal.ts';
import { spaceWarning } from './journal/upkeep.ts';
import type { KeptKeystore } from './keystore/opening.ts';
import type { PolicySet } from './policy/load.ts';

export interface SignerState {
  account: string;
  networkPassphrase: string;
  keystore: Pick<KeptKeystore, 'fault'>;
  journal: Pick<Journal, 'fault' | 'head' | 'id' | 'standing' | 'checkpoint' | 'expected' | 'freeShare'>;
  policies: () => PolicySet;
  /** A real signature in the key store, at most one a second. */
  probe: () => Promise<void>;
  registry: Registry;
}

/**
 * What /readyz and /status say. Ready means: a signature was made just now, and the journal takes lines. It stays ready
 * while windows count as full after a loss: deletions of offers pass then, and a pod that is not ready gets none.
 */
export function healthModules(state: SignerState): HealthModules {
  return {
    registry: state.registry,
    async ready() {
      const { journal, keystore } = state;
      const say = (fault: string | undefined): void => {
        if (fault !== undefined) throw new Error(fault);
      };
      say(journal.fault() ?? whyNothing(journal.standing()));
      // Asked also of a key that was refused before: nothing else might ever show that it is usable again.
      await state.probe();
      say(keystore.fault());
    },
    status: () => ({
      account: state.account,
      networkPassphrase: state.networkPassphrase,
      keystore: { fault: state.keystore.fault() },
      policies: named(state.policies()),
      policyFault: state.policies().fault,
      journal: journalStatus(state.journal),
    }),
  };
}

function journalStatus(journal: SignerState['journal']) {
  const standing = journal.standing();
  const expected = journal.expected();
  return {
    id: journal.id,
    head: journal.head(),
    checkpoint: journal.checkpoint(),
    standing: standing.state,
    secondsLeft: standing.state === 'waiting' ? standing.seconds : undefined,
    // The record that was read, empty where the operator has none; absent while it cannot be read.
    expected: typeof expected === 'object' ? (expected.recorded ?? {}) : undefined,
    freeShare: journal.freeShare(),
    warning: spaceWarning(journal.freeShare()),
    fault: journal.fault(),
  };
}

/** Name and hash (SHA-256 of the file) of the policies in force. */
export const named = ({ policies }: PolicySet): { name: string; hash: string }[] =>
  policies.map(({ name, hash }) => ({ name, hash }));

/** The start has judged one that was there then; this is for one that comes later, and for each that replaces it. */
function checkRights(keyFile: string): void {
  const fault = secretFileFault(fileFacts(keyFile), self());
  if (fault !== undefined) throw new CodedError('secret-exposed', fault);
}

export interface HealthFiles {
  address: ListenAddress;
  certFile: string;
  keyFile: string;
}

/**
 * Starts the TLS port as soon as its files are there, and puts renewed ones in force: neither a Secret that comes late nor
 * a rotation needs a restart.
 * @returns undefined when the signal was aborted first
 */
export async function startHealthWhenPossible(
  { address, certFile, keyFile }: HealthFiles,
  modules: HealthModules,
  options: { retryMs: number; renewMs: number; signal: AbortSignal; log: Pick<Logger, 'info' | 'error'> },
): Promise<Server | undefined> {
  const paths = { cert: certFile, key: keyFile };
  let complaint: string | undefined;
  while (!options.signal.aborted) {
    try {
      const files = await readTlsFiles(paths);
      checkRights(keyFile);
      const server = await startHealth({ address, ...files }, modules);
      options.log.info({ address: server.address() }, 'health port is open');
      void watchTlsFiles(
        paths,
        files,
        { intervalMs: options.renewMs, signal: options.signal },
        {
          renew(next) {
            checkRights(keyFile);
            renewHealth(server, next);
            options.log.info('new certificate files in force');
          },
          failed: (reason) => options.log.error({ reason }, 'new certificate files refused'),
        },
      );
      return server;
    } catch (error) {
      if (messageOf(error) !== complaint)
        options.log.error({ err: error }, 'health port cannot be opened yet');
      complaint = messageOf(error);
      await sleep(options.retryMs, options.signal).catch(() => undefined);
    }
  }
  return undefined;
}
