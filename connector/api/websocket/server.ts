import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { messageOf } from '../../../common/errors.ts';
import type { Logger } from '../../../common/log.ts';
import { createRateLimit } from '../../../common/rate.ts';
import { connectorError } from '../../errors.ts';
import type { Context } from '../../gateway/context.ts';
import { nameMarket, readMarket } from '../fields.ts';
import { problemOf } from '../problem.ts';
import { check } from '../route.ts';
import { readBalances } from '../routes/balances.ts';
import { readStatus } from '../routes/status.ts';
import { showBook, showDiff, showFill, showOrder, showTrade } from '../view.ts';
import { CLOSE, request as requestSchema } from './messages.ts';
import { type Bounds, cut, encodeOnce, isOpen, lags, type Peer, send } from './peer.ts';

const PATH = '/v1/ws';

export const LIMITS = {
  ...{ softBytes: 256 * 1024, hardBytes: 4 * 1024 * 1024, messageBytes: 4 * 1024 },
  /** Topics of a connection, messages of it a second (five seconds' worth at once), connections of a client. */
  ...{ topics: 64, messagesPerSecond: 20, connections: 16 },
  /** Milliseconds between pings, and between two looks at balances and status. */
  ...{ pingMs: 15_000, pollMs: 5_000 },
};

export interface WebSocketModules {
  context: Context;
  log: Logger;
  /** A client sent something: a heartbeat for the dead-man timer. */
  heard(client: string): void;
  /** Monotonic milliseconds. */
  now(): number;
  /** Calls again and again after `ms` milliseconds until its result is called. */
  every(ms: number, run: () => void): () => void;
}

export interface WebSocketApi {
  /** For the gateway's `upgrade`: takes over what asks for `/v1/ws`, undefined for any other path. */
  authorize(request: IncomingMessage, client: string): ((socket: Duplex, head: Buffer) => void) | undefined;
  connections(): number;
  /** Tells every client that it ends (1001) and cuts what does not go. */
  close(): void;
}

