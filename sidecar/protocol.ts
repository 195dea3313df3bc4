import * as z from 'zod';

/**
 * The contract of the signer's unix socket, shared with its client: HTTP/1.1, JSON. Every request and every answer
 * carries the header `stellar-signer-protocol: 1` and is signed; errors are RFC 9457 problem documents.
 */
export const PROTOCOL_HEADER = 'stellar-signer-protocol';
export const PROTOCOL_VERSION = '1';

/** `POST`, `signRequest` → `signResponse`. */
export const SIGN_PATH = '/v1/transactions/sign';
/** `GET` → `accountResponse`. */
export const ACCOUNT_PATH = '/v1/account';

/** Beside the socket; made anew by each start of the signer. Whoever can read it can reach the socket too. */
export const REQUEST_KEY_FILE = 'request.key';
export const requestKey = z.strictObject({
  keyid: z.string().regex(/^[\w-]{16,64}$/),
  /** 32 bytes, base64. */
  key: z.string().regex(/^[A-Za-z0-9+/]{43}=$/),
});

/** What every signature covers (RFC 9421), its `tag`, and the names of the body's fields where there is a body. */
const CONTENT = ['"content-type"', '"content-digest"'];
export const signedRequest = (hasBody: boolean) => ({
  tag: 'stellar-signer-request',
  components: [
    ...['"@method"', '"@authority"', '"@path"', '"@query"', `"${PROTOCOL_HEADER}"`],
    ...(hasBody ? CONTENT : []),
  ],
});
/** An answer also has the request's nonce; with `isBound` false it is to a request that these cannot be taken from. */
export const signedAnswer = (requestHasBody: boolean, isBound = true) => ({
  tag: 'stellar-signer-answer',
  components: [
    ...['"@status"', `"${PROTOCOL_HEADER}"`, ...CONTENT],
    ...(isBound ? ['"@method";req', '"@authority";req', '"@path";req', '"@query";req'] : []),
    ...(isBound && requestHasBody ? ['"content-digest";req'] : []),
  ],
});
/** Of what either side signs: longer than a client waits for its answer. */
export const SIGNATURE_LIFETIME_SECONDS = 15;
/** Of what either side takes. Both are on one machine, so that its clock is nearly one. */
export const SIGNATURE_LIMITS = { maxLifetimeSeconds: 30, maxAheadSeconds: 5 };

/** Characters of base64: a transaction of 100 operations needs less than 30,000. */
export const MAX_ENVELOPE_CHARACTERS = 32_768;
/** Bytes of a request body: the envelope plus its JSON. */
export const MAX_BODY_BYTES = MAX_ENVELOPE_CHARACTERS + 4_096;

const envelopeXdr = z.string().min(1).max(MAX_ENVELOPE_CHARACTERS);
const account = z.string().regex(/^G[A-Z2-7]{55}$/, 'must be an account (G…)');

export const signRequest = z.strictObject({
  /** TransactionEnvelope (v1), base64. Signatures in it must be the signer's own. */
  envelopeXdr,
  /** The network that the client means; must equal the signer's. An envelope does not name its network. */
  networkPassphrase: z.string().max(256).optional(),
});
export type SignRequest = z.infer<typeof signRequest>;

export const signResponse = z.strictObject({
  /** The same transaction, byte for byte, with exactly one signature: the signer's. Base64. */
  envelopeXdr,
  /** The transaction hash that was signed, computed by the signer. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  signer: account,
});
export type SignResponse = z.infer<typeof signResponse>;

export const accountResponse = z.strictObject({ account, networkPassphrase: z.string() });
export type AccountResponse = z.infer<typeof accountResponse>;

/** Every code that the signer answers; `errors.ts` has the table with status, title and what to do. */
export const SIGNER_ERROR_CODES = [
  'bad-request',
  'body-too-large',
  'protocol-mismatch',
  'not-found',
  'unsigned-request',
  'unknown-key',
  'bad-request-signature',
  'stale-request',
  'replayed-request',
  'too-many-requests',
  'malformed-envelope',
  'envelope-type-not-allowed',
  'wrong-network',
  'bad-signature',
  'wrong-source',
  'policy-missing',
  'kill-switch',
  'operation-not-allowed',
  'too-many-operations',
  'inner-not-signed',
  'pair-not-allowed',
  'asset-not-allowed',
  'destination-not-allowed',
  'price-out-of-collar',
  'amount-too-large',
  'window-exhausted',
  'rate-exceeded',
  'fee-too-high',
  'no-time-bounds',
  'time-bounds-too-far',
  'expired',
  'precondition-not-allowed',
  'memo-not-allowed',
  'sequence-live',
  'keystore-unavailable',
  'journal-unavailable',
  'journal-unconfirmed',
  'journal-lost',
  'overloaded',
  'stopping',
  'internal',
] as const;
export type SignerErrorCode = (typeof SIGNER_ERROR_CODES)[number];

export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  /** One of `SIGNER_ERROR_CODES`; a string here, so that an older client understands a newer signer. */
  code: z.string(),
  /** What in the envelope or the request is wrong, e.g. `operations[0].path[1]`. */
  field: z.string().optional(),
});
export type SignerProblem = z.infer<typeof problem>;
