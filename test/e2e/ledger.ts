/** The sandbox as a process of its own, for the stack and for the node alike. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { SandboxInfo } from '../sandbox/sandbox.ts';
import { exampleMarket } from './examples.ts';
import { running, start, waitFor } from './processes.ts';
import type { Endpoint, Market } from './trade.ts';

const NAME = 'sandbox';
/** The network's name in the example and in the connector's configuration. */
export const NETWORK = 'sandbox';

const infoFile = (folder: string): string => join(folder, NAME, 'sandbox.json');

/** What the ledger that runs in `folder` told when it was ready. */
export const ledgerIn = (folder: string): SandboxInfo =>
  JSON.parse(readFileSync(infoFile(folder), 'utf8')) as SandboxInfo;

/**
 * Starts the ledger, if it does not run, with `options` of test/sandbox/main.ts, and waits until it is ready. `prefix`
 * goes before the command, to run it elsewhere.
 */
export async function startLedger(
  folder: string,
  options: readonly string[],
  { prefix = [], env = process.env }: { prefix?: string[]; env?: Record<string, string | undefined> } = {},
): Promise<SandboxInfo> {
  if (!running(folder).includes(NAME)) {
    rmSync(infoFile(folder), { force: true });
    const command = [process.execPath, 'test/sandbox/main.ts', '--state-dir', join(folder, NAME), ...options];
    start(folder, NAME, [...prefix, ...command], env);
  }
  // Not there, or not whole yet, is both an error to be tried again.
  const ready = async (): Promise<SandboxInfo> => ledgerIn(folder);
  const watched = { folder, name: NAME };
  return waitFor('waiting for the ledger', ready, { deadlineMs: 60_000, process: watched });
}

/** The ledger as a client dials it. */
export const horizonOf = ({ host, address, port, caFile }: SandboxInfo): Endpoint => ({
  host,
  address,
  port,
  ca: readFileSync(caFile, 'utf8'),
});

/** The example's market on this ledger, and how much of it a demonstration sells. */
export const marketOf = ({ networkPassphrase }: SandboxInfo, account: string): Market => ({
  chainNetwork: `stellar-${NETWORK}`,
  networkPassphrase,
  account,
  ...exampleMarket(),
  amount: '10',
});
