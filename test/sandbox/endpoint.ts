import type { RequestListener, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import { close, harden, listen } from '../../common/http.ts';
import { faultyListener } from './faults/listener.ts';
import type { Faults } from './faults/registry.ts';
import type { FaultOf } from './faults/schema.ts';
import { faultyNetwork } from './faults/view.ts';
import type { Network } from './network.ts';
import { type Leaves, pinOf } from './tls.ts';

export interface EndpointSpec {
  name: string;
  kind: 'horizon' | 'rpc';
  /** The name in the certificate and in `url`. */
  host: string;
  listen: { host: string; port: number };
  /** With entries of its own, as another node has them. */
  replica: boolean;
}

/** What a client needs to know of an endpoint. */
export interface EndpointInfo {
  name: string;
  kind: 'horizon' | 'rpc';
  url: string;
  host: string;
  port: number;
  address: string;
  /** Leaf and authority. */
  spkiPins: string[];
}

export interface Endpoint {
  info: EndpointInfo;
  stop(): Promise<void>;
}

export interface EndpointOptions {
  spec: EndpointSpec;
  network: Network;
  faults: Faults;
  leaves: Leaves;
  /** PEM of the authority. */
  ca: string;
  /** Horizon's or RPC's interface to what the endpoint sees. */
  serve: (network: Network) => RequestListener;
  report: (error: unknown) => void;
}

/** What the server shows of itself under a fault, or without one. */
function contextOf(
  { right, ...wrong }: Leaves,
  ca: string,
  how: FaultOf<'certificate'>['how'] | undefined,
): SecureContextOptions {
  const { cert, key } = how === undefined || how === 'tls12' ? right : wrong[how];
  const minVersion = how === 'tls12' ? 'TLSv1.2' : 'TLSv1.3';
  const chain = how === 'self_signed' ? cert : `${cert}\n${ca}`;
  return { cert: chain, key, minVersion, maxVersion: minVersion };
}

/** One listener of TLS 1.3 with its own view of the network and its own faults. */
export async function startEndpoint(options: EndpointOptions): Promise<Endpoint> {
  const { spec, faults, leaves, ca, report } = options;
  const { name, kind, host } = spec;
  const network = faultyNetwork(name, options.network, faults, spec.replica);
  /** TCP connections by the client's port: a TLS socket cannot reset the one that it runs on. */
  const connections = new Map<number | undefined, Socket>();
  const reset = ({ socket }: ServerResponse): void => {
    connections.get(socket?.remotePort)?.resetAndDestroy();
  };

  const listener = faultyListener({
    ...{ name, kind, network, faults, reset, report },
    coreLedger: () => options.network.latest.sequence,
    inner: options.serve(network),
  });
  const server = harden(createServer(contextOf(leaves, ca, undefined), listener));
  server.on('connection', (socket: Socket | TLSSocket) => {
    const { remotePort } = socket;
    connections.set(remotePort, socket);
    socket.once('close', () => connections.delete(remotePort));
  });

  let shown: FaultOf<'certificate'>['how'] | undefined;
  faults.onChange(() => {
    const how = faults.find(name, 'certificate')?.fault.how;
    if (how === shown) return;
    shown = how;
    server.setSecureContext(contextOf(leaves, ca, how));
    server.closeAllConnections();
  });

  await listen(server, spec.listen);
  const { address, port } = server.address() as AddressInfo;
  return {
    info: {
      ...{ name, kind, host, port, address },
      url: `https://${host}:${port}`,
      spkiPins: [pinOf(leaves.right.cert), pinOf(ca)],
    },
    stop: () => close(server, 500),
  };
}
