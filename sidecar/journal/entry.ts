import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import * as z from 'zod';

/** The first line's `prev`. */
export const NO_PREVIOUS = '0'.repeat(64);

const decimal = z.string().regex(/^\d{1,20}$/);
const hex32 = z.string().regex(/^[0-9a-f]{64}$/);

/** An amount that counts in a window, in stroops. */
const spend = z.strictObject({
  kind: z.enum(['fee', 'deletion-fee', 'swap', 'offer', 'deposit', 'payment']),
  /** What leaves. */
  asset: z.string(),
  /** Both assets of the market, sorted, with a space between. */
  pair: z.string().optional(),
  /** The offer that is changed; within a slot it counts once, at its largest. */
  offer: decimal.optional(),
  amount: decimal,
});

/** What a line says beside its place in the chain. No envelope, no key material, no client data. */
const event = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('created'), id: z.string(), account: z.string(), network: hex32 }),
  z.strictObject({
    type: z.literal('signed'),
    /** Of what was signed. */
    hash: hex32,
    /** Of a fee bump: the inner transaction. */
    inner: hex32.optional(),
    /** When it was decided, by the clock of the windows: milliseconds since the epoch. */
    at: z.int().min(0),
    source: z.string(),
    sequence: decimal,
    /** Unix seconds. */
    maxTime: decimal,
    /** The largest fee so far for the transaction and its bumps, in stroops. */
    fee: decimal,
    operations: z.array(z.string()),
    /** Whose room it took: deletions have a small one of their own for when the ordinary one refuses. */
    budget: z.enum(['ordinary', 'deletions']),
    /** Empty when the hash was signed before: nothing counts twice. */
    spends: z.array(spend),
    /** Name and SHA-256 of each policy that allowed it. */
    policies: z.array(z.strictObject({ name: z.string(), hash: hex32 })),
  }),
  z.strictObject({
    type: z.literal('refused'),
    code: z.string(),
    detail: z.string(),
    field: z.string().optional(),
    hash: hex32.optional(),
  }),
  z.strictObject({ type: z.literal('started') }),
  z.strictObject({
    type: z.literal('policies-loaded'),
    policies: z.array(z.strictObject({ name: z.string(), hash: hex32 })),
  }),
  z.strictObject({ type: z.literal('policies-refused'), reason: z.string() }),
  z.strictObject({ type: z.literal('incomplete-line-cut'), bytes: z.int() }),
]);
export type JournalEvent = z.infer<typeof event>;
export type Spend = z.infer<typeof spend>;

/** One line: its number from 0, the time (RFC 3339, own clock) and the SHA-256 of the line before. */
const line = z.strictObject({
  n: z.int().min(0),
  time: z.iso.datetime(),
  prev: z.string().regex(/^[0-9a-f]{64}$/),
  event,
});
export type JournalLine = z.infer<typeof line>;

/** The last line of a journal, which commits to all before it. */
export interface JournalHead {
  n: number;
  hash: string;
}

/** SHA-256 of a line's bytes without its line end, hexadecimal. */
export const hashLine = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Throws for what `readLine` would not read again: such a line would end the journal for good. */
export function checkEvent(entry: JournalEvent): void {
  if (!event.safeParse(entry).success)
    throw new TypeError(`no line of a journal can hold this ${entry.type}`);
}

/** The canonical JSON (RFC 8785) of the line after `head`. */
export function writeLine(head: JournalHead | undefined, time: Date, entry: JournalEvent): string {
  const text = canonicalize({
    n: head === undefined ? 0 : head.n + 1,
    time: time.toISOString(),
    prev: head?.hash ?? NO_PREVIOUS,
    event: entry,
  } satisfies JournalLine);
  if (text === undefined) throw new TypeError('not representable as JSON');
  return text;
}

/** Reads one line; throws with the reason when it is not a canonical line of a journal. */
export function readLine(text: string): JournalLine {
  const value: unknown = JSON.parse(text);
  if (canonicalize(value) !== text) throw new Error('not canonical JSON (RFC 8785)');
  const result = line.safeParse(value);
  if (!result.success) throw new Error('not a line of a journal');
  return result.data;
}
