import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, request, type Server } from 'node:https';
import { type AddressInfo, connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { close } from '../../../common/http.ts';
import { fingerprintOf } from '../../../connector/gateway/clients.ts';
import { createGate, type Gate } from '../../../connector/gateway/gate.ts';
import { cutSlowReader, renewTls, startServer, upgrade } from '../../../connector/gateway/server.ts';
import { createAuthority, type Pem, type TestAuthority } from '../../certificates.ts';

interface Stand {
  server: Server;
  gate: Gate;
  port: number;
  refused: string[];
  failed: string[];
  now: number;
  /** Ends answers that wait. */
  go(): void;
  tls(authorities: TestAuthority[]): void;
}

describe('connector/gateway: connections of clients', () => {
  let ours: TestAuthority;
  let theirs: TestAuthority;
  let identity: Pem;
  let bot: Pem;
  let other: Pem;
  let foreign: Pem;
  const stands: Stand[] = [];
  before(async () => {
    [ours, theirs] = await Promise.all([createAuthority('clients'), createAuthority('clients')]);
    [identity, bot, other, foreign] = await Promise.all([
      ours.issue({ names: ['localhost'], usage: 'server' }),
      ours.issue({ names: ['bot-1'], usage: 'client' }),
      ours.issue({ names: ['bot-2'], usage: 'client' }),
      theirs.issue({ names: ['bot-1'], usage: 'client' }),
    ]);
  });
  afterEach(async () => {
    for (const { server, go } of stands.splice(0)) {
      go();
      await close(server, 0);
    }
  });

  async function stand(clients: string[] = [], withTls = true): Promise<Stand> {
    const refused: string[] = [];
    const failed: string[] = [];
    let go = (): void => undefined;
    const gone = new Promise<void>((resolve) => {
      go = resolve;
    });
    const at = { refused, failed, now: Date.now(), go } as unknown as Stand;
    at.gate = createGate(
      clients,
      { refused: (reason, who) => refused.push(`${reason} ${who}`) },
      () => at.now,
    );
    at.server = await startServer(
      { host: '127.0.0.1', port: 0 },
      async (incoming, response) => {
        if (incoming.url === '/wait') await gone;
        response.end(at.gate.client(incoming.socket) ?? 'nobody');
      },
      at.gate,
      (reason) => failed.push(reason),
    );
    at.port = (at.server.address() as AddressInfo).port;
    at.tls = (authorities) => {
      const clientCa = Buffer.from(authorities.map(({ cert }) => cert).join('\n'));
      const { cert, key } = identity;
      renewTls(at.server, { cert: Buffer.from(cert), key: Buffer.from(key), clientCa }, at.gate);
    };
    if (withTls) at.tls([ours]);
    stands.push(at);
    return at;
  }

  const dial = (at: Stand, client: Pem, options: ConnectionOptions = {}): TLSSocket =>
    connect({ host: 'localhost', port: at.port, ca: ours.cert, ...client, ...options });
  const ask = (at: Stand, client: Pem, path = '/', agent: Agent | false = false): Promise<string> =>
    new Promise((resolve, reject) => {
      const options = { host: 'localhost', port: at.port, path, ca: ours.cert, ...client, agent };
      const outgoing = request(options, (response: IncomingMessage) => {
        let text = '';
        response.on('data', (chunk: Buffer) => {
          text += chunk;
        });
        response.on('end', () => resolve(text));
        response.on('error', reject);
      });
      outgoing.on('error', reject);
      outgoing.end();
    });
  const closed = async (socket: Socket): Promise<void> => {
    socket.on('error', () => undefined);
    if (!socket.destroyed) await once(socket.resume(), 'close');
  };

  /** One request on a connection that stays, and what was answered: by then the server knows who it is. */
  const speak = async (socket: TLSSocket): Promise<string> => {
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    return String(await once(socket, 'data'))
      .split('\r\n')
      .at(-1)!;
  };

  it('@security only listed clients are let in, by name or fingerprint, and others are named in the log', async () => {
    const fingerprint = fingerprintOf(new X509Certificate(other.cert));
    const at = await stand(['bot-1', fingerprint]);
    assert.equal(await ask(at, bot), 'bot-1');
    assert.equal(await ask(at, other), fingerprint);
    const third = await ours.issue({ names: ['bot-3'], usage: 'client' });
    await assert.rejects(ask(at, third));
    assert.deepEqual(at.refused, [
      `client-not-allowed bot-3, ${fingerprintOf(new X509Certificate(third.cert))}`,
    ]);
  });

  it('@security a list that changes cuts connections that stand, and names the others anew', async () => {
    const at = await stand();
    const [first, second] = [dial(at, bot), dial(at, other)];
    assert.deepEqual([await speak(first), await speak(second)], ['bot-1', 'bot-2']);
    at.gate.allow(['bot-2']);
    await closed(first);
    assert.deepEqual(
      at.refused.map((line) => line.split(' ')[0]),
      ['client-revoked'],
    );
    assert.equal(await speak(second), 'bot-2');
    second.destroy();
    await assert.rejects(ask(at, bot));
  });

  it('@security an authority that goes cuts its clients; sessions of before are not resumed', async () => {
    const at = await stand();
    at.tls([ours, theirs]);
    let session: Buffer | undefined;
    const kept = dial(at, foreign);
    kept.on('session', (ticket) => {
      session = ticket;
    });
    assert.equal(await speak(kept), 'bot-1');
    const again = dial(at, foreign, { session: session! });
    await once(again, 'secureConnect');
    assert.equal(again.isSessionReused(), true, 'as long as nothing changes');
    assert.equal(await speak(again), 'bot-1', 'and a resumed one is known too');
    at.tls([ours]);
    await Promise.all([closed(kept), closed(again)]);
    const late = dial(at, foreign, { session: session! });
    await once(late, 'secureConnect');
    assert.equal(late.isSessionReused(), false);
    await closed(late);
    await assert.rejects(ask(at, foreign));
    assert.equal(await ask(at, bot), 'bot-1');
  });

  it('@security an answer under way is still given to a client that lost its right, and nothing after it', async () => {
    const at = await stand();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const answer = ask(at, bot, '/wait', agent);
    await once(at.server, 'request');
    const [socket] = Object.values(agent.sockets).flat() as Socket[];
    at.gate.allow(['bot-2']);
    at.go();
    assert.equal(
      await answer,
      'nobody',
      'it was asked while it had the right; the handler sees that it has gone',
    );
    await closed(socket!);
    agent.destroy();
  });
  it('@security a certificate that expires on a connection that stands is no identity any more', async () => {
    const at = await stand();
    const socket = dial(at, bot);
    assert.equal(await speak(socket), 'bot-1');
    at.now += 11 * 86_400_000;
    assert.equal(await speak(socket), 'nobody');
    socket.destroy();
  });

  it('without files nobody gets through the handshake; when they come, everybody', async () => {
    const at = await stand([], false);
    await assert.rejects(ask(at, bot));
    assert.equal(at.failed.length, 1);
    assert.throws(() => {
      const { cert } = identity;
      const files = { cert: Buffer.from(cert), key: Buffer.from(bot.key), clientCa: Buffer.from(ours.cert) };
      renewTls(at.server, files, at.gate);
    }, /mismatch/);
    assert.throws(() => at.tls([]), /holds no certificate/);
    at.tls([ours]);
    assert.equal(await ask(at, bot), 'bot-1');
  });

  it('@security connections that never shake hands take no place from clients', async () => {
    const at = await stand();
    const sockets = Array.from({ length: 80 }, () => connectTcp(at.port, '127.0.0.1'));
    const ends = sockets.map(closed);
    await Promise.race(ends);
    assert.equal(await ask(at, bot), 'bot-1');
    const left = sockets.filter(({ destroyed }) => !destroyed).length;
    assert.ok(left <= 65, `${left} are left`);
    for (const socket of sockets) socket.destroy();
    await Promise.all(ends);
  });

  it('@security one client has so many connections and no more', async () => {
    const at = await stand();
    const sockets: TLSSocket[] = [];
    for (let n = 0; n < 130; n++) {
      const socket = dial(at, bot);
      socket.on('error', () => undefined);
      sockets.push(socket);
      await once(socket, 'secureConnect');
    }
    while (at.refused.length < 2) await new Promise(setImmediate);
    assert.match(at.refused[0]!, /^too-many-connections bot-1/);
    assert.equal(await ask(at, other), 'bot-2');
    for (const socket of sockets) socket.destroy();
  });

  it('@security who does not read an answer is cut', async () => {
    const at = await stand();
    at.server.removeAllListeners('request');
    const sent: string[] = [];
    at.server.on('request', (incoming, response) => {
      cutSlowReader(response, incoming.url === '/slow' ? 20 : 60_000);
      response.once('close', () => sent.push(response.writableFinished ? 'read' : 'cut'));
      response.end(Buffer.alloc(incoming.url === '/slow' ? 32 * 1024 * 1024 : 10));
    });
    assert.equal((await ask(at, bot)).length, 10);
    const slow = dial(at, bot);
    slow.pause().write('GET /slow HTTP/1.1\r\nhost: x\r\n\r\n');
    await closed(slow);
    assert.deepEqual(sent, ['read', 'cut']);
  });

  it('@security headers beyond 8 KiB are refused', async () => {
    const at = await stand();
    const socket = dial(at, bot);
    socket.write(`GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(9_000)}\r\n\r\n`);
    assert.match(String(await once(socket, 'data')), /^HTTP\/1.1 431/);
    socket.destroy();
  });

  it('@security a WebSocket request is taken over only where it is meant, by clients that may', async () => {
    const at = await stand(['bot-1', 'bot-2']);
    upgrade(at.server, at.gate, ({ url }, client) =>
      url === '/v1/stream'
        ? (socket) => {
            socket.write(`hello ${client}`);
          }
        : undefined,
    );
    const hello = async (path: string): Promise<[string, TLSSocket]> => {
      const socket = dial(at, bot);
      socket.on('error', () => undefined);
      socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n`);
      return [String(await once(socket, 'data')), socket];
    };
    assert.match((await hello('/v2'))[0], /^HTTP\/1.1 404/);
    const [said, socket] = await hello('/v1/stream');
    assert.equal(said, 'hello bot-1');
    at.gate.allow(['bot-2']);
    await closed(socket);
  });
});
