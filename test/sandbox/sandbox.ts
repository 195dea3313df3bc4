import { writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { close, harden, listen } from '../../common/http.ts';
import { createAdmin } from './admin.ts';
import { createHorizon } from './horizon/server.ts';
import { type Network, startNetwork } from './network.ts';
import { createMarket, type Scenario } from './scenario.ts';
import { serverIdentity } from './tls.ts';

export interface SandboxOptions {
  scenario: Scenario;
  /** Keeps the certificates and `sandbox.json`. */
  stateDir: string;
  listen: { host: string; port: number };
  /** The name in the certificate and in `url`. */
  host: string;
  closeMs: number;
  retain: number;
  /** How long a submission waits for its ledger, in milliseconds; Horizon's own is 30 s. */
  submitTimeoutMs: number;
  /** Milliseconds since the epoch. */
  clock: () => number;
  report: (error: unknown) => void;
}

/** What a client needs to know, also written to `sandbox.json` in the state folder. */
export interface SandboxInfo {
  url: string;
  host: string;
  port: number;
  address: string;
  caFile: string;
  spkiPins: string[];
  networkPassphrase: string;
  /** Base of the control interface. */
  admin: string;
}

export interface Sandbox {
  info: SandboxInfo;
  network: Network;
  stop(): Promise<void>;
}

/** Starts ledger, Horizon and control interface; resolves when all of them answer. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { clock, host, stateDir, report } = options;
  const identity = await serverIdentity(stateDir, host, clock());
  const market = createMarket(options.scenario, Math.floor(clock() / 1000));
  const network = startNetwork({ ...market, clock, closeMs: options.closeMs, retain: options.retain });
  const stopping = new AbortController();
  const horizon = createHorizon({
    network,
    submitTimeoutMs: options.submitTimeoutMs,
    signal: stopping.signal,
    report,
  });
  const tls = { cert: `${identity.cert}\n${identity.ca}`, key: identity.key, minVersion: 'TLSv1.3' } as const;
  const server = harden(createHttpsServer(tls, horizon));
  const admin = harden(createHttpServer(createAdmin(network)));

  async function stop(): Promise<void> {
    network.stop();
    stopping.abort();
    await Promise.all([close(server, 500), close(admin, 500)]);
  }

  try {
    await listen(server, options.listen);
    await listen(admin, { host: '127.0.0.1', port: 0 });
    const { address, port } = server.address() as AddressInfo;
    const info: SandboxInfo = {
      url: `https://${host}:${port}`,
      host,
      port,
      address,
      caFile: identity.caFile,
      spkiPins: identity.spkiPins,
      networkPassphrase: network.passphrase,
      admin: `http://127.0.0.1:${(admin.address() as AddressInfo).port}`,
    };
    await writeFile(join(stateDir, 'sandbox.json'), `${JSON.stringify(info, null, 2)}\n`);
    return { info, network, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
