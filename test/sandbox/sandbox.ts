import { writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { close, harden, listen } from '../../common/http.ts';
import { createAdmin } from './admin.ts';
import { startCrowd } from './crowd.ts';
import { type Endpoint, type EndpointInfo, type EndpointSpec, startEndpoint } from './endpoint.ts';
import { createFaults, type Faults } from './faults/registry.ts';
import { createFriendbot } from './friendbot.ts';
import { createHorizon } from './horizon/server.ts';
import { type Network, startNetwork } from './network.ts';
import { createRpc } from './rpc/server.ts';
import { createMarket, type Scenario } from './scenario.ts';
import { restore, snapshot } from './snapshot.ts';
import { identities } from './tls.ts';

export interface SandboxOptions {
  scenario: Scenario;
  /** A snapshot to go on from, instead of the scenario's accounts and books; its crowd and faults still count. */
  restore?: string;
  /** Keeps the certificates and `sandbox.json`. */
  stateDir: string;
  /** Where the first endpoint listens; the others take any port of the same address. */
  listen: { host: string; port: number };
  /** The name of the first endpoint in its certificate and `url`; the others are named beside it. */
  host: string;
  closeMs: number;
  retain: number;
  /** How long a submission waits for its ledger, in milliseconds; Horizon's own is 30 s. */
  submitTimeoutMs: number;
  /** Streams send at each close instead of Horizon's every 5 seconds. */
  streamAtOnce?: boolean;
  /** Milliseconds since the epoch. */
  clock: () => number;
  report: (error: unknown) => void;
}

/** What a client needs to know, also written to `sandbox.json` in the state folder. */
export interface SandboxInfo extends Omit<EndpointInfo, 'name' | 'kind'> {
  caFile: string;
  networkPassphrase: string;
  /** Base of the control interface. */
  admin: string;
  /** All of them; the first one's fields stand above as well. */
  endpoints: EndpointInfo[];
}

export interface Sandbox {
  info: SandboxInfo;
  network: Network;
  faults: Faults;
  stop(): Promise<void>;
}

/** `rpc` beside `horizon.example.test` is `rpc.example.test`; a name without a domain is everybody's. */
const hostBeside = (host: string, name: string): string =>
  host.includes('.') ? host.replace(/^[^.]*/, name) : host;

function endpointSpecs({ host, listen: at }: SandboxOptions): [EndpointSpec, ...EndpointSpec[]] {
  const beside = (name: string) => ({ name, host: hostBeside(host, name), listen: { ...at, port: 0 } });
  return [
    { name: 'horizon', kind: 'horizon', host, listen: at, replica: false },
    { ...beside('rpc'), kind: 'rpc', replica: false },
    { ...beside('horizon-2'), kind: 'horizon', replica: true },
  ];
}

/** Stops the timer while a fault wants it, and starts it again if it ran before. */
function followPauses(network: Network, faults: Faults): void {
  let held = false;
  faults.onChange(() => {
    const wanted = faults.list().some(({ fault }) => fault.kind === 'pause');
    if (wanted && !network.paused) {
      held = true;
      network.pause();
    } else if (!wanted && held) {
      held = false;
      network.resume();
    }
  });
}

/** Starts ledger, endpoints and control interface; resolves when all of them answer. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const {
    clock,
    closeMs,
    retain,
    scenario,
    stateDir,
    submitTimeoutMs,
    streamAtOnce = false,
    report,
  } = options;
  const specs = endpointSpecs(options);
  const hosts = Object.fromEntries(specs.map(({ name, host }) => [name, host]));
  const { ca, caFile, leaves } = await identities(stateDir, hosts, clock());
  const market = createMarket(scenario, Math.floor(clock() / 1000));
  const life = { clock, closeMs, retain, report };
  const network = options.restore ? restore(options.restore, life) : startNetwork({ ...market, ...life });
  const stopCrowd = market.crowd && startCrowd(network, market.crowd);
  const stopping = new AbortController();
  const { signal } = stopping;
  const faults = createFaults(() => network.latest.sequence);
  followPauses(network, faults);
  const friendbot = createFriendbot(network);

  const servers: Record<EndpointSpec['kind'], (view: Network) => RequestListener> = {
    horizon: (view) =>
      createHorizon({ network: view, friendbot, submitTimeoutMs, streamAtOnce, signal, report }),
    rpc: (view) => createRpc({ network: view, clock, retain, report }),
  };
  const endpoints: Endpoint[] = [];
  const admin = harden(
    createServer(
      createAdmin({
        ...{ network, faults, signal, report },
        endpoints: specs.map(({ name }) => name),
        friendbot,
        snapshot: () => JSON.parse(snapshot(network)) as unknown,
      }),
    ),
  );

  async function stop(): Promise<void> {
    stopCrowd?.();
    network.stop();
    stopping.abort();
    await Promise.all([...endpoints.map((endpoint) => endpoint.stop()), close(admin, 500)]);
  }

  try {
    for (const spec of specs) {
      const of = { spec, network, faults, ca, leaves: leaves[spec.name]!, report };
      endpoints.push(await startEndpoint({ ...of, serve: servers[spec.kind] }));
    }
    await listen(admin, { host: '127.0.0.1', port: 0 });
    for (const request of scenario.faults ?? []) {
      if (request.endpoint !== undefined && !(request.endpoint in hosts))
        throw new Error(`the scenario has a fault of ${request.endpoint}, which is no endpoint`);
      faults.add(request);
    }
    const { name: _name, kind: _kind, ...first } = endpoints[0]!.info;
    const info: SandboxInfo = {
      ...first,
      caFile,
      networkPassphrase: network.passphrase,
      admin: `http://127.0.0.1:${(admin.address() as AddressInfo).port}`,
      endpoints: endpoints.map((endpoint) => endpoint.info),
    };
    await writeFile(join(stateDir, 'sandbox.json'), `${JSON.stringify(info, null, 2)}\n`);
    return { info, network, faults, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
