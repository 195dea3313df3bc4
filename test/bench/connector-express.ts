/** `node test/bench/connector-express.ts CERTS PATH ANSWER`: what mTLS, HTTP and JSON alone cost: one route of Express with one answer. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createApp, harden, listen } from '../../common/http.ts';

const [certs, path, answer] = process.argv.slice(2) as [string, string, string];
const pem = (name: string): Buffer => readFileSync(join(certs, `${name}.pem`));
const value = JSON.parse(answer) as object;
const app = createApp();
app.get(path, (_request, response) => void response.json(value));
const tls = { cert: pem('server_cert'), key: pem('server_key'), ca: pem('ca_cert') };
const server = createServer(
  { ...tls, minVersion: 'TLSv1.3', requestCert: true, rejectUnauthorized: true },
  app,
);
await listen(harden(server), { host: '127.0.0.1', port: 0 });
console.log((server.address() as AddressInfo).port);
