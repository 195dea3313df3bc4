import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { dirname, join } from 'node:path';
import type { HttpMessage } from '../../common/http-signatures.ts';
import {
  contentDigest,
  type HmacKey,
  signMessage,
  verifyMessage,
} from '../../common/http-signatures-hmac.ts';
import { Secret } from '../../common/secret.ts';
import {
  PROTOCOL_HEADER,
  PROTOCOL_VERSION,
  REQUEST_KEY_FILE,
  requestKey,
  SIGNATURE_LIMITS,
  signedAnswer,
  signedRequest,
} from '../../sidecar/protocol.ts';

type Headers = Record<string, string>;

export interface RawAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

export function readKey(socketPath: string): HmacKey {
  const file = readFileSync(join(dirname(socketPath), REQUEST_KEY_FILE), 'utf8');
  const { keyid, key } = requestKey.parse(JSON.parse(file));
  return { id: keyid, secret: new Secret(Buffer.from(key, 'base64')) };
}

export const createNonce = (): string => randomBytes(18).toString('base64url');

/** A request of the protocol; an object is sent as JSON, a string as it is. */
export function unsignedRequest(
  method: string,
  target: string,
  content?: object | string,
  more: Headers = {},
): HttpMessage {
  const body =
    content === undefined
      ? undefined
      : Buffer.from(typeof content === 'string' ? content : JSON.stringify(content));
  const described =
    body === undefined ? {} : { 'content-type': 'application/json', 'content-digest': contentDigest(body) };
  const headers = { host: 'signer', [PROTOCOL_HEADER]: PROTOCOL_VERSION, ...described, ...more };
  return { method, target, headers, ...(body === undefined ? {} : { body }) };
}

/** The same request with its signature; `options` are what an attacker would change. */
export function signRequestMessage(
  request: HttpMessage,
  key: HmacKey,
  options: Partial<Parameters<typeof signMessage>[1]> = {},
): HttpMessage {
  const signature = signMessage(request, {
    ...signedRequest(request.body !== undefined && request.body.length > 0),
    ...{ key, now: Date.now(), lifetimeSeconds: 15, nonce: createNonce(), ...options },
  });
  return { ...request, headers: { ...request.headers, ...signature } };
}

/** Sends it as it is. */
export function send(socketPath: string, { method, target, headers, body }: HttpMessage): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const options = { socketPath, method: method!, path: target!, headers: headers as Headers };
    const request = httpRequest(options, async (response) => {
      let text = '';
      for await (const chunk of response) text += (chunk as Buffer).toString('utf8');
      resolve({ status: response.statusCode!, headers: response.headers, text });
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** The nonce in the answer's signature. @throws SignatureFault where it is not the signer's, or not to this request */
export function verifyAnswer(answer: RawAnswer, request: HttpMessage, key: HmacKey, isBound = true): string {
  const { status, headers, text } = answer;
  const hasBody = request.headers['content-digest'] !== undefined;
  return verifyMessage(
    { status, headers, body: Buffer.from(text) },
    { ...signedAnswer(hasBody, isBound), ...SIGNATURE_LIMITS, key, now: Date.now(), request },
  ).nonce;
}
