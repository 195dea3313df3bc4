/** `node test/bench/express.ts SOCKET`: what HTTP alone costs, the same server library with nothing behind it. */
import { createServer } from 'node:http';
import express from 'express';
import { createApp, harden, listen } from '../../common/http.ts';
import { SIGN_PATH } from '../../sidecar/protocol.ts';

const app = createApp();
app.use(express.raw({ limit: 65_536, inflate: false, type: () => true }));
app.post(SIGN_PATH, (request, response) => {
  const { envelopeXdr } = JSON.parse(request.body.toString()) as { envelopeXdr: string };
  const body = Buffer.from(JSON.stringify({ envelopeXdr, hash: '0'.repeat(64), signer: 'G'.repeat(56) }));
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
});
await listen(harden(createServer(app)), { path: process.argv[2]! });
console.log('listening');
