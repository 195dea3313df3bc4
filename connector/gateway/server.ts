import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ListenAddress } from '../../common/config.ts';
import { harden, listen } from '../../common/http.ts';
import { readBundle } from './clients.ts';
import type { Gate } from './gate.ts';

/** PEM of the gateway's identity and of the authorities whose clients may connect. */
export interface ServerTls {
  cert: Buffer;
  key: Buffer;
  clientCa: Buffer;
}

/** Bytes of all headers of a request; the stock client sends some 300. */
const MAX_HEADER_BYTES = 8 * 1024;
/** Milliseconds for a handshake, and connections that may be in one; the oldest goes first. */
const HANDSHAKE_MS = 10_000;
const HANDSHAKES = 64;
/** Connections in all. */
const CONNECTIONS = 1_024;

/**
 * Listens with mutual TLS 1.3: a connection without a certificate of the client authorities never reaches HTTP. Every
 * handshake fails until `renewTls` brings the files. `refused` is called for every connection that fails the handshake,
 * with OpenSSL's code.
 */
export async function startServer(
  address: ListenAddress,
  app: RequestListener,
  gate: Gate,
  refused: (reason: string) => void,
): Promise<Server> {
  const server = createServer(
    {
      ...{ minVersion: 'TLSv1.3', requestCert: true, rejectUnauthorized: true },
      ...{ handshakeTimeout: HANDSHAKE_MS, maxHeaderSize: MAX_HEADER_BYTES },
    },
    (request, response) => {
      gate.serve(request, response);
      app(request, response);
    },
  );
  server.maxConnections = CONNECTIONS;
  const shaking = boundHandshakes(server);
  // Before Node's own listener, so that nothing is read from a connection that may not be.
  server.prependListener('secureConnection', (socket) => {
    shaking.delete(socket);
    gate.admit(socket);
  });
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    shaking.delete(socket);
    refused(error.code ?? 'unknown');
  });
  await listen(harden(server), address);
  return server;
}

/** Puts rotated files in force: for new connections, and the authorities for those that stand. @throws what does not fit */
export function renewTls(server: Server, tls: ServerTls, gate: Gate): void {
  const { cert, key, clientCa: ca } = tls;
  const authorities = readBundle(ca);
  if (authorities.length === 0) throw new Error('the file of client authorities holds no certificate');
  // A new context has ticket keys of its own: no session of before can be resumed.
  server.setSecureContext({ cert, key, ca, minVersion: 'TLSv1.3' });
  gate.trust(authorities);
}

/** Connections in the handshake, which anyone can open, take no place from those that passed it. */
function boundHandshakes(server: Server): { delete(socket: Socket): void } {
  const shaking = new Map<string, Socket>();
  const nameOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;
  server.on('connection', (socket: Socket) => {
    const name = nameOf(socket);
    shaking.set(name, socket);
    socket.once('close', () => shaking.delete(name));
    const [oldest] = shaking.values();
    if (shaking.size > HANDSHAKES) oldest?.destroy();
  });
  return { delete: (socket) => void shaking.delete(nameOf(socket)) };
}

/** Cuts the connection of a client that has not read a whole answer `ms` milliseconds after it was written. */
export function cutSlowReader(response: ServerResponse, ms: number): void {
  response.once('prefinish', () => {
    const timer = setTimeout(() => response.socket?.destroy(), ms);
    response.once('close', () => clearTimeout(timer));
  });
}

/** Takes over the connection of a WebSocket request. */
export type Accept = (socket: Duplex, head: Buffer) => void;

/**
 * Gives upgrade requests of clients that may come to `authorize`, with the client's identity; it answers what takes the
 * connection over, or undefined for no such endpoint. The connection is cut like any other when its client loses its right.
 */
export function upgrade(
  server: Server,
  gate: Gate,
  authorize: (request: IncomingMessage, client: string) => Accept | undefined,
): void {
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    const client = gate.client(request.socket);
    const accept = client === undefined ? undefined : authorize(request, client);
    if (accept !== undefined) return accept(socket, head);
    const status = client === undefined ? '403 Forbidden' : '404 Not Found';
    socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
  });
}
