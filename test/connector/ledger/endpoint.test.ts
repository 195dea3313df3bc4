import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDialFailure } from '../../../connector/ledger/dial.ts';
import {
  createTransport,
  type Transport,
  type TransportEvents,
  type TransportOptions,
} from '../../../connector/ledger/transport.ts';
import { createAuthority } from '../../certificates.ts';
import { pinOf } from '../../sandbox/tls.ts';
import { HORIZON_HOST, type HorizonDouble, startHorizon } from '../horizon-double.ts';
import { createKey } from '../software-signer.ts';
import { createClock, type TestClock } from './clock.ts';

const signal = new AbortController().signal;
const root = { method: 'GET', path: '/', timeoutMs: 2_000 } as const;
const submission = { method: 'POST', path: '/transactions', timeoutMs: 2_000, urgent: true } as const;
const HELLO = 'retry: 1000\nevent: open\ndata: "hello"\n\n';

describe('connector/ledger/transport: one endpoint in good and bad days', () => {
  let horizon: HorizonDouble;
  let folder: string;
  let clock: TestClock;
  let seen: IncomingMessage[];
  const opened: Transport[] = [];
  const told: string[] = [];
  const at = (name: string): string => join(folder, name);
  const events: TransportEvents = {
    pinMismatch: () => void told.push('pin-mismatch'),
    unknownHost: () => void told.push('unknown-host'),
    breaker: (_host, state) => void told.push(`breaker ${state}`),
    dropped: (_host, reason, streams) => void told.push(`dropped ${reason} ${streams}`),
  };

  before(async () => {
    horizon = await startHorizon({ account: createKey().account });
  });
  after(() => horizon.stop());
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'endpoint-'));
    writeFileSync(at('ca.pem'), horizon.ca);
    clock = createClock();
    told.length = 0;
    seen = [];
  });
  afterEach(async () => {
    horizon.intercept = undefined;
    await Promise.all(opened.splice(0).map((transport) => transport.close()));
    rmSync(folder, { recursive: true });
  });

  const open = (options: Partial<TransportOptions> = {}): Transport => {
    const transport = createTransport(
      { url: horizon.url, caFile: at('ca.pem'), addresses: ['127.0.0.1'], ...options },
      events,
      clock,
    );
    opened.push(transport);
    return transport;
  };
  const answer = (status: number, headers: Record<string, string> = {}): void => {
    horizon.intercept = (request, response) => {
      seen.push(request);
      response.writeHead(status, headers).end('{}');
      return true;
    };
  };
  /** Streams greet and stay open; each that ended is counted. */
  const stream = (): void => {
    horizon.intercept = (request, response) => {
      seen.push(request);
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(HELLO);
      return true;
    };
  };
  const failure = async (work: Promise<unknown>): Promise<Error & { code: string }> => {
    const error = await work.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof Error);
    return error as Error & { code: string };
  };

  it('addresses of its own need no file, and no file changes them', async () => {
    const transport = open();
    assert.deepEqual(transport.status(), { state: 'down', reason: 'it was not asked yet' });
    transport.setAddresses({ [HORIZON_HOST]: ['127.0.0.2'] });
    assert.equal((await transport.request(root, signal)).status, 200);
    assert.deepEqual(transport.status(), { state: 'up', reason: undefined });
  });

  it('one address that is dead does not hide the others', async () => {
    const transport = open({ addresses: ['127.0.0.2', '127.0.0.1'] });
    assert.equal((await transport.request(root, signal)).status, 200);
  });

  it('@security sends its API key with each request and stream, renewed when the file is, and to no other endpoint', async () => {
    writeFileSync(at('key'), 'key-1\n');
    const auth = { header: 'X-Api-Key', file: at('key') };
    const keyed = open({ auth });
    const bare = open();
    answer(200);
    const sent = (): unknown[] => seen.splice(0).map(({ headers }) => headers['x-api-key']);
    await keyed.request({ ...root, headers: { 'x-api-key': 'forged' } }, signal);
    await bare.request(root, signal);
    writeFileSync(at('key'), 'key-two');
    await keyed.request(submission, signal);
    assert.deepEqual(sent(), ['key-1', undefined, 'key-two']);
    stream();
    (await keyed.stream('/ledgers', {}, signal)).close();
    assert.deepEqual(sent(), ['key-two']);
  });

  it('a missing key or authority leaves it down, naming the file, with nothing sent; it heals at once', async () => {
    for (const [options, name, content] of [
      [{ auth: { header: 'X', file: at('key') } }, 'key', 'secret'],
      [{ caFile: at('late.pem') }, 'late.pem', horizon.ca],
    ] as const) {
      const transport = open(options);
      for (let i = 0; i < 10; i += 1) {
        const error = await failure(transport.request(root, signal));
        assert.equal(error.code, 'ledger-unreachable');
        assert.ok(isDialFailure(error), 'nothing was sent');
      }
      const { state, reason } = transport.status();
      assert.equal(state, 'down');
      assert.match(reason!, new RegExp(`${at(name)}: ENOENT`));
      writeFileSync(at(name), content);
      assert.equal((await transport.request(root, signal)).status, 200);
      assert.equal(transport.status().state, 'up');
    }
    const nowhere = open({ addresses: undefined });
    for (let i = 0; i < 10; i += 1) {
      assert.equal((await failure(nowhere.request(root, signal))).code, 'address-unknown');
    }
    assert.match(nowhere.status().reason!, /no address is given/);
    assert.doesNotMatch(told.join(), /breaker/, 'nobody was asked');
  });

  it('opens its breaker after failures in a row, answers at once while it is open, and closes it when it heals', async () => {
    const transport = open();
    answer(503);
    for (let i = 0; i < 5; i += 1) assert.equal((await transport.request(root, signal)).status, 503);
    assert.deepEqual(transport.status(), { state: 'open-breaker', reason: 'HTTP 503' });
    const error = await failure(transport.request(root, signal));
    assert.deepEqual([error.code, isDialFailure(error), seen.length], ['ledger-unreachable', true, 5]);
    assert.match(error.message, /asked again in 1 s; last: HTTP 503/);
    answer(200);
    await clock.advance(1_000);
    await transport.request(root, signal);
    assert.equal(transport.status().state, 'up');
    assert.deepEqual(told, ['breaker open', 'breaker closed']);
  });

  it('a submission tries an open breaker, and its 504 counts for none', async () => {
    const transport = open();
    answer(504);
    for (let i = 0; i < 10; i += 1) await transport.request(submission, signal);
    assert.deepEqual(told, []);
    answer(503);
    for (let i = 0; i < 5; i += 1) await transport.request(root, signal);
    answer(200);
    await transport.request(submission, signal);
    assert.deepEqual(told, ['breaker open', 'breaker closed']);
  });

  it('submissions that no ledger answers in time open no breaker: reads go on', async () => {
    const transport = open();
    horizon.intercept = ({ method }) => method === 'POST';
    const late = Array.from({ length: 16 }, () =>
      failure(transport.request({ ...submission, timeoutMs: 100 }, signal)),
    );
    for (const { code } of await Promise.all(late)) assert.equal(code, 'ledger-unreachable');
    assert.deepEqual(told, []);
    assert.equal((await transport.request(root, signal)).status, 200);
    assert.equal(transport.status().state, 'up');
  });

  it('submissions of sixteen channels that wait for their ledger hold no read up', async () => {
    const transport = open();
    const held: (() => void)[] = [];
    const all = new Promise<void>((resolve) => {
      horizon.intercept = (request, response) => {
        if (request.method === 'GET') return false;
        if (held.push(() => response.writeHead(200).end('{}')) === 16) resolve();
        return true;
      };
    });
    const waiting = Array.from({ length: 16 }, () =>
      transport.request({ ...submission, timeoutMs: 15_000 }, signal),
    );
    await all;
    assert.equal((await transport.request({ ...root, timeoutMs: 15_000 }, signal)).status, 200);
    for (const release of held) release();
    await Promise.all(waiting);
  });

  it('what the caller gives up is no failure, and throws the caller’s reason', async () => {
    const transport = open();
    horizon.intercept = () => true;
    for (let i = 0; i < 8; i += 1) {
      const stop = new AbortController();
      const work = transport.request(root, stop.signal);
      setImmediate(() => stop.abort(new Error('client gone')));
      assert.equal((await failure(work)).message, 'client gone');
    }
    assert.deepEqual(told, []);
  });

  it('keeps to the rate limit: reads wait or are refused, submissions go', async () => {
    const transport = open();
    answer(429, { 'retry-after': '5' });
    await transport.request(root, signal);
    answer(200);
    const error = await failure(transport.request(root, signal));
    assert.deepEqual([error.code, isDialFailure(error)], ['rate-limited', true]);
    assert.equal((await transport.request(submission, signal)).status, 200);
    const patient = transport.request({ ...root, timeoutMs: 10_000 }, signal);
    const stop = new AbortController();
    const impatient = transport.request({ ...root, timeoutMs: 10_000 }, stop.signal);
    stop.abort(new Error('gone'));
    assert.equal((await failure(impatient)).message, 'gone');
    seen.length = 0;
    await clock.advance(4_999);
    assert.equal(seen.length, 0);
    await clock.advance(1);
    assert.equal((await patient).status, 200);
    answer(429, { 'retry-after': '5' });
    await transport.request(root, signal);
    const tooLate = await failure(transport.request({ ...root, timeoutMs: 8_000 }, signal));
    assert.equal(tooLate.code, 'rate-limited', 'an answer must have its time too');
  });

  /** Opens a stream and tells how it ended. */
  const follow = async (transport: Transport): Promise<{ ended: Promise<string> }> => {
    const { chunks, status } = await transport.stream('/ledgers', { accept: 'text/event-stream' }, signal);
    assert.equal(status, 200);
    const reader = chunks[Symbol.asyncIterator]();
    assert.equal(Buffer.from((await reader.next()).value as Uint8Array).toString(), HELLO);
    return {
      ended: reader.next().then(
        () => 'ended',
        () => 'cut',
      ),
    };
  };

  it('@security cuts a stream at once when its address leaves the set, and keeps it when another one does', async () => {
    const transport = open({ addresses: undefined });
    transport.setAddresses({ [HORIZON_HOST]: ['127.0.0.1', '::1'] });
    stream();
    const { ended } = await follow(transport);
    const closed = once(seen[0]!.socket, 'close');
    transport.setAddresses({ [HORIZON_HOST]: ['::ffff:127.0.0.9', '127.0.0.1'] });
    assert.equal(
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 50, 'kept'))]),
      'kept',
    );
    transport.setAddresses({ [HORIZON_HOST]: ['127.0.0.9'] });
    assert.equal(await ended, 'cut');
    await closed;
    assert.deepEqual(told, ['dropped addresses 0', 'dropped addresses 0', 'dropped addresses 1']);
    assert.equal((await failure(transport.stream('/ledgers', {}, signal))).code, 'ledger-unreachable');
  });

  it('@security cuts all streams and sockets when pins or authorities change, and checks anew', async () => {
    const transport = open({ spkiPins: [horizon.pins.leaf, horizon.pins.ca] });
    stream();
    const first = await follow(transport);
    transport.setPins([horizon.pins.ca, horizon.pins.leaf]);
    assert.equal(await first.ended, 'cut');
    const second = await follow(transport);
    const other = await createAuthority('other');
    writeFileSync(at('ca.pem'), `${horizon.ca}\n${other.cert}`);
    const third = await follow(transport);
    assert.equal(await second.ended, 'cut');
    transport.setPins([pinOf(other.cert), pinOf((await createAuthority()).cert)]);
    assert.equal(await third.ended, 'cut');
    assert.equal((await failure(transport.stream('/ledgers', {}, signal))).code, 'pin-mismatch');
    assert.equal((await failure(transport.request(root, signal))).code, 'pin-mismatch');
    transport.setPins(undefined);
    writeFileSync(at('ca.pem'), other.cert);
    assert.equal((await failure(transport.request(root, signal))).code, 'ledger-unreachable');
    assert.deepEqual(told.slice(0, 5), [
      ...['dropped pins 1', 'dropped authorities 1', 'dropped pins 1', 'pin-mismatch', 'pin-mismatch'],
    ]);
  });

  it('requests under way are let finish when the addresses change', async () => {
    const transport = open({ addresses: undefined });
    transport.setAddresses({ [HORIZON_HOST]: ['127.0.0.1'] });
    let finish = (): void => undefined;
    const asked = new Promise<void>((resolve) => {
      horizon.intercept = (_request, response) => {
        finish = () => void response.writeHead(200).end('late');
        resolve();
        return true;
      };
    });
    const work = transport.request(root, signal);
    await asked;
    transport.setAddresses({ [HORIZON_HOST]: ['127.0.0.9'] });
    finish();
    assert.equal((await work).body, 'late');
  });

  it('streams end with their signal and with the transport', async () => {
    const transport = open();
    stream();
    const stop = new AbortController();
    const { chunks } = await transport.stream('/ledgers', {}, stop.signal);
    const reader = chunks[Symbol.asyncIterator]();
    await reader.next();
    stop.abort();
    await assert.rejects(reader.next());
    const { ended } = await follow(transport);
    await transport.close();
    assert.equal(await ended, 'cut');
  });
});
