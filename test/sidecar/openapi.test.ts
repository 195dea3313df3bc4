import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { generate } from '../../scripts/generate-openapi.ts';
import { ERRORS } from '../../sidecar/errors.ts';
import { ACCOUNT_PATH, SIGN_PATH, SIGNER_ERROR_CODES } from '../../sidecar/protocol.ts';

interface Answer {
  description: string;
  headers: Record<string, object>;
  content: Record<string, { schema: { allOf: [object, { properties: { code: { enum: string[] } } }] } }>;
}
interface Operation {
  responses: Record<string, { $ref?: string }>;
}
interface Document {
  paths: Record<string, { post?: Operation; get?: Operation }>;
  components: { responses: Record<string, Answer> };
}

const [page] = generate();
const document = JSON.parse(page!.content) as Document;

/** What `#/a/b` points to. */
const follow = (ref: string): unknown =>
  ref
    .split('/')
    .slice(1)
    .reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], document);

describe('OpenAPI of the signer', () => {
  it('is up to date', () => assert.equal(readFileSync(page!.path, 'utf8'), page!.content));

  it('has both endpoints, and every code of the error table under its status', () => {
    assert.deepEqual(Object.keys(document.paths), [SIGN_PATH, ACCOUNT_PATH]);
    for (const { post, get } of Object.values(document.paths))
      for (const code of SIGNER_ERROR_CODES) {
        const { $ref } = (post ?? get)!.responses[ERRORS[code].status]!;
        const { description, content } = follow($ref!) as Answer;
        const [, { properties }] = content['application/problem+json']!.schema.allOf;
        assert.ok(properties.code.enum.includes(code), code);
        assert.ok(description.includes(`\`${code}\``), code);
      }
  });

  it('has the fields of a signature on each answer, and Retry-After where it is sent', () => {
    for (const [status, { headers }] of Object.entries(document.components.responses)) {
      for (const name of ['content-digest', 'signature-input', 'signature']) assert.ok(headers[name]);
      assert.equal('retry-after' in headers, ['429', '503'].includes(status));
    }
  });

  it('points to nothing that is not there', () => {
    const refs = [...page!.content.matchAll(/"\$ref": "([^"]+)"/g)].map(([, ref]) => ref!);
    assert.ok(refs.length > 4);
    for (const ref of refs) assert.ok(follow(ref) !== undefined, ref);
  });
});