/** Books, trades, orders, fills, balances and status as they change, over the gateway's own TLS. */
export function createWebSocketApi(modules: WebSocketModules, limits = LIMITS): WebSocketApi {
  const { context, log, heard, now, every } = modules;
  const { market: data, orders, tokens } = context;
  const bounds: Bounds = limits;
  const server = new WebSocketServer({
    ...{ noServer: true, clientTracking: false, perMessageDeflate: false },
    maxPayload: limits.messageBytes,
  });
  const peers = new Set<Peer>();
  const ends = new AbortController();
  const onTopic = (topic: string): Peer[] => [...peers].filter(({ topics }) => topics.has(topic));

  const bookTopic = (name: string): string => `book ${name}`;
  const snapshotOf = (topic: string): Buffer | undefined => {
    const market = data.markets.find((one) => bookTopic(nameMarket(one, tokens)) === topic);
    const book = market && data.book(market);
    return book && encodeOnce(() => ({ type: 'snapshot', channel: 'book', data: showBook(book, tokens) }))();
  };
  const drained = (peer: Peer): void => {
    for (const topic of peer.behind) {
      const text = lags(peer, bounds) ? undefined : snapshotOf(topic);
      if (text === undefined) continue;
      peer.behind.delete(topic);
      send(peer, text, bounds, drained);
    }
  };
  const publish = (topic: string, value: () => object): void => {
    const text = encodeOnce(value);
    for (const peer of onTopic(topic)) send(peer, text(), bounds, drained);
  };

  const listening = [
    ...data.markets.flatMap((market) => {
      const name = nameMarket(market, tokens);
      const topic = bookTopic(name);
      return [
        data.onBook(market, (diff, book) => {
          const change = encodeOnce(() => ({ type: 'diff', channel: 'book', data: showDiff(diff, tokens) }));
          const whole = encodeOnce(() => ({
            type: 'snapshot',
            channel: 'book',
            data: showBook(book, tokens),
          }));
          for (const peer of onTopic(topic)) {
            if (lags(peer, bounds)) peer.behind.add(topic);
            else send(peer, peer.behind.delete(topic) ? whole() : change(), bounds, drained);
          }
        }),
        data.onTrade(market, (trade) =>
          publish(`trades ${name}`, () => ({
            ...{ type: 'trade', channel: 'trades', market: name },
            data: showTrade(trade),
          })),
        ),
      ];
    }),
    data.onFill((fill) =>
      publish('fills', () => ({ type: 'fill', channel: 'fills', data: showFill(fill, tokens) })),
    ),
    orders.onOrder((order) =>
      publish('orders', () => ({ type: 'order', channel: 'orders', data: showOrder(order, tokens) })),
    ),
    every(limits.pingMs, () => {
      for (const peer of peers) {
        if (!peer.alive) cut(peer, CLOSE.silent, 'no pong');
        peer.alive = false;
        peer.socket.ping();
      }
    }),
    every(limits.pollMs, () => void Promise.all([poll('status'), poll('balances')])),
  ];

  const reads = { status: readStatus, balances: readBalances };
  /** Reads once for all subscribers, or for one that just came. */
  async function poll(channel: keyof typeof reads, only?: Peer): Promise<void> {
    const wanted = only === undefined ? onTopic(channel) : [only];
    if (wanted.length === 0) return;
    try {
      const value = await reads[channel](context, ends.signal);
      const text = Buffer.from(JSON.stringify({ type: channel, channel, data: value }));
      for (const peer of wanted) send(peer, text, bounds, drained);
    } catch (error) {
      const { code, detail } = problemOf(error);
      const text = Buffer.from(JSON.stringify({ type: 'error', code, detail, field: channel }));
      for (const peer of wanted) send(peer, text, bounds, drained);
    }
  }

  function handle(peer: Peer, value: unknown): object | undefined {
    const request = check(requestSchema, value);
    const { id } = request;
    if (request.op === 'ping') return { type: 'pong', time: context.now(), id };
    const name = 'market' in request ? nameMarket(readMarket(request.market, context), tokens) : undefined;
    const topic =
      request.op === 'snapshot' ? bookTopic(name!) : [request.channel, name].filter(Boolean).join(' ');
    if (request.op === 'snapshot') {
      if (!peer.topics.has(topic)) {
        throw connectorError('invalid-params', 'market: subscribe to its book first', { field: 'market' });
      }
      peer.behind.add(topic);
      drained(peer);
      return undefined;
    }
    const { op, channel } = request;
    const answer = { type: `${op}d`, channel, market: name, id };
    if (op === 'unsubscribe') {
      peer.topics.delete(topic);
      peer.behind.delete(topic);
      return answer;
    }
    if (peer.topics.size >= limits.topics && !peer.topics.has(topic)) {
      throw connectorError('rate-limited', `a connection has at most ${limits.topics} subscriptions`);
    }
    peer.topics.add(topic);
    send(peer, Buffer.from(JSON.stringify(answer)), bounds, drained);
    if (channel === 'book') {
      peer.behind.add(topic);
      drained(peer);
    }
    if (channel === 'status' || channel === 'balances') void poll(channel, peer);
    return undefined;
  }

  function receive(peer: Peer, raw: RawData, isBinary: boolean): void {
    if (!isOpen(peer)) return;
    peer.alive = true;
    heard(peer.client);
    if (isBinary) {
      cut(peer, CLOSE.binary, 'text only');
      return;
    }
    if (!peer.rate.has(limits.messagesPerSecond)) {
      cut(peer, CLOSE.tooManyMessages, `more than ${limits.messagesPerSecond} messages a second`);
      return;
    }
    peer.rate.take();
    const value = parse(String(raw));
    let answer: object | undefined;
    try {
      answer = handle(peer, value);
    } catch (error) {
      const { code, detail, field } = problemOf(error);
      answer = { type: 'error', code, detail, field, id: idOf(value) };
    }
    if (answer !== undefined) send(peer, Buffer.from(JSON.stringify(answer)), bounds, drained);
  }

  function welcome(socket: WebSocket, client: string): void {
    const peer: Peer = {
      ...{ socket, client, topics: new Set<string>(), behind: new Set<string>() },
      ...{ alive: true, rate: createRateLimit(now) },
    };
    socket.on('error', (error) => log.debug({ client }, messageOf(error)));
    const own = [...peers].filter((other) => other.client === client).length;
    if (own >= limits.connections) {
      cut(peer, CLOSE.tooManyConnections, 'too many connections');
      return;
    }
    peers.add(peer);
    socket.on('pong', () => {
      peer.alive = true;
    });
    socket.on('message', (raw, isBinary) => receive(peer, raw, isBinary));
    socket.once('close', (code) => {
      peers.delete(peer);
      log.info({ client, code }, 'websocket closed');
    });
    log.info({ client }, 'websocket open');
  }

  return {
    authorize(request, client) {
      // A browser says where the page is from: no page may speak with the certificate that its user has.
      const { origin } = request.headers;
      if (ends.signal.aborted || request.url !== PATH || origin !== undefined) return undefined;
      return (socket, head) =>
        server.handleUpgrade(request, socket, head, (accepted) => welcome(accepted, client));
    },
    connections: () => peers.size,
    close() {
      ends.abort();
      for (const stop of listening) stop();
      for (const peer of peers) cut(peer, CLOSE.goingAway, 'shutting down');
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The request's `id`, if it is one: an error names the request that it belongs to. */
function idOf(value: unknown): string | number | undefined {
  const { id } = (typeof value === 'object' && value !== null ? value : {}) as { id?: unknown };
  return (typeof id === 'string' && id.length <= 64) || Number.isSafeInteger(id) ? (id as string) : undefined;
}
