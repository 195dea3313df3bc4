import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Horizon, TransactionBuilder } from '@stellar/stellar-sdk';
import { Agent, getGlobalDispatcher, setGlobalDispatcher } from 'undici';
import type { z } from 'zod';
import { type Sandbox, startSandbox } from '../sandbox.ts';
import { book, PASSPHRASE, scenario, strictSend, trader } from '../testing.ts';
import { faultSchema } from './schema.ts';

export interface World {
  sandbox: Sandbox;
  /** The SDK as it is, on one of the endpoints. */
  server(endpoint?: string): Horizon.Server;
  url(endpoint: string): string;
  /** Switches a fault on as the admin interface would. */
  fault(fault: z.input<typeof faultSchema>, endpoint?: string): string;
  /** A transaction of the trader that the next ledger can take. */
  draft(operation?: ReturnType<typeof strictSend>, fee?: string): ReturnType<TransactionBuilder['build']>;
  /** Closes ledgers whenever something waits for one, until `work` is done. */
  closing<T>(work: Promise<T>): Promise<T>;
  reported: unknown[];
  stop(): Promise<void>;
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A sandbox whose ledgers close only when a test wants it. */
async function startWorld(): Promise<World> {
  const dir = await mkdtemp(join(tmpdir(), 'sandbox-faults-'));
  const reported: unknown[] = [];
  const sandbox = await startSandbox({
    scenario: scenario(book),
    stateDir: dir,
    listen: { host: '127.0.0.1', port: 0 },
    host: 'localhost',
    closeMs: 3_600_000,
    retain: 100,
    submitTimeoutMs: 400,
    streamAtOnce: true,
    clock: Date.now,
    report: (error) => reported.push(error),
  });
  const { network, faults, info } = sandbox;
  const dispatcher = getGlobalDispatcher();
  setGlobalDispatcher(new Agent({ connect: { ca: await readFile(info.caFile) } }));
  const url = (endpoint: string): string => info.endpoints.find(({ name }) => name === endpoint)!.url;
  return {
    sandbox,
    reported,
    url,
    server: (endpoint = 'horizon') => new Horizon.Server(url(endpoint)),
    fault: (fault, endpoint = 'horizon') => faults.add({ endpoint, fault: faultSchema.parse(fault) }).id,
    draft(operation = strictSend(), fee = '100') {
      const { sequence } = network.state.account(trader.publicKey())!;
      const account = { accountId: () => trader.publicKey(), sequenceNumber: () => String(sequence) };
      const source = { ...account, incrementSequenceNumber: () => undefined } as never;
      const transaction = new TransactionBuilder(source, { fee, networkPassphrase: PASSPHRASE })
        .addOperation(operation)
        .setTimeout(0)
        .build();
      transaction.sign(trader);
      return transaction;
    },
    async closing(work) {
      let done = false;
      const ended = work.then(
        () => undefined,
        () => undefined,
      );
      void ended.then(() => {
        done = true;
      });
      while (!done) {
        if (network.queue.pending().length > 0) network.close();
        await Promise.race([ended, pause(5)]);
      }
      return work;
    },
    async stop() {
      setGlobalDispatcher(dispatcher);
      await sandbox.stop();
      await rm(dir, { recursive: true });
    },
  };
}

/** A world for the tests of one suite, there from its first hook on; no fault outlives its test, and nothing is reported. */
export function useWorld(): World {
  const world = {} as World;
  before(async () => {
    Object.assign(world, await startWorld());
  });
  after(() => world.stop());
  afterEach(() => {
    world.sandbox.faults.remove();
    assert.deepEqual(world.reported.splice(0), []);
  });
  return world;
}
