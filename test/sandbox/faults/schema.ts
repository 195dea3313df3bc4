import { StrKey } from '@stellar/stellar-sdk/base';
import { z } from 'zod';
import { parseAmount } from '../amount.ts';

const count = z.number().int().min(1).max(1_000_000);
const bytes = z.number().int().min(0).max(1_000_000);
const text = z.string().min(1).max(200);

const isPattern = (path: string): boolean => {
  try {
    new RegExp(path);
    return true;
  } catch {
    return false;
  }
};

/** Which requests, and how many of them. */
const some = {
  /** With `^` a regular expression, else how it begins: the path with its query, of a JSON-RPC request its method. */
  path: text.refine((path) => !path.startsWith('^') || isPattern(path), 'no regular expression').optional(),
  /** After so many requests (streams: connections) the fault is over; until it is removed by default. */
  times: count.optional(),
};

const stroops = z
  .string()
  .refine((amount) => parseAmount(amount) !== undefined, 'no amount of seven decimals at most')
  .transform((amount) => parseAmount(amount) ?? 0n);

/** Everything that can go wrong at an endpoint, switched on and off by the admin interface or from a scenario. */
export const faultSchema = z.discriminatedUnion('kind', [
  z
    .strictObject({
      kind: z.literal('rate_limit'),
      ...some,
      retryAfter: count.optional(),
      after: z.number().int().min(0).max(101).default(0),
    })
    .describe(
      '429 with the rate headers of Horizon, after so many requests that pass with them; `retryAfter` in seconds, without it no such header',
    ),
  z
    .strictObject({
      kind: z.literal('html'),
      ...some,
      status: z.number().int().min(200).max(599).default(200),
    })
    .describe('a page of HTML, as a proxy or a captive portal sends it'),
  z
    .strictObject({ kind: z.literal('stale_history') })
    .describe(
      'new ledgers do not come in: 503 stale_history for history and streams alone, of RPC getHealth says it, the rest answers as of now',
    ),
  z
    .strictObject({ kind: z.literal('lag'), ledgers: z.union([count, z.literal('frozen')]) })
    .describe('old data without a word: so many ledgers behind, or standing still at the ledger of now'),
  z
    .strictObject({ kind: z.literal('passphrase'), passphrase: text })
    .describe('the endpoint says that it belongs to another network, and judges signatures accordingly'),
  z
    .strictObject({
      kind: z.literal('submission'),
      times: some.times,
      fate: z.enum(['in', 'never', 'failed']),
      afterLedgers: z.number().int().min(0).max(1000).default(0),
    })
    .describe(
      'a valid transaction is taken with a 504 of Horizon (elsewhere: PENDING); it reaches the network so many closes later, or never, or such that it fails',
    ),
  z
    .strictObject({ kind: z.literal('try_again_later'), times: some.times })
    .describe('core takes nothing; Horizon then waits out its submission time-out and answers 504'),
  z
    .strictObject({ kind: z.literal('silent_core') })
    .describe(
      'core does not answer: Horizon never answers who submits, whatever came of it, and /health says so',
    ),
  z
    .strictObject({ kind: z.literal('surge'), fee: count })
    .describe('fee stats tell of full ledgers at `fee` stroops an operation, and who bids less is refused'),
  z
    .strictObject({
      kind: z.literal('forge_transaction'),
      hash: z
        .string()
        .regex(/^[0-9a-f]{64}$/, 'no hash in lower-case hex')
        .optional(),
      result: z.enum(['success', 'failed']).optional(),
      signatures: z.enum(['none', 'false']).optional(),
    })
    .describe('another result, or another set of signatures, of one transaction or of all'),
  z
    .strictObject({
      kind: z.literal('forge_account'),
      account: z.string().refine((address) => StrKey.isValidEd25519PublicKey(address), 'no address'),
      balance: stroops.optional(),
      asset: z.string().default('native'),
      sequence: z
        .string()
        .regex(/^\d{1,19}$/, 'no number')
        .transform(BigInt)
        .optional(),
      signers: z
        .array(z.strictObject({ key: text, weight: z.number().int().min(0).max(255) }))
        .max(20)
        .optional(),
    })
    .describe('another balance of one asset (`native`, CODE:ISSUER), sequence number or set of signers'),
  z
    .strictObject({
      kind: z.literal('forge_ledger'),
      by: z.number().int().min(-1_000_000).max(1_000_000).default(0),
      hash: z
        .string()
        .regex(/^[0-9a-f]{64}$/, 'no hash in lower-case hex')
        .optional(),
    })
    .describe('all ledger sequence numbers are off by so many, and the newest ledger has another hash'),
  z
    .strictObject({
      kind: z.literal('body'),
      ...some,
      how: z.enum(['truncate', 'abort', 'reset', 'trickle']),
      bytes: bytes.default(100),
      everyMs: count.default(1000),
    })
    .describe(
      'after `bytes` of the body the answer ends as if it were whole (truncate), the connection closes (abort) or is reset; or the body comes in pieces of `bytes`, one every `everyMs`',
    ),
  z
    .strictObject({
      kind: z.literal('stream'),
      ...some,
      how: z.enum(['stall', 'replay', 'skip', 'duplicate', 'end']),
      after: bytes.default(1),
    })
    .describe(
      'after so many events a stream falls silent, sends them all again, leaves out the next one, sends the next one twice, or ends without byebye',
    ),
  z
    .strictObject({
      kind: z.literal('certificate'),
      how: z.enum(['expired', 'self_signed', 'wrong_host', 'tls12', 'changed_key']),
    })
    .describe('new connections get another certificate, or TLS 1.2 only; open ones are cut'),
  z
    .strictObject({ kind: z.literal('pause') })
    .describe('no ledger closes by the timer while it lasts, at whatever endpoint'),
]);

export type Fault = z.infer<typeof faultSchema>;
export type FaultOf<K extends Fault['kind']> = Extract<Fault, { kind: K }>;

/** A fault and the endpoint that has it; without one, all of them. */
export const faultRequestSchema = z.strictObject({ endpoint: text.optional(), fault: faultSchema });
export type FaultRequest = z.infer<typeof faultRequestSchema>;
