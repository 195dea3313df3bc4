import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { HttpMessage } from '../../../common/http-signatures.ts';
import { contentDigest, type signMessage } from '../../../common/http-signatures-hmac.ts';
import { Secret } from '../../../common/secret.ts';
import { type Authenticator, createAuthenticator } from '../../../sidecar/auth/authenticator.ts';
import { createRequestKey } from '../../../sidecar/auth/key.ts';
import { PROTOCOL_HEADER, SIGN_PATH, signedAnswer, signedRequest } from '../../../sidecar/protocol.ts';
import { signRequestMessage, unsignedRequest } from '../signed.ts';

const START = 1_800_000_000_000;

describe('authentication of requests @security', () => {
  const key = createRequestKey();
  let [now, auth] = [START, undefined as unknown as Authenticator];
  beforeEach(() => {
    now = START;
    auth = createAuthenticator({ key, now: () => now });
  });

  const post = (): HttpMessage => unsignedRequest('POST', SIGN_PATH, { envelopeXdr: 'AAAA' });
  const sign = (request = post(), options: Partial<Parameters<typeof signMessage>[1]> = {}): HttpMessage =>
    signRequestMessage(request, key, { now, ...options });
  const refuses = (code: string, request: HttpMessage): void =>
    assert.throws(() => auth.verify(request), { code });
  const withHeaders = (request: HttpMessage, headers: Record<string, string | undefined>): HttpMessage => ({
    ...request,
    headers: { ...request.headers, ...headers },
  });

  it('takes a signed request, with a body and without', () => {
    auth.verify(sign());
    auth.verify(sign(unsignedRequest('GET', '/v1/account')));
  });

  const all = signedRequest(true).components;
  it('wants the method, host, path, query, protocol and all of the body', () =>
    assert.deepEqual(all, [
      ...['"@method"', '"@authority"', '"@path"', '"@query"', '"stellar-signer-protocol"'],
      ...['"content-type"', '"content-digest"'],
    ]));

  for (const component of all)
    it(`refuses a signature that does not cover ${component}`, () =>
      refuses(
        'bad-request-signature',
        sign(post(), { components: all.filter((other) => other !== component) }),
      ));

  const tampered: [what: string, change: (request: HttpMessage) => HttpMessage][] = [
    ['method', (request) => ({ ...request, method: 'PUT' })],
    ['host', (request) => withHeaders(request, { host: 'other' })],
    ['path', (request) => ({ ...request, target: '/v1/account' })],
    ['query', (request) => ({ ...request, target: `${SIGN_PATH}?a` })],
    ['protocol', (request) => withHeaders(request, { [PROTOCOL_HEADER]: '2' })],
    ['type', (request) => withHeaders(request, { 'content-type': 'text/plain' })],
    ['digest', (request) => withHeaders(request, { 'content-digest': contentDigest(Buffer.from('x')) })],
    ['body', (request) => ({ ...request, body: Buffer.from('{"envelopeXdr":"AAAB"}') })],
  ];
  for (const [what, change] of tampered)
    it(`refuses a request whose ${what} was changed`, () => refuses('bad-request-signature', change(sign())));

  it('refuses a body that the signature says nothing about', () =>
    refuses('bad-request-signature', {
      ...sign(unsignedRequest('GET', '/v1/account')),
      body: Buffer.from('x'),
    }));

  it('refuses what is not signed, signed with the key of another start, or twice', () => {
    refuses('unsigned-request', post());
    refuses('unknown-key', signRequestMessage(post(), createRequestKey(), { now }));
    const { headers } = sign();
    const twice = (name: string): string =>
      `${headers[name]}, ${String(headers[name]).replace('sig=', 'b=')}`;
    refuses(
      'bad-request-signature',
      withHeaders(post(), {
        ...(headers as object),
        'signature-input': twice('signature-input'),
        signature: twice('signature'),
      }),
    );
  });

  it('refuses an answer of the signer that comes back as a request', () => {
    const request = sign();
    refuses(
      'bad-request-signature',
      sign(post(), { ...signedAnswer(true), tag: signedAnswer(true).tag, components: all }),
    );
    refuses(
      'bad-request-signature',
      withHeaders(request, auth.signAnswer({ status: 200, headers: request.headers }, request)),
    );
  });

  it('refuses a replay, also just before the signature expires', () => {
    const request = sign();
    auth.verify(request);
    refuses('replayed-request', request);
    now += 14_999;
    refuses('replayed-request', request);
    now += 1;
    refuses('stale-request', request);
  });

  it('refuses what expired on its way, comes from the future or would be valid for long', () => {
    refuses('stale-request', sign(post(), { now: now - 15_000 }));
    refuses('stale-request', sign(post(), { now: now + 6_000 }));
    refuses('stale-request', sign(post(), { lifetimeSeconds: 31 }));
  });

  it('refuses a request of before the clock went back', () => {
    const request = sign();
    auth.verify(request);
    now += 60_000;
    auth.verify(sign());
    now -= 60_000;
    refuses('stale-request', request);
  });

  it('is not used up by who has no key: only right signatures take room', () => {
    auth = createAuthenticator({ key, now: () => now, maxNonces: 2 });
    const nonce = 'n'.repeat(16);
    for (const stranger of [
      signRequestMessage(post(), createRequestKey(), { now, nonce }),
      { ...sign(post(), { nonce }), method: 'PUT' },
    ])
      assert.throws(() => auth.verify(stranger));
    auth.verify(sign(post(), { nonce }));
    auth.verify(sign());
    refuses('overloaded', sign());
    refuses('replayed-request', sign(post(), { nonce }));
    now += 16_000;
    auth.verify(sign());
  });

  it('takes the request that is documented, so that the page is right', () => {
    const page = readFileSync(new URL('../../../docs/signer/authentication.md', import.meta.url), 'utf8');
    const [line, ...fields] = /```http\n([\s\S]+?)\n```/.exec(page)![1]!.split('\n');
    const [method, target] = line!.split(' ');
    const headers = Object.fromEntries(fields.map((field) => field.split(/: (.+)/s).slice(0, 2)));
    const id = /keyid="([^"]+)"/.exec(headers['signature-input'])![1]!;
    const documented = { id, secret: new Secret(Buffer.alloc(32, 7)) };
    const body = Buffer.from('{"envelopeXdr":"AAAAAgAAAAB="}');
    const request = { method: method!, target: target!, headers, body };
    createAuthenticator({ key: documented, now: () => START }).verify(request);
  });
});
