import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { type HttpMessage, readSignatures, signatureBase } from '../../common/http-signatures.ts';
import {
  contentDigest,
  type HmacKey,
  nonceOf,
  type SignatureFaultCode,
  signMessage,
  verifyMessage,
} from '../../common/http-signatures-hmac.ts';
import { Secret } from '../../common/secret.ts';

const NOW = 1_800_000_000_500;
const NONCE = 'b3k2pp5k7z-50gnwp.yemd';
const createKey = (id: string): HmacKey => ({ id, secret: new Secret(randomBytes(32)) });
const key = createKey('boot-1');
const profile = {
  tag: 'a-request',
  components: ['"@method"', '"@path"', '"@query"', '"@authority"', '"content-type"', '"content-digest"'],
};
const limits = { maxLifetimeSeconds: 30, maxAheadSeconds: 5 };
const body = Buffer.from('{"hello":"world"}');

type Options = Partial<Parameters<typeof signMessage>[1]>;
type Rules = Partial<Parameters<typeof verifyMessage>[1]>;

const unsigned = (): HttpMessage => ({
  method: 'POST',
  target: '/v1/things?a=b',
  headers: { host: 'signer', 'content-type': 'application/json', 'content-digest': contentDigest(body) },
  body,
});
const sign = (message: HttpMessage, options: Options = {}): HttpMessage => ({
  ...message,
  headers: {
    ...message.headers,
    ...signMessage(message, { ...profile, key, now: NOW, lifetimeSeconds: 15, nonce: NONCE, ...options }),
  },
});
const check = (message: HttpMessage, rules: Rules = {}): ReturnType<typeof verifyMessage> =>
  verifyMessage(message, { ...profile, ...limits, key, now: NOW, ...rules });
const refuses = (code: SignatureFaultCode, message: HttpMessage, rules?: Rules): void =>
  assert.throws(() => check(message, rules), { code });
const withHeaders = (message: HttpMessage, headers: Record<string, string | undefined>): HttpMessage => ({
  ...message,
  headers: { ...message.headers, ...headers },
});
const edited = (edit: (input: string) => string): HttpMessage => {
  const message = sign(unsigned());
  return withHeaders(message, { 'signature-input': edit(String(message.headers['signature-input'])) });
};

