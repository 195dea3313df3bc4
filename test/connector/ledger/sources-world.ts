import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { z } from 'zod';
import { createHorizonClient } from '../../../connector/ledger/horizon/client.ts';
import { createLedger } from '../../../connector/ledger/ledger.ts';
import { createRpcClient } from '../../../connector/ledger/rpc/client.ts';
import { createTransport, type Transport } from '../../../connector/ledger/transport.ts';
import type { Ledger } from '../../../connector/ledger/types.ts';
import { envelopeHash } from '../../../connector/ledger/verify.ts';
import { faultSchema } from '../../sandbox/faults/schema.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { signedEnvelope } from '../../sandbox/signed.ts';
import { book, keyOf, PASSPHRASE, scenario, strictSend, trader } from '../../sandbox/testing.ts';

export const TRADER = trader.publicKey();
export const USDC = `USDC:${keyOf('issuer').publicKey()}`;

/** The servers of a ledger under test, in their order: those of the sandbox. */
export type Server = 'horizon' | 'horizon-2' | 'rpc';

export interface LedgerUnderTest {
  ledger: Ledger;
  /** What it told of its sources: `quarantined horizon: reason` and so on. */
  events: string[];
  isOut(server: Server): boolean;
}

/** A sandbox whose ledgers close and whose time passes only when a test wants it, and ledgers over its servers. */
export interface SourcesWorld {
  sandbox: Sandbox;
  /** Long waits end too, after a tenth of a second. */
  hurry: boolean;
  now(): number;
  /** Lets so many milliseconds pass and closes a ledger. */
  advance(ms: number): void;
  fault(fault: z.input<typeof faultSchema>, server?: Server): void;
  over(servers: readonly Server[], quorum: number): LedgerUnderTest;
  /** Paths of all requests but those of streams. */
  asked: string[];
  /** A transaction of the trader, signed; a swap that succeeds unless told otherwise. */
  envelope(operation?: ReturnType<typeof strictSend>): { envelopeXdr: string; hash: string };
  /** When every answer has come, also those that nobody waited for. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

export async function startSourcesWorld(retain = 400): Promise<SourcesWorld> {
  const dir = await mkdtemp(join(tmpdir(), 'ledger-sources-'));
  let now = Date.now();
  const sandbox = await startSandbox({
    scenario: scenario(book),
    stateDir: dir,
    listen: { host: '127.0.0.1', port: 0 },
    host: 'horizon.ledger.test',
    closeMs: 3_600_000,
    retain,
    submitTimeoutMs: 400,
    streamAtOnce: true,
    clock: () => now,
    report: (error) => {
      throw error;
    },
  });
  const { network, faults, info } = sandbox;
  const advance = (ms: number): void => {
    now += ms;
    network.close();
  };
  // No short wait is really waited for: time passes, and quickly, so that a read is given up after a few rounds. A long
  // one ends only when it is given up.
  const clock = {
    now: () => now,
    random: () => 0,
    sleep: (ms: number, signal: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        signal.throwIfAborted();
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        if (ms > 1_000) {
          if (world.hurry) setTimeout(resolve, 100);
          return;
        }
        now += ms * 5;
        setImmediate(resolve);
      }),
  };
  const opened: Ledger[] = [];
  let underWay = 0;
  const asked: string[] = [];
  const world: SourcesWorld = {
    sandbox,
    hurry: false,
    now: () => now,
    asked,
    advance,
    fault: (fault, server = 'horizon') =>
      void faults.add({ endpoint: server, fault: faultSchema.parse(fault) }),
    over(servers, quorum) {
      const events: string[] = [];
      const urlOf = (server: string): string => info.endpoints.find(({ name }) => name === server)!.url;
      const nameOf = (url: string): string => info.endpoints.find((endpoint) => endpoint.url === url)!.name;
      const options = {
        networkPassphrase: PASSPHRASE,
        own: { sources: [TRADER], signer: TRADER },
      };
      const transport = (server: string): Transport => {
        const inner = createTransport(
          { url: urlOf(server), caFile: info.caFile, addresses: ['127.0.0.1'] },
          { pinMismatch() {}, unknownHost() {} },
          clock,
        );
        const request: Transport['request'] = (...parameters) => {
          underWay += 1;
          asked.push(parameters[0].path);
          return inner.request(...parameters).finally(() => {
            underWay -= 1;
          });
        };
        return { ...inner, request };
      };
      const answered = { answered() {} };
      const ledger = createLedger(
        {
          horizon: servers
            .filter((server) => server !== 'rpc')
            .map((server) =>
              createHorizonClient(options, { transport: transport(server), events: answered }),
            ),
          rpc: servers
            .filter((server) => server === 'rpc')
            .map((server) => createRpcClient(transport(server), options, answered)),
          quorum,
          networkPassphrase: PASSPHRASE,
          assets: ['native', USDC],
        },
        {
          now: () => now,
          clock,
          events: {
            quarantined: (url, reason) => events.push(`quarantined ${nameOf(url)}: ${reason}`),
            released: (url) => events.push(`released ${nameOf(url)}`),
            disputed: (url, reason) => events.push(`disputed ${nameOf(url)}: ${reason}`),
            untrusted: (url, reason) => events.push(`untrusted ${nameOf(url)}: ${reason}`),
          },
        },
      );
      opened.push(ledger);
      return {
        ledger,
        events,
        isOut: (server) => {
          const { state } = ledger.endpoints().find(({ url }) => url === urlOf(server))!;
          return state === 'quarantined';
        },
      };
    },
    envelope(operation = strictSend()) {
      const { sequence } = network.state.account(TRADER)!;
      const envelopeXdr = signedEnvelope({
        ...{ source: trader, sequence: sequence + 1n, operations: [operation], fee: 100n },
        passphrase: PASSPHRASE,
      });
      return { envelopeXdr, hash: envelopeHash(envelopeXdr, PASSPHRASE)! };
    },
    async settled() {
      for (let quiet = 0; quiet < 5; quiet = underWay === 0 ? quiet + 1 : 0) {
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    },
    async stop() {
      await Promise.all(opened.map((ledger) => ledger.close()));
      await sandbox.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
  return world;
}
