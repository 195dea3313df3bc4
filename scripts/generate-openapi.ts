/** docs/signer-openapi.json (OpenAPI 3.1) from the schemas of the signer's protocol and its table of errors. */
import { execFileSync } from 'node:child_process';
import * as z from 'zod';
import { ERRORS } from '../sidecar/errors.ts';
import {
  ACCOUNT_PATH,
  accountResponse,
  PROTOCOL_HEADER,
  PROTOCOL_VERSION,
  problem,
  SIGN_PATH,
  SIGNER_ERROR_CODES,
  signedAnswer,
  signedRequest,
  signRequest,
  signResponse,
} from '../sidecar/protocol.ts';

const PAGE = 'docs/signer-openapi.json';

const schema = (type: z.ZodType): object => {
  const { $schema: _, ...rest } = z.toJSONSchema(type, { io: 'input' });
  return rest;
};
const ref = (kind: string, name: string): object => ({ $ref: `#/components/${kind}/${name}` });
const text = (description: string, more: object = {}): object => ({
  description,
  required: true,
  schema: { type: 'string', ...more },
});
const covered = (components: readonly string[]): string => components.join(' ');

const PROTOCOL = text('Version of the protocol.', { const: PROTOCOL_VERSION });
const DIGEST = text('RFC 9530, sha-256.');
const INPUT = 'RFC 9421: one signature with created, expires, keyid, alg="hmac-sha256", nonce and';
const SIGNATURE = text('RFC 9421: HMAC-SHA256 by the key beside the socket.');

const requestFields = (hasBody: boolean): object[] => {
  const { tag, components } = signedRequest(hasBody);
  const fields = {
    [PROTOCOL_HEADER]: PROTOCOL,
    ...(hasBody ? { 'content-digest': DIGEST } : {}),
    'signature-input': text(`${INPUT} tag="${tag}", over ${covered(components)}.`),
    signature: SIGNATURE,
  };
  return Object.entries(fields).map(([name, field]) => ({ name, in: 'header', ...field }));
};

const { tag, components } = signedAnswer(true);
const ANSWER_FIELDS = {
  [PROTOCOL_HEADER]: PROTOCOL,
  'content-digest': DIGEST,
  'signature-input': text(
    `${INPUT} tag="${tag}", over ${covered(components)}; the nonce is the request’s. Without a body in the request the last is not there.`,
  ),
  signature: SIGNATURE,
  'retry-after': text('Seconds.'),
};
const answerFields = (retry = false): object =>
  Object.fromEntries(
    Object.keys(ANSWER_FIELDS)
      .filter((name) => retry || name !== 'retry-after')
      .map((name) => [name, ref('headers', name)]),
  );

/** One answer for each status of the table, with the codes that it may have. */
const refusals = Object.fromEntries(
  [...new Set(Object.values(ERRORS).map(({ status }) => status))].sort().map((status) => {
    const rows = Object.entries(ERRORS).filter(([, row]) => row.status === status);
    const retry = status === 429 || status === 503;
    return [
      String(status),
      {
        description: rows.map(([code, { title, remedy }]) => `\`${code}\`: ${title}. ${remedy}`).join('\n\n'),
        headers: answerFields(retry),
        content: {
          'application/problem+json': {
            schema: {
              allOf: [
                ref('schemas', 'Problem'),
                { properties: { code: { enum: rows.map(([code]) => code) } } },
              ],
            },
          },
        },
      },
    ];
  }),
);

const answers = (name: string, description: string): object => ({
  200: {
    description,
    headers: answerFields(),
    content: { 'application/json': { schema: ref('schemas', name) } },
  },
  ...Object.fromEntries(Object.keys(refusals).map((status) => [status, ref('responses', status)])),
});

const document = {
  openapi: '3.1.0',
  info: {
    title: 'Stellar signer',
    version: PROTOCOL_VERSION,
    description:
      'Served on a unix socket only. Every request and every answer is signed: see docs/signer/authentication.md.',
  },
  servers: [{ url: 'http://signer', description: 'The unix socket.' }],
  paths: {
    [SIGN_PATH]: {
      post: {
        operationId: 'signTransaction',
        summary: 'Signs a transaction that the policies allow.',
        parameters: requestFields(true),
        requestBody: {
          required: true,
          content: { 'application/json': { schema: ref('schemas', 'SignRequest') } },
        },
        responses: answers('SignResponse', 'Signed, and on the signer’s disk.'),
      },
    },
    [ACCOUNT_PATH]: {
      get: {
        operationId: 'getAccount',
        summary: 'The account and the network that this signer signs for.',
        parameters: requestFields(false),
        responses: answers('AccountResponse', 'The account.'),
      },
    },
  },
  components: {
    headers: ANSWER_FIELDS,
    responses: refusals,
    schemas: {
      SignRequest: schema(signRequest),
      SignResponse: schema(signResponse),
      AccountResponse: schema(accountResponse),
      Problem: schema(problem.extend({ code: z.enum(SIGNER_ERROR_CODES) })),
    },
  },
};

export function generate(): { path: string; content: string }[] {
  // As the lint of all JSON files wants it.
  const options = { input: JSON.stringify(document), encoding: 'utf8' } as const;
  const content = execFileSync('node_modules/.bin/biome', ['format', `--stdin-file-path=${PAGE}`], options);
  return [{ path: PAGE, content }];
}
