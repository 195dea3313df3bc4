import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { close, listen } from '../../../common/http.ts';
import type { HmacKey } from '../../../common/http-signatures-hmac.ts';
import { contentDigest, signMessage } from '../../../common/http-signatures-hmac.ts';
import { createSigner, refusedPart, type Signer } from '../../../connector/signing/client.ts';
import { createAuthenticator } from '../../../sidecar/auth/authenticator.ts';
import { createRequestKey, writeRequestKey } from '../../../sidecar/auth/key.ts';
import { createLimits } from '../../../sidecar/auth/limits.ts';
import { signerError } from '../../../sidecar/errors.ts';
import { PROTOCOL_HEADER, type SignResponse, signedAnswer } from '../../../sidecar/protocol.ts';
import { createSignerServer } from '../../../sidecar/server.ts';
import { listenOnSocket } from '../../../sidecar/socket.ts';

const ACCOUNT = { account: `G${'A'.repeat(55)}`, networkPassphrase: 'Test' };
const SIGNED: SignResponse = { envelopeXdr: 'AAAA', hash: 'ab'.repeat(32), signer: ACCOUNT.account };
const never = new AbortController().signal;

async function read(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}
interface Asked {
  method: string;
  target: string;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

/** The client before the signer's real server; between them somebody who can change what goes by. */
describe('connector/signing: the client and its signer @security', () => {
  let [folder, real, near] = ['', '', ''];
  let key: HmacKey;
  let [server, between] = [undefined as unknown as Server, undefined as unknown as Server];
  let client: Signer;
  let now: () => number;
  let [refused, outcomes]: [string[], string[]] = [[], []];
  let asked: Asked[];
  let onRequest: (request: Asked) => Asked;
  let onAnswer: (answer: Answer, request: Asked) => Answer;
  let sign: () => Promise<SignResponse>;

  const startSigner = async (maxRequests = 10): Promise<void> => {
    key = createRequestKey();
    server = createSignerServer({
      account: ACCOUNT,
      auth: createAuthenticator({ key, now: Date.now }),
      limits: createLimits({ now: () => performance.now(), maxRequests }),
      signer: {
        sign: () => sign(),
        async refused(error) {
          refused.push((error as { code: string }).code);
        },
      },
    });
    await listenOnSocket(server, real, key);
    copyFileSync(join(folder, 'real/request.key'), join(folder, 'near/request.key'));
  };

  const forward = (request: Asked): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const { method, target: path, headers } = request;
      const onward = httpRequest(
        { socketPath: real, method, path, headers, agent: false },
        async (response) => {
          const body = await read(response);
          resolve({ status: response.statusCode!, headers: response.headers, body });
        },
      );
      onward.on('error', reject);
      onward.end(request.body);
    });

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'client-'));
    for (const name of ['real', 'near']) mkdirSync(join(folder, name), { mode: 0o750 });
    [real, near] = [join(folder, 'real/s'), join(folder, 'near/s')];
    [refused, outcomes, asked, now] = [[], [], [], Date.now];
    [onRequest, onAnswer, sign] = [(request) => request, (answer) => answer, async () => SIGNED];
    await startSigner();
    between = createServer(async (request, response) => {
      const body = await read(request);
      const came = { method: request.method!, target: request.url!, headers: request.headers, body };
      asked.push(came);
      const onward = await forward(onRequest(came)).catch(() => undefined);
      if (onward === undefined) return void response.destroy();
      const answer = onAnswer(onward, came);
      response.writeHead(answer.status, answer.headers as Record<string, string>).end(answer.body);
    });
    await listen(between, { path: near });
    client = createSigner(near, { answered: (outcome) => outcomes.push(outcome) }, () => now());
  });
  afterEach(async () => {
    await client.close();
    await Promise.all([close(between, 0), close(server, 0)]);
    rmSync(folder, { recursive: true });
  });

  const ask = (): Promise<SignResponse> => client.sign('AAAA', 'Test', never);
  const refuses = (code: string, field?: string): Promise<void> => assert.rejects(ask(), { code, field });

  it('signs what it asks, and takes what the signer answers', async () => {
    assert.deepEqual(await ask(), SIGNED);
    assert.deepEqual(await client.account(never), ACCOUNT);
    assert.deepEqual([refused, outcomes], [[], ['ok', 'ok']]);
    const nonces = asked.map(({ headers }) => /nonce="([^"]+)"/.exec(String(headers['signature-input']))![1]);
    assert.notEqual(nonces[0], nonces[1]);
  });

  const changed =
    (change: (answer: Answer) => Partial<Answer>) =>
    (answer: Answer): Answer => ({ ...answer, ...change(answer) });
  const withHeader = (name: string, value: string | undefined) =>
    changed(({ headers }) => {
      const { [name]: _, ...others } = headers;
      return { headers: value === undefined ? others : { ...others, [name]: value } };
    });
  const other = Buffer.from(JSON.stringify({ ...SIGNED, hash: 'cd'.repeat(32) }));
  const tampered: [what: string, change: (answer: Answer) => Answer][] = [
    ['status', changed(() => ({ status: 201 }))],
    ['body', changed(() => ({ body: other }))],
    [
      'body and digest',
      (answer) => withHeader('content-digest', contentDigest(other))({ ...answer, body: other }),
    ],
    ['digest', withHeader('content-digest', contentDigest(other))],
    ['type', withHeader('content-type', 'text/plain')],
    ['protocol', withHeader(PROTOCOL_HEADER, '2')],
    ['protocol, which is gone,', withHeader(PROTOCOL_HEADER, undefined)],
    [
      'signature, which is gone,',
      (answer) => withHeader('signature', undefined)(withHeader('signature-input', undefined)(answer)),
    ],
    ['signature', withHeader('signature', `sig=:${Buffer.alloc(32).toString('base64')}:`)],
    ['signature, which is not one,', withHeader('signature', 'x')],
  ];
  for (const [what, change] of tampered)
    it(`does not take an answer whose ${what} was changed`, async () => {
      onAnswer = change;
      await refuses('signer-untrusted');
      assert.deepEqual([asked.length, outcomes], [1, ['signer-untrusted']]);
    });

  it('says so when the signer speaks another version, before it looks at the signature', async () => {
    onAnswer = withHeader(PROTOCOL_HEADER, '2');
    await assert.rejects(ask(), /another version of the protocol/);
  });

  it('does not take a refusal that the signer did not sign', async () => {
    const body = Buffer.from('{"code":"kill-switch"}');
    onAnswer = (answer) => ({ ...withHeader('content-length', `${body.length}`)(answer), status: 403, body });
    await refuses('signer-untrusted');
  });

  it('does not take the answer to an earlier request, though it is the same', async () => {
    let first: Answer | undefined;
    onAnswer = (answer) => {
      first ??= answer;
      return first;
    };
    await ask();
    await refuses('signer-untrusted');
  });

  it('does not take the answer to another request of the same moment', async () => {
    await client.account(never);
    const [accountRequest] = asked;
    onRequest = () => ({ ...accountRequest!, headers: { ...accountRequest!.headers } });
    await refuses('signer-untrusted');
  });

  it('does not take an answer of long ago or of the future', async () => {
    for (const [skew, code] of [
      [-6_500, 'signer-untrusted'],
      [16_000, 'signer-untrusted'],
    ] as const) {
      let calls = 0;
      // Its own request is in time; the clock is another when the answer comes.
      now = () => Date.now() + (calls++ === 0 ? 0 : skew);
      await refuses(code);
    }
  });

  it('does not take an answer by a key of its own id or of another', async () => {
    for (const id of [key.id, createRequestKey().id]) {
      onAnswer = (answer, request) => {
        const nonce = /nonce="([^"]+)"/.exec(String(request.headers['signature-input']))![1]!;
        const message = { status: answer.status, headers: answer.headers };
        const signature = signMessage(message, {
          ...signedAnswer(true),
          ...{ key: { ...createRequestKey(), id }, now: Date.now(), lifetimeSeconds: 15, nonce, request },
        });
        return { ...answer, headers: { ...answer.headers, ...signature } };
      };
      await refuses('signer-untrusted');
    }
    assert.equal(asked.length, 2);
  });

  it('says that the signer did not judge a request that was changed, held back or sent twice', async () => {
    onRequest = (request) => ({
      ...request,
      body: Buffer.from('{"envelopeXdr":"AAAB","networkPassphrase":"Test"}'),
    });
    onRequest = ((change) => (request: Asked) => ({
      ...change(request),
      headers: { ...request.headers, 'content-length': '49' },
    }))(onRequest);
    await refuses('signer-unavailable', 'bad-request-signature');
    onRequest = (request) => request;
    now = () => Date.now() - 16_000;
    // The answer is of the client’s future then.
    await refuses('signer-untrusted');
    now = Date.now;
    const request = asked.at(-1)!;
    await ask();
    const twice = await forward(asked.at(-1)!);
    assert.deepEqual([twice.status, JSON.parse(twice.body.toString()).code], [401, 'replayed-request']);
    assert.equal((await forward(request)).status, 401);
    assert.deepEqual(refused, [
      'bad-request-signature',
      'stale-request',
      'replayed-request',
      'stale-request',
    ]);
  });

  it('goes on after the signer was restarted: reads the key again, and asks again once', async () => {
    await ask();
    await close(server, 0);
    await refuses('signer-unavailable');
    asked = [];
    await startSigner();
    assert.deepEqual(await ask(), SIGNED);
    assert.equal(asked.length, 2);
    assert.deepEqual(refused, ['unknown-key']);
    assert.deepEqual(await ask(), SIGNED);
    assert.equal(asked.length, 3);
  });

  it('goes on after a restart also when the new signer is too busy to look at the key', async () => {
    await ask();
    await close(server, 0);
    await startSigner(0);
    await refuses('signer-unavailable', 'overloaded');
    assert.deepEqual(refused, ['overloaded', 'overloaded']);
  });

  it('asks no third time when the key changes again', async () => {
    await ask();
    asked = [];
    onAnswer = (answer) => {
      writeRequestKey(near, createRequestKey());
      return answer;
    };
    writeRequestKey(near, createRequestKey());
    await client.close();
    client = createSigner(near, { answered: (outcome) => outcomes.push(outcome) }, Date.now);
    await refuses('signer-untrusted');
    assert.equal(asked.length, 2);
  });

  it('says when there is no key, or something else in its place, without what it is', async () => {
    rmSync(join(folder, 'near/request.key'));
    await refuses('signer-unavailable');
    for (const text of ['', '{}', '{"keyid":"AAAAAAAAAAAAAAAAAAAA","key":"c2VjcmV0"}']) {
      writeFileSync(join(folder, 'near/request.key'), text);
      await assert.rejects(
        ask(),
        (error: Error) =>
          /is not a key of the signer/.test(error.message) && !error.message.includes('c2VjcmV0'),
      );
    }
    assert.equal(asked.length, 0);
  });

  it('hands on what the signer refused, with its code', async () => {
    sign = async () => {
      throw signerError('kill-switch', 'in policy trading');
    };
    await refuses('signer-refused', 'kill-switch');
    sign = async () => {
      throw signerError('rate-exceeded', 'too many');
    };
    await refuses('rate-limited', 'rate-exceeded');
  });

  it('says which part of the envelope is refused, beside the code', async () => {
    sign = async () => {
      throw signerError('amount-too-large', 'too much', { field: 'operations[3].amount' });
    };
    const error = await ask().catch((it: unknown) => it);
    assert.equal((error as { field: string }).field, 'amount-too-large');
    assert.equal(refusedPart(error), 'operations[3].amount');
  });
});
