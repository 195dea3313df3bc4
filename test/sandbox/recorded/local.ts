import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { close, listen } from '../../../common/http.ts';
import { faultyListener } from '../faults/listener.ts';
import { createFaults } from '../faults/registry.ts';
import { faultyNetwork } from '../faults/view.ts';
import { createHorizon } from '../horizon/server.ts';
import { startNetwork } from '../network.ts';
import { createRpc } from '../rpc/server.ts';
import { createMarket } from '../scenario.ts';
import type { Node } from './node.ts';

/** Ledgers before this one are "before history", as on a server that was started later than its network. */
const FIRST_LEDGER = 60;

/** How often streams look for news, in milliseconds: Horizon's own 5 s are long for a test. */
const POLL_MS = 5;

export interface LocalNode extends Node {
  stop(): Promise<void>;
}

/** A sandbox in this process, whose ledgers close when something waits for one or on demand. */
export async function localNode(passphrase: string, rpc: boolean): Promise<LocalNode> {
  const start = 1_700_000_000;
  const retain = 1000;
  let time = start * 1000;
  const market = createMarket(
    { networkPassphrase: passphrase, accounts: [], offers: [] },
    start,
    FIRST_LEDGER,
  );
  const clock = (): number => {
    time += 5000;
    return time;
  };
  const network = startNetwork({ ...market, clock, closeMs: 5000, retain, every: () => () => undefined });
  const stopping = new AbortController();
  const report = (error: unknown): void => console.error(error);
  const [name, kind] = ['node', rpc ? 'rpc' : 'horizon'] as const;
  const faults = createFaults(() => network.latest.sequence);
  const seen = faultyNetwork(name, network, faults);
  const horizon = { submitTimeoutMs: 500, signal: stopping.signal, report, streamPollMs: POLL_MS };
  const server = createServer(
    faultyListener({
      ...{ name, kind, network: seen, faults, report },
      coreLedger: () => network.latest.sequence,
      reset: (response) => void response.destroy(),
      inner: rpc
        ? createRpc({ network: seen, clock: () => time, retain, report })
        : createHorizon({ network: seen, ...horizon }),
    }),
  );
  await listen(server, { host: '127.0.0.1', port: 0 });
  let on = true;
  const closing = setInterval(() => {
    if (on && network.queue.pending().length > 0) network.close();
  }, 2);
  return {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    rpc,
    passphrase,
    faults,
    pollMs: POLL_MS,
    closing: (next) => {
      on = next;
    },
    settle: async () => {
      network.close();
    },
    async stop() {
      clearInterval(closing);
      stopping.abort();
      network.stop();
      await close(server, 0);
    },
  };
}
