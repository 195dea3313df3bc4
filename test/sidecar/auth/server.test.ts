import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { close } from '../../../common/http.ts';
import type { HttpMessage } from '../../../common/http-signatures.ts';
import type { HmacKey } from '../../../common/http-signatures-hmac.ts';
import { createAuthenticator } from '../../../sidecar/auth/authenticator.ts';
import { createRequestKey } from '../../../sidecar/auth/key.ts';
import { createLimits } from '../../../sidecar/auth/limits.ts';
import {
  ACCOUNT_PATH,
  MAX_BODY_BYTES,
  PROTOCOL_HEADER,
  SIGN_PATH,
  type SignResponse,
} from '../../../sidecar/protocol.ts';
import { createSignerServer } from '../../../sidecar/server.ts';
import { listenOnSocket } from '../../../sidecar/socket.ts';
import {
  createNonce,
  type RawAnswer,
  send,
  signRequestMessage,
  unsignedRequest,
  verifyAnswer,
} from '../signed.ts';

const ACCOUNT = { account: `G${'A'.repeat(55)}`, networkPassphrase: 'Test' };
const SIGNED: SignResponse = { envelopeXdr: 'AAAA', hash: 'ab'.repeat(32), signer: ACCOUNT.account };

/** The server as it is, in front of a signer that signs when it is told to. */
describe('the signer’s server @security', () => {
  let [folder, socket] = ['', ''];
  let [key, server] = [undefined as unknown as HmacKey, undefined as unknown as Server];
  let refused: string[];
  let waiting: (() => void)[] | undefined;

  const start = async (limits: { maxRequests?: number; requestsPerSecond?: number } = {}): Promise<void> => {
    folder = mkdtempSync(join(tmpdir(), 'server-'));
    [socket, key, refused, waiting] = [join(folder, 's'), createRequestKey(), [], undefined];
    server = createSignerServer({
      account: ACCOUNT,
      auth: createAuthenticator({ key, now: Date.now }),
      limits: createLimits({ now: () => 0, ...limits }),
      signer: {
        async sign() {
          if (waiting !== undefined) await new Promise<void>((resolve) => waiting!.push(resolve));
          return SIGNED;
        },
        async refused(error) {
          refused.push((error as { code: string }).code);
        },
      },
    });
    await listenOnSocket(server, socket, key);
  };
  afterEach(async () => {
    await close(server, 0);
    rmSync(folder, { recursive: true });
  });

  const post = (): HttpMessage => unsignedRequest('POST', SIGN_PATH, { envelopeXdr: 'AAAA' });
  const sign = (request: HttpMessage = post()): HttpMessage => signRequestMessage(request, key);
  /** The answer's status and code, once its signature was verified. */
  const ask = async (request: HttpMessage, isBound = true): Promise<[status: number, code: unknown]> => {
    const answer = await send(socket, request);
    verifySigned(answer, request, isBound);
    return [answer.status, JSON.parse(answer.text).code];
  };
  const verifySigned = (answer: RawAnswer, request: HttpMessage, isBound = true): void => {
    if (request.headers.signature !== undefined) verifyAnswer(answer, request, key, isBound);
    else assert.throws(() => verifyAnswer(answer, request, key, isBound), /nonce/);
    assert.equal(answer.headers[PROTOCOL_HEADER], '1');
  };
  const until = async (condition: () => boolean): Promise<void> => {
    for (let i = 0; i < 2_000 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 2));
    assert.ok(condition());
  };

  it('answers signed requests, each answer signed and bound to its request', async () => {
    await start();
    for (const request of [sign(), sign(unsignedRequest('GET', ACCOUNT_PATH))]) {
      const nonce = createNonce();
      const message = signRequestMessage(request, key, { nonce });
      const answer = await send(socket, message);
      assert.equal(answer.status, 200);
      assert.equal(verifyAnswer(answer, message, key), nonce);
      assert.throws(() => verifyAnswer({ ...answer, status: 201 }, message, key));
      assert.throws(() => verifyAnswer({ ...answer, text: `${answer.text} ` }, message, key));
      assert.throws(() => verifyAnswer(answer, { ...message, target: '/v1/other' }, key));
    }
    assert.deepEqual(refused, []);
  });

  it('refuses at both endpoints, and at no endpoint, whoever is not authenticated; each refusal is recorded', async () => {
    await start();
    const targets = [
      post(),
      unsignedRequest('GET', ACCOUNT_PATH),
      unsignedRequest('GET', '/'),
      unsignedRequest('POST', '/v1/hash'),
    ];
    for (const request of targets) assert.deepEqual(await ask(request), [401, 'unsigned-request']);
    assert.deepEqual(refused, Array(4).fill('unsigned-request'));
    const other = signRequestMessage(post(), createRequestKey());
    assert.deepEqual(await ask(other), [401, 'unknown-key']);
    const request = sign();
    assert.deepEqual(await ask({ ...request, body: Buffer.from('{"envelopeXdr":"AAAB"}') }), [
      401,
      'bad-request-signature',
    ]);
    assert.deepEqual(await ask(signRequestMessage(post(), key, { now: Date.now() - 60_000 })), [
      401,
      'stale-request',
    ]);
    assert.deepEqual(await ask(request), [200, undefined]);
    assert.deepEqual(await ask(request), [401, 'replayed-request']);
    assert.deepEqual(refused.slice(4), [
      'unknown-key',
      'bad-request-signature',
      'stale-request',
      'replayed-request',
    ]);
  });

  it('says that the protocol is another also to who is not authenticated', async () => {
    await start();
    for (const protocol of ['2', '1, 1', '']) {
      const request = { ...post(), headers: { ...post().headers, [PROTOCOL_HEADER]: protocol } };
      assert.deepEqual(await ask(request), [400, 'protocol-mismatch']);
    }
  });

  it('answers malformed signature fields with a refusal, whatever is in them', async () => {
    await start();
    const texts = [
      '',
      '{}',
      'sig',
      'sig=1',
      'sig=()',
      'sig=("@method")',
      'sig=(%"%ff")',
      'sig=("a" @99999999999)',
      '\u00ff',
      ','.repeat(5_000),
    ];
    for (const input of texts)
      for (const signature of ['sig=:AAAA:', 'sig=1', '', input]) {
        const request = { ...post(), headers: { ...post().headers, 'signature-input': input, signature } };
        const answer = await send(socket, request);
        assert.equal(JSON.parse(answer.text).code, 'bad-request-signature', `${input} ${signature}`);
        assert.ok(answer.headers.signature);
      }
  });

  it('signs the answer to a target that no signature can cover, without binding it', async () => {
    await start();
    const raw = connect(socket);
    raw.end(
      `GET http://signer${ACCOUNT_PATH} HTTP/1.1\r\nhost: signer\r\n${PROTOCOL_HEADER}: 1\r\nconnection: close\r\n\r\n`,
    );
    let text = '';
    for await (const chunk of raw) text += String(chunk);
    assert.match(text, /^HTTP\/1.1 401/);
    assert.match(
      text,
      /signature-input: sig=\("@status" "stellar-signer-protocol" "content-type" "content-digest"\);/,
    );
  });

  it('refuses a body that is too large before it looks at who sends it', async () => {
    await start();
    const request = unsignedRequest('POST', SIGN_PATH, 'A'.repeat(MAX_BODY_BYTES + 1));
    assert.deepEqual(await ask(sign(request)), [413, 'body-too-large']);
  });

  it('refuses one too many before its body, finishes what it took, and loses nothing', async () => {
    await start({ maxRequests: 2 });
    waiting = [];
    const taken = [sign(), sign()].map((request) => ask(request));
    await until(() => waiting!.length === 2);
    const request = sign();
    const { headers } = request;
    const late = httpRequest({
      socketPath: socket,
      method: 'POST',
      path: SIGN_PATH,
      headers: { ...(headers as Record<string, string>), 'content-length': 100 },
    });
    late.flushHeaders();
    const [answer] = (await once(late, 'response')) as [IncomingMessage];
    assert.deepEqual([answer.statusCode, answer.headers['retry-after']], [503, '1']);
    late.destroy();
    assert.deepEqual(refused, ['overloaded']);
    for (const resume of waiting) resume();
    assert.deepEqual(await Promise.all(taken), [
      [200, undefined],
      [200, undefined],
    ]);
    waiting = undefined;
    // The refused one was not judged, so it may be sent again as it is.
    assert.deepEqual(await ask(request), [200, undefined]);
  });

  it('has a place free again after every kind of answer, and after a client that went away', async () => {
    await start({ maxRequests: 1 });
    waiting = [];
    const gone = httpRequest({
      socketPath: socket,
      method: 'POST',
      path: SIGN_PATH,
      headers: sign().headers as Record<string, string>,
    });
    gone.on('error', () => undefined);
    gone.end(post().body);
    await until(() => waiting!.length === 1);
    gone.destroy();
    // Its work is not over, so its place is not free.
    assert.deepEqual(await ask(sign()), [503, 'overloaded']);
    waiting[0]!();
    waiting = undefined;
    const half = httpRequest({
      socketPath: socket,
      method: 'POST',
      path: SIGN_PATH,
      headers: { ...(sign().headers as Record<string, string>), 'content-length': 50 },
    });
    const left = once(half, 'error');
    half.write('x', () => half.destroy());
    await left;
    const requests = [
      post(),
      sign(unsignedRequest('GET', '/x')),
      sign(unsignedRequest('POST', SIGN_PATH, 'x')),
      sign(),
    ];
    for (const [i, status] of [401, 404, 400, 200].entries()) {
      let answer = await ask(requests[i]!);
      // The server may see that the client went away a moment later.
      while (answer[0] === 503) answer = await ask(requests[i]!);
      assert.equal(answer[0], status);
    }
  });

  it('refuses more than so many a second, signed or not', async () => {
    await start({ requestsPerSecond: 1 });
    for (let i = 0; i < 3; i++) assert.deepEqual(await ask(sign()), [200, undefined]);
    for (let i = 0; i < 2; i++) assert.deepEqual(await ask(post()), [401, 'unsigned-request']);
    const answer = await send(socket, sign());
    assert.deepEqual(
      [answer.status, JSON.parse(answer.text).code, answer.headers['retry-after']],
      [429, 'too-many-requests', '1'],
    );
  });

  it('when it stops: finishes what it took, refuses what comes later on an open connection, closes it', async () => {
    await start();
    waiting = [];
    const pipe = connect(socket);
    const raw = ({ headers, method, target, body }: HttpMessage): string =>
      `${method} ${target} HTTP/1.1\r\n${Object.entries(headers)
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join('')}content-length: ${body?.length ?? 0}\r\n\r\n${body ?? ''}`;
    let text = '';
    pipe.on('data', (chunk) => {
      text += String(chunk);
    });
    pipe.write(raw(sign()));
    await until(() => waiting!.length === 1);
    const closed = close(server, 60_000);
    pipe.write(raw(sign()));
    await until(() => refused.length === 1);
    assert.deepEqual([refused, text], [['stopping'], '']);
    waiting[0]!();
    await once(pipe, 'close');
    await closed;
    const [first, second] = text.split(/(?=HTTP\/1\.1 )/);
    assert.match(first!, /^HTTP\/1.1 200/);
    assert.match(
      second!,
      /^HTTP\/1.1 503[\s\S]*retry-after: 1[\s\S]*connection: close[\s\S]*signature: sig=[\s\S]*"code":"stopping"/i,
    );
  });
});
