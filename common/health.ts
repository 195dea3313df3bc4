import { createServer, type Server } from 'node:https';
import type { Registry } from 'prom-client';
import type { ListenAddress } from './config.ts';
import { messageOf } from './errors.ts';
import { createApp, errorHandler, harden, listen } from './http.ts';

export interface HealthModules {
  /** Resolves when the program can do its work now; rejects with the reason, which is shown. */
  ready(signal: AbortSignal): Promise<void>;
  /** The program's own read-only facts; no secret may be in them. */
  status(): unknown;
  registry: Registry;
}

/** PEM. */
export interface HealthIdentity {
  cert: string | Buffer;
  key: string | Buffer;
}

export interface HealthOptions extends Partial<HealthIdentity> {
  address: ListenAddress;
}

const READY_DEADLINE_MS = 5_000;

/**
 * The server of probes and monitoring, on a TLS 1.3 port of its own so that it answers while the main one is blocked:
 * `/healthz` (the process runs), `/readyz` (503 with the reason when it cannot work), `/metrics`, `/status`. Without an
 * identity every handshake fails until `renewHealth` brings one.
 */
export async function startHealth(options: HealthOptions, modules: HealthModules): Promise<Server> {
  const app = createApp();
  app.get('/healthz', (_request, response) => {
    response.type('text').send('ok\n');
  });
  app.get('/readyz', async (_request, response) => {
    try {
      await modules.ready(AbortSignal.timeout(READY_DEADLINE_MS));
      response.type('text').send('ok\n');
    } catch (error) {
      response
        .status(503)
        .type('text')
        .send(`${messageOf(error)}\n`);
    }
  });
  app.get('/metrics', async (_request, response) => {
    response.set('content-type', modules.registry.contentType).send(await modules.registry.metrics());
  });
  app.get('/status', (_request, response) => {
    response.json(modules.status());
  });
  app.use((_request, response) => {
    response.status(404).type('text').send('not found\n');
  });
  app.use(errorHandler((_error, response) => response.status(500).type('text').send('internal error\n')));
  const server = createServer(secureContext(options), app);
  await listen(harden(server), options.address);
  return server;
}

/** Puts another identity in force for new connections; throws when the key is not the certificate's. */
export function renewHealth(server: Server, identity: HealthIdentity): void {
  server.setSecureContext(secureContext(identity));
}

const secureContext = ({ cert, key }: Partial<HealthIdentity>) =>
  ({ ...(cert && key ? { cert, key } : {}), minVersion: 'TLSv1.3' }) as const;
