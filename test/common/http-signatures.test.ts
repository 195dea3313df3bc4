import assert from 'node:assert/strict';
import { constants, createHmac, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import {
  componentList,
  type HttpMessage,
  readSignatures,
  signatureBase,
} from '../../common/http-signatures.ts';

interface Vector {
  section: string;
  message: string;
  request?: string;
  algorithm: string;
  key: string;
  label: string;
  input: string;
  signature: string;
  base: string;
}

const { keys, messages, vectors } = JSON.parse(
  readFileSync(new URL('../fixtures/rfc9421/vectors.json', import.meta.url), 'utf8'),
) as { keys: Record<string, string>; messages: Record<string, HttpMessage>; vectors: Vector[] };

const publicKey = (name: string): KeyObject =>
  createPublicKey({ key: Buffer.from(keys[name]!, 'base64'), format: 'der', type: 'spki' });

/** The signature over the base that our code built, by the algorithm of the vector. */
const ALGORITHMS: Record<string, (base: Buffer, signature: Buffer, key: string) => boolean> = {
  'rsa-pss-sha512': (base, signature, key) =>
    verify(
      'sha512',
      base,
      { key: publicKey(key), padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 },
      signature,
    ),
  'ecdsa-p256-sha256': (base, signature, key) =>
    verify('sha256', base, { key: publicKey(key), dsaEncoding: 'ieee-p1363' }, signature),
  ed25519: (base, signature, key) => verify(null, base, publicKey(key), signature),
  'hmac-sha256': (base, signature, key) =>
    createHmac('sha256', Buffer.from(keys[key]!, 'base64')).update(base).digest().equals(signature),
};

const signed = ({ headers, ...rest }: HttpMessage, input: string, signature = ':AAAA:'): HttpMessage => ({
  ...rest,
  headers: { ...headers, 'signature-input': `sig=${input}`, signature: `sig=${signature}` },
});
const request: HttpMessage = messages['test-request']!;
const baseOf = (message: HttpMessage, input: string, of?: HttpMessage): string =>
  signatureBase(readSignatures(signed(message, input))[0]!, message, of);

describe('HTTP message signatures @security', () => {
  for (const vector of vectors)
    it(`RFC 9421, ${vector.section}: ${vector.algorithm}`, () => {
      const { label, input, signature, key, algorithm } = vector;
      const message = messages[vector.message]!;
      const withSignature = {
        ...message,
        headers: {
          ...message.headers,
          'signature-input': `${label}=${input}`,
          signature: `${label}=:${signature}:`,
        },
      };
      const [only, ...others] = readSignatures(withSignature);
      assert.deepEqual([only!.label, others], [label, []]);
      assert.equal(only!.signature.toString('base64'), signature);
      const of = vector.request === undefined ? undefined : messages[vector.request];
      const base = signatureBase(only!, withSignature, of);
      assert.equal(base, vector.base);
      assert.ok(ALGORITHMS[algorithm]!(Buffer.from(base), only!.signature, key));
      assert.ok(!ALGORITHMS[algorithm]!(Buffer.from(`${base} `), only!.signature, key));
    });

  it('has a vector for each case of B.2 and one for a bound answer', () =>
    assert.deepEqual(
      vectors.map(({ section }) => section),
      ['B.2.1', 'B.2.2', 'B.2.3', 'B.2.4', 'B.2.5', 'B.2.6', '2.4'],
    ));

  it('joins the lines of a field, without the space around them', () =>
    assert.match(baseOf({ headers: { x: [' a ', 'b\t'] } }, '("x")'), /^"x": a, b\n/));

  it('has a question mark for no query', () =>
    assert.match(
      baseOf({ ...request, target: '/foo' }, '("@path" "@query")'),
      /^"@path": \/foo\n"@query": \?\n/,
    ));

  const refused: [what: string, message: HttpMessage, input: string, reason: RegExp][] = [
    ['a component twice', request, '("date" "date")', /twice/],
    ['a component of the request where there is none', request, '("@method";req)', /no request/],
    ['a parameter that is not known', request, '("@method";tr)', /unknown parameter/],
    ['req with a value', request, '("@method";req=?0)', /unknown parameter/],
    ['a name on another component', request, '("@query";name="Pet")', /unknown parameter/],
    ['a field that is missing', request, '("x")', /missing/],
    ['a field that only objects have', request, '("constructor")', /missing/],
    ['a component that is not known', request, '("@target-uri")', /not a component/],
    ['the status of a request', request, '("@status")', /not a component/],
    ['the method of an answer', messages['test-response']!, '("@method")', /not a component/],
    [
      'a target that is no path',
      { ...request, target: 'http://example.com/foo' },
      '("@path")',
      /not a component/,
    ],
    ['the signature parameters as a component', request, '("@signature-params")', /not a component/],
    [
      'a parameter of the query twice',
      { ...request, target: '/?a=1&a=2' },
      '("@query-param";name="a")',
      /once/,
    ],
    ['a line break in a value', { headers: { x: 'a\n"@method": GET' } }, '("x")', /ASCII/],
    ['a character that is not ASCII', { ...request, target: '/é' }, '("@path")', /ASCII/],
    ['a name that is a token', request, '(date)', /must be a string/],
  ];
  for (const [what, message, input, reason] of refused)
    it(`does not cover ${what}`, () => assert.throws(() => baseOf(message, input), reason));

  const malformed: [what: string, input: string, signature: string][] = [
    ['an item in place of a list', 'a="x"', 'a=:AAAA:'],
    ['a signature that is no bytes', 'a=()', 'a="AAAA"'],
    ['a label that only one of the two has', 'a=()', 'b=:AAAA:'],
    ['a second input without signature', 'a=(), b=()', 'a=:AAAA:'],
    ['a second signature without input', 'a=()', 'a=:AAAA:, b=:AAAA:'],
    ['a trailing comma', 'a=(),', 'a=:AAAA:'],
    ['no structured field at all', '{}', 'a=:AAAA:'],
  ];
  for (const [what, input, signature] of malformed)
    it(`does not read ${what}`, () =>
      assert.throws(() => readSignatures({ headers: { 'signature-input': input, signature } })));

  it('reads a list that is ready as it reads any other', () => {
    const { text: list } = componentList(['"@method"', '"x";req']);
    const name = fc.constantFrom('created', 'expires', 'keyid', 'nonce', 'tag', 'a');
    const value = fc.oneof(
      fc.constantFrom('0', '1', '007', '-1', '999999999999999', '1.5', '?1', 'token', '"a\\"b"', '"a\\\\b"'),
      fc.string({ maxLength: 8 }).map((text) => `"${text}"`),
    );
    const parameters = fc.array(fc.tuple(name, value), { maxLength: 5 });
    const signature = fc.constantFrom(
      'sig=:AAAA:',
      'sig=:AAA=:',
      'sig=:AA==:',
      'sig=::',
      'other=:AAAA:',
      'sig=:AAAA:;a=1',
    );
    const read = (space: string, given: [string, string][], of: string) => {
      const input = `sig=${list}${given.map(([key, item]) => `;${space}${key}=${item}`).join('')}`;
      try {
        return readSignatures({ headers: { 'signature-input': input, signature: of } });
      } catch {
        return 'malformed';
      }
    };
    fc.assert(
      fc.property(parameters, signature, (given, of) =>
        // With a space it is not in the one form that is read in the short way.
        assert.deepEqual(read('', given, of), read(' ', given, of)),
      ),
      { numRuns: 2_000 },
    );
  });

  it('one base can be read in one way: other values make another base', () => {
    const value = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '"', ':', '\n'), maxLength: 8 });
    const base = (a: string, b: string): string | undefined => {
      try {
        return baseOf({ headers: { a, b } }, '("a" "b")');
      } catch {
        return undefined;
      }
    };
    fc.assert(
      fc.property(value, value, value, value, (a, b, c, d) => {
        const [left, right] = [base(a, b), base(c, d)];
        if (left === undefined || right === undefined) return;
        assert.equal(left === right, a.trim() === c.trim() && b.trim() === d.trim());
      }),
      { numRuns: 2_000 },
    );
  });
});
