import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import { close } from '../../../common/http.ts';
import { createWebSocketApi, type WebSocketApi } from '../../../connector/api/websocket/server.ts';
import { createGate, type Gate } from '../../../connector/gateway/gate.ts';
import { renewTls, startServer, upgrade } from '../../../connector/gateway/server.ts';
import { createAuthority, type Pem, type TestAuthority } from '../../certificates.ts';
import { createDoubles } from './stand.ts';

describe('connector/api: /v1/ws under the gateway’s own TLS', () => {
  let server: Server;
  let gate: Gate;
  let api: WebSocketApi;
  let authority: TestAuthority;
  let foreign: TestAuthority;
  const heard: string[] = [];
  before(async () => {
    [authority, foreign] = await Promise.all([createAuthority('clients'), createAuthority('clients')]);
    const { cert, key } = await authority.issue({ names: ['localhost'], usage: 'server' });
    gate = createGate(['bot'], { refused: () => undefined }, Date.now);
    server = await startServer(
      { host: '127.0.0.1', port: 0 },
      (_request, response) => response.end(),
      gate,
      () => undefined,
    );
    renewTls(
      server,
      { cert: Buffer.from(cert), key: Buffer.from(key), clientCa: Buffer.from(authority.cert) },
      gate,
    );
    api = createWebSocketApi({
      context: createDoubles().context,
      log: pino({ level: 'silent' }),
      heard: (client) => void heard.push(client),
      now: () => performance.now(),
      every: () => () => undefined,
    });
    upgrade(server, gate, api.authorize);
  });
  after(async () => {
    api.close();
    await close(server, 0);
  });

  const dial = (client: Pem | undefined): WebSocket =>
    new WebSocket(`wss://localhost:${(server.address() as AddressInfo).port}/v1/ws`, {
      ca: authority.cert,
      ...client,
    });
  const issue = (from: TestAuthority, name: string): Promise<Pem> =>
    from.issue({ names: [name], usage: 'client' });

  it('a listed client is served and known by its certificate; losing its right cuts it', async () => {
    const socket = dial(await issue(authority, 'bot'));
    await once(socket, 'open');
    socket.send(JSON.stringify({ op: 'ping' }));
    const [answer] = await once(socket, 'message');
    assert.equal(JSON.parse(String(answer)).type, 'pong');
    assert.deepEqual(heard, ['bot']);
    const closed = once(socket, 'close');
    gate.allow(['another']);
    await closed;
    gate.allow(['bot']);
  });

  it('@security no certificate, one of another authority, one that is not listed: no WebSocket', async () => {
    for (const client of [undefined, await issue(foreign, 'bot'), await issue(authority, 'stranger')]) {
      const socket = dial(client);
      socket.on('open', () => assert.fail('it was let in'));
      await once(socket, 'error');
      socket.terminate();
    }
    assert.equal(heard.length, 1);
  });
});
