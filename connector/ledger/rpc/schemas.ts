import * as z from 'zod';

/*
 * Stellar RPC's answers, as far as they are used. Ledger numbers are JSON numbers, times are strings of Unix seconds and
 * fees are strings. Fields that are not used are not looked at, but each is bounded.
 */

const ledger = z.int().min(0).max(0xffff_ffff);
const seconds = z
  .string()
  .regex(/^\d{1,11}$/)
  .transform((text) => Number(text) * 1_000);
const count = z
  .string()
  .regex(/^\d{1,19}$/)
  .transform(BigInt);
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const xdr = z
  .string()
  .regex(/^[A-Za-z0-9+/]+={0,2}$/)
  .max(400_000);

/** A JSON-RPC 2.0 answer: exactly one of `result` and `error`. */
export const reply = z
  .object({
    jsonrpc: z.literal('2.0'),
    id: z.int(),
    result: z.unknown().optional(),
    error: z.object({ code: z.int(), message: z.string().max(10_000) }).optional(),
  })
  .refine(({ result, error }) => (result === undefined) !== (error === undefined), 'neither or both');

export const network = z.object({ passphrase: z.string().max(500) });

/** The ledger's own bytes beside what is said of it; a server from before 2026 leaves them out. */
export const latestLedger = z.object({ id: hash, sequence: ledger, headerXdr: xdr.optional() });

export const feeStats = z.object({
  inclusionFee: z.object({
    p10: count,
    p20: count,
    p30: count,
    p40: count,
    p50: count,
    p60: count,
    p70: count,
    p80: count,
    p90: count,
    p95: count,
    p99: count,
  }),
});

const range = { latestLedger: ledger, latestLedgerCloseTime: seconds, oldestLedger: ledger };

export const transaction = z.discriminatedUnion('status', [
  z.object({ status: z.literal('NOT_FOUND'), ...range }),
  z.object({
    status: z.enum(['SUCCESS', 'FAILED']),
    ...range,
    ledger: ledger.min(1),
    envelopeXdr: xdr,
    resultXdr: xdr,
  }),
]);

const sent = { hash, latestLedger: ledger };
export const sendTransaction = z.discriminatedUnion('status', [
  z.object({ status: z.enum(['PENDING', 'DUPLICATE', 'TRY_AGAIN_LATER']), ...sent }),
  z.object({ status: z.literal('ERROR'), errorResultXdr: xdr.optional(), ...sent }),
]);

/** `xdr` is LedgerEntryData, not LedgerEntry. */
export const ledgerEntries = z.object({
  latestLedger: ledger.min(1),
  entries: z.array(z.object({ key: xdr, xdr, lastModifiedLedgerSeq: ledger })).max(200),
});