describe('HTTP message signatures by a shared key @security', () => {
  it('takes what was signed, and tells its nonce and its end', () => {
    const message = sign(unsigned());
    assert.deepEqual(check(message), { nonce: NONCE, expires: 1_800_000_015 });
    assert.equal(nonceOf(message), NONCE);
  });

  it('has the digest of RFC 9530', () =>
    // RFC 9530, appendix B.1
    assert.equal(
      contentDigest(Buffer.from('{"hello": "world"}\n')),
      'sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:',
    ));

  const tampered: [what: string, message: HttpMessage][] = [
    ['method', { ...sign(unsigned()), method: 'PUT' }],
    ['path', { ...sign(unsigned()), target: '/v1/others?a=b' }],
    ['query', { ...sign(unsigned()), target: '/v1/things?a=c' }],
    ['authority', withHeaders(sign(unsigned()), { host: 'other' })],
    ['content type', withHeaders(sign(unsigned()), { 'content-type': 'text/plain' })],
    ['digest', withHeaders(sign(unsigned()), { 'content-digest': contentDigest(Buffer.from('x')) })],
    ['body', { ...sign(unsigned()), body: Buffer.from('{"hello":"World"}') }],
    ['body taken away', { ...sign(unsigned()), body: Buffer.alloc(0) }],
    [
      'body and digest',
      {
        ...withHeaders(sign(unsigned()), { 'content-digest': contentDigest(Buffer.from('x')) }),
        body: Buffer.from('x'),
      },
    ],
    ['creation time', edited((input) => input.replace('created=1800000000', 'created=1800000001'))],
    ['end', edited((input) => input.replace('expires=1800000015', 'expires=1800000016'))],
    ['nonce', edited((input) => input.replace(NONCE, NONCE.toUpperCase()))],
    ['order of the components', edited((input) => input.replace('"@method" "@path"', '"@path" "@method"'))],
    ['a component more', edited((input) => input.replace('("@method"', '("host" "@method"'))],
    ['a parameter more', edited((input) => `${input};x=1`)],
    ['field that is gone', withHeaders(sign(unsigned()), { 'content-type': undefined })],
  ];
  for (const [what, message] of tampered)
    it(`refuses a message whose ${what} was changed`, () => refuses('bad-signature', message));

  for (const component of profile.components)
    it(`refuses a signature that leaves out ${component}`, () =>
      refuses(
        'bad-signature',
        sign(unsigned(), { components: profile.components.filter((other) => other !== component) }),
      ));

  it('does not take a component of the request for one of the message', () =>
    refuses(
      'bad-signature',
      sign(unsigned(), {
        components: ['"@method";req', ...profile.components.slice(1)],
        request: unsigned(),
      }),
      { request: unsigned() },
    ));

  it('refuses another tag, so that no answer passes as a request', () =>
    refuses('bad-signature', sign(unsigned(), { tag: 'an-answer' })));

  it('refuses another algorithm, even where the signature is right', () => {
    const message = edited((input) => input.replace('hmac-sha256', 'ed25519'));
    const given = readSignatures(message)[0]!;
    const mac = createHmac('sha256', key.secret.reveal()).update(signatureBase(given, message));
    refuses('bad-signature', withHeaders(message, { signature: `sig=:${mac.digest('base64')}:` }));
  });

  it('refuses a nonce that is missing, short or long', () => {
    for (const nonce of [undefined, 'x'.repeat(15), 'x'.repeat(65)])
      refuses('bad-signature', sign(unsigned(), { nonce }));
  });

  it('knows its own key only', () => {
    refuses('unknown-key', sign(unsigned(), { key: createKey('boot-0') }));
    refuses('bad-signature', sign(unsigned(), { key: createKey('boot-1') }));
  });

  it('tells a message without signature from a bad one', () => {
    refuses('unsigned', unsigned());
    refuses('bad-signature', withHeaders(sign(unsigned()), { signature: undefined }));
    refuses('bad-signature', withHeaders(sign(unsigned()), { 'signature-input': undefined }));
  });

  it('refuses two signatures, in either order, even if both are right', () => {
    const { headers } = sign(unsigned());
    const [input, signature] = [String(headers['signature-input']), String(headers.signature)];
    for (const second of ['b', 'a']) {
      const twice = (value: string): string => `${value}, ${value.replace('sig=', `${second}=`)}`;
      refuses('bad-signature', {
        ...unsigned(),
        headers: { ...headers, 'signature-input': twice(input), signature: twice(signature) },
      });
    }
  });

  it('refuses a signature that is cut or made longer', () => {
    for (const signature of ['sig=::', 'sig=:AAAA:', `sig=:${randomBytes(33).toString('base64')}:`])
      refuses('bad-signature', withHeaders(sign(unsigned()), { signature }));
  });

  it('takes a message from its creation to its end and not longer', () => {
    const message = sign(unsigned());
    check(message, { now: 1_800_000_014_999 });
    refuses('stale', message, { now: 1_800_000_015_000 });
  });

  it('takes a clock that is ahead by five seconds and not more', () => {
    check(sign(unsigned(), { now: NOW + 4_500 }));
    refuses('stale', sign(unsigned(), { now: NOW + 5_500 }));
  });

  it('refuses a signature that would be valid for long, for no time, or for less', () => {
    check(sign(unsigned(), { lifetimeSeconds: 30 }));
    for (const lifetimeSeconds of [31, 0, -1]) refuses('stale', sign(unsigned(), { lifetimeSeconds }));
  });

  it('binds an answer to its request by components and nonce', () => {
    const request = sign(unsigned());
    const answer: HttpMessage = { status: 200, headers: { 'content-digest': contentDigest(body) }, body };
    const bound = { tag: 'an-answer', components: ['"@status"', '"content-digest"', '"@path";req'] };
    const signed = sign(answer, { ...bound, nonce: nonceOf(request), request });
    assert.equal(check(signed, { ...bound, request }).nonce, NONCE);
    refuses('bad-signature', signed, { ...bound, request: { ...request, target: '/v1/others' } });
    refuses('bad-signature', { ...signed, status: 201 }, { ...bound, request });
    refuses('bad-signature', signed, bound);
  });

  it('finds no nonce where there is not exactly one', () => {
    const { headers } = sign(unsigned());
    const signature = `${headers.signature}, b=:AAAA:`;
    for (const message of [
      unsigned(),
      { headers: { ...headers, 'signature-input': '{}' } },
      { headers: { ...headers, 'signature-input': `${headers['signature-input']}, b=()`, signature } },
      edited((input) => input.replace(NONCE, 'short')),
    ])
      assert.equal(nonceOf(message), undefined);
  });

  it('answers every text in the fields with a fault, and never lets one pass', () => {
    const { headers } = sign(unsigned());
    const piece = fc.constantFrom(
      'sig=',
      '("@method")',
      '"',
      ';',
      ',',
      ':',
      '@',
      '?1',
      '%"',
      'created=',
      '1',
      '-',
      '(',
      ')',
      ' ',
      'é',
      'a',
    );
    const text = fc.oneof(
      fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join('')),
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.constant(String(headers['signature-input'])),
      fc.constant(String(headers.signature)),
    );
    fc.assert(
      fc.property(text, text, (input, signature) => {
        if (input === headers['signature-input'] && signature === headers.signature) return;
        refuses('bad-signature', withHeaders(sign(unsigned()), { 'signature-input': input, signature }));
      }),
      { numRuns: 2_000 },
    );
  });
});
