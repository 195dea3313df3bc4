import type { RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { ListenAddress } from '../../common/config.ts';
import { harden, listen } from '../../common/http.ts';

/** PEM of the gateway's identity and of the authorities whose clients may connect. */
export interface ServerTls {
  cert: Buffer;
  key: Buffer;
  clientCa: Buffer;
}

/** Server options for mutual TLS 1.3: a connection without a certificate of `clientCa` never reaches HTTP. */
const mutualTls = ({ cert, key, clientCa }: ServerTls) =>
  ({ cert, key, ca: clientCa, minVersion: 'TLSv1.3', requestCert: true, rejectUnauthorized: true }) as const;

/**
 * Listens with mutual TLS. `refused` is called for every connection that fails the handshake, with OpenSSL's code.
 */
export async function startServer(
  tls: ServerTls,
  address: ListenAddress,
  app: RequestListener,
  refused: (reason: string) => void,
): Promise<Server> {
  const server = createServer(mutualTls(tls), app);
  server.on('tlsClientError', (error: NodeJS.ErrnoException) => refused(error.code ?? 'unknown'));
  await listen(harden(server), address);
  return server;
}

/** Puts rotated files in force for new connections. */
export function renewTls(server: Server, tls: ServerTls): void {
  const { cert, key, ca, minVersion } = mutualTls(tls);
  server.setSecureContext({ cert, key, ca, minVersion });
}
