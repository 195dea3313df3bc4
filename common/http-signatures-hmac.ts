import { createHash, createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import { type BareItem, type InnerList, parseDictionary, serializeBareItem } from 'structured-headers';
import { CodedError } from './errors.ts';
import {
  componentList,
  type HttpMessage,
  identifierOf,
  type MessageSignature,
  readSignatures,
  signatureBase,
} from './http-signatures.ts';
import type { Secret } from './secret.ts';

export interface HmacKey {
  id: string;
  secret: Secret;
}

/** What a kind of message must have in its signature. */
export interface SignatureProfile {
  /** Tells one kind of message from another that the same key signs. */
  tag: string;
  /** Component identifiers as RFC 9421 writes them, e.g. `"@method";req`. */
  components: readonly string[];
}

export type SignatureFaultCode = 'unsigned' | 'unknown-key' | 'bad-signature' | 'stale';
export type SignatureFault = CodedError<SignatureFaultCode>;

const ALGORITHM = 'hmac-sha256';
const LABEL = 'sig';
const NONCE = /^[ -~]{16,64}$/;

/** Made once for each key: OpenSSL takes five times as long with bytes. */
const keyObjects = new WeakMap<HmacKey, KeyObject>();

function hmac(key: HmacKey, base: string): Buffer {
  let object = keyObjects.get(key);
  if (object === undefined) {
    object = createSecretKey(key.secret.reveal());
    keyObjects.set(key, object);
  }
  return createHmac('sha256', object).update(base).digest();
}

const sha256 = (body: Buffer): Buffer => createHash('sha256').update(body).digest();
const fault = (code: SignatureFaultCode, detail: string): SignatureFault => new CodedError(code, detail);

/** `Content-Digest` (RFC 9530) of a body, by SHA-256. */
export function contentDigest(body: Buffer): string {
  return digestField(sha256(body));
}

const digestField = (hash: Buffer): string => `sha-256=:${hash.toString('base64')}:`;

/**
 * The fields `Signature-Input` and `Signature` for a message that has all its other fields (RFC 9421, hmac-sha256).
 * `now` is in milliseconds since 1970. An answer is bound to its request by the request's components and by its nonce.
 */
export function signMessage(
  message: HttpMessage,
  options: SignatureProfile & {
    key: HmacKey;
    now: number;
    lifetimeSeconds: number;
    nonce: string | undefined;
    request?: HttpMessage;
  },
): { 'signature-input': string; signature: string } {
  const created = Math.floor(options.now / 1_000);
  const { items, text } = componentList(options.components);
  const parameters = new Map<string, BareItem>([
    ['created', created],
    ['expires', created + options.lifetimeSeconds],
    ['keyid', options.key.id],
    ['alg', ALGORITHM],
    ['tag', options.tag],
  ]);
  if (options.nonce !== undefined) parameters.set('nonce', options.nonce);
  const written = [...parameters].map(([name, value]) => `;${name}=${serializeBareItem(value)}`);
  const input = { input: [items, parameters] as InnerList, text: text + written.join('') };
  const signature = hmac(options.key, signatureBase(input, message, options.request));
  return {
    'signature-input': `${LABEL}=${input.text}`,
    signature: `${LABEL}=:${signature.toString('base64')}:`,
  };
}

/** The nonce that a message says, whoever wrote it; undefined where there is not exactly one signature with one. */
export function nonceOf(message: HttpMessage): string | undefined {
  try {
    const nonce = only(readSignatures(message)).input[1].get('nonce');
    return typeof nonce === 'string' && NONCE.test(nonce) ? nonce : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Judges the one signature of a message and, where it covers `content-digest`, the body. Whether the nonce is new is
 * for the caller.
 * @throws SignatureFault
 */
export function verifyMessage(
  message: HttpMessage,
  rules: SignatureProfile & {
    key: HmacKey;
    /** Milliseconds since 1970. */
    now: number;
    maxLifetimeSeconds: number;
    /** How far the other side's clock may be ahead. */
    maxAheadSeconds: number;
    request?: HttpMessage;
  },
): { nonce: string; expires: number } {
  const { headers } = message;
  if (headers['signature-input'] === undefined && headers.signature === undefined)
    throw fault('unsigned', 'the fields Signature-Input and Signature are missing');
  // Reads them once, so that this message and all after it are read in the short way.
  componentList(rules.components);
  const given = malformedIsFault(() => only(readSignatures(message)));
  const { signature } = given;
  const [components, parameters] = given.input;
  const covered = malformedIsFault(() => new Set(components.map(identifierOf)));
  const missing = rules.components.find((component) => !covered.has(component));
  if (missing !== undefined) throw fault('bad-signature', `the signature does not cover ${missing}`);
  const [created, expires] = [parameters.get('created'), parameters.get('expires')];
  const [keyid, nonce] = [parameters.get('keyid'), parameters.get('nonce')];
  if (!isTime(created) || !isTime(expires) || typeof nonce !== 'string' || !NONCE.test(nonce))
    throw fault('bad-signature', 'the signature needs created, expires and a nonce of 16 to 64 characters');
  if (parameters.get('alg') !== ALGORITHM || parameters.get('tag') !== rules.tag)
    throw fault('bad-signature', `the signature needs alg="${ALGORITHM}" and tag="${rules.tag}"`);
  if (keyid !== rules.key.id) throw fault('unknown-key', 'signed with a key that is not the present one');

  const expected = hmac(
    rules.key,
    malformedIsFault(() => signatureBase(given, message, rules.request)),
  );
  if (signature.length !== expected.length || !timingSafeEqual(signature, expected))
    throw fault('bad-signature', 'the signature does not match the message');
  if (covered.has('"content-digest"') && !isDigestOf(message))
    throw fault('bad-signature', 'Content-Digest is not the SHA-256 of the body');

  if (created * 1_000 > rules.now + rules.maxAheadSeconds * 1_000)
    throw fault('stale', 'the signature was made in the future');
  if (expires <= created || expires - created > rules.maxLifetimeSeconds)
    throw fault('stale', `a signature may be valid for at most ${rules.maxLifetimeSeconds} s`);
  if (rules.now >= expires * 1_000) throw fault('stale', 'the signature has expired');
  return { nonce, expires };
}

const isTime = (value: BareItem | undefined): value is number => Number.isInteger(value);

/** Which of several signatures counts is where verifiers go wrong; nobody here sends more than one. */
function only(signatures: MessageSignature[]): MessageSignature {
  if (signatures.length !== 1) throw new Error('there must be exactly one signature');
  return signatures[0]!;
}

function malformedIsFault<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new CodedError<SignatureFaultCode>(
      'bad-signature',
      'the signature fields are malformed or do not fit the message',
      { cause },
    );
  }
}

function isDigestOf({ headers, body }: HttpMessage): boolean {
  const hash = sha256(body ?? Buffer.alloc(0));
  const given = String(headers['content-digest']);
  if (given === digestField(hash)) return true;
  try {
    const digest = parseDictionary(given).get('sha-256')?.[0];
    return digest instanceof ArrayBuffer && Buffer.from(digest).equals(hash);
  } catch {
    return false;
  }
}
