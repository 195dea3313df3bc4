import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import * as z from 'zod';

/** The first line's `prev`. */
export const NO_PREVIOUS = '0'.repeat(64);

const decimal = z.string().regex(/^\d{1,20}$/);
const hex32 = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().min(0);
const text = z.string().max(1_000);

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

/** Which journal must be found: its id and the number of its newest checkpoint, as the operator recorded them. */
export const journalRecord = z.strictObject({ id: z.string().min(1).max(64), checkpoint: count });
export type JournalRecord = z.infer<typeof journalRecord>;

/** Why what was signed before is not known: no journal, an old copy, a broken chain, or another journal. */
const lossReason = z.enum(['empty', 'older', 'corrupt', 'another']);
export type LossReason = z.infer<typeof lossReason>;

/** What a journal's lines add up to; see `state.ts`. */
const savedState = z.strictObject({
  id: z.string(),
  account: z.string(),
  network: hex32,
  /** The operator knows the id, or somebody said `--init`. */
  isConfirmed: z.boolean(),
  /** The last loss; `isWaitedFor` and `isAccepted` say how far it is overcome. */
  loss: z
    .strictObject({
      reason: lossReason,
      expected: journalRecord.optional(),
      isWaitedFor: z.boolean(),
      isAccepted: z.boolean(),
    })
    .optional(),
  /** The newest time that windows were counted by, milliseconds since the epoch. */
  at: count,
  /** Line of the newest checkpoint that the audit key has signed; -1 when none. */
  signedLine: z.int().min(-1),
  live: z.array(
    z.strictObject({
      source: z.string(),
      sequence: decimal,
      hash: hex32,
      maxTime: decimal,
      fee: decimal,
      /** By the clock of the windows, milliseconds. */
      endsMs: count,
    }),
  ),
  windows: z.array(
    z.strictObject({
      kind: spend.shape.kind,
      asset: z.string(),
      pair: z.string().optional(),
      /** `slots since the one before:stroops`, blank between; see `windows.ts`. */
      amounts: z.string().regex(/^(\d+:\d+( \d+:\d+)*)?$/),
      offers: z.record(decimal, decimal),
    }),
  ),
});
export type SavedState = z.infer<typeof savedState>;

/** What a line says beside its place in the chain. No envelope, no key material, no client data. */
const event = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('created'), id: z.string(), account: z.string(), network: hex32 }),
  z.strictObject({ type: z.literal('confirmed'), by: z.enum(['operator', 'init']) }),
  z.strictObject({
    type: z.literal('signed'),
    /** Of what was signed. */
    hash: hex32,
    /** Of a fee bump: the inner transaction. */
    inner: hex32.optional(),
    /** When it was decided, by the clock of the windows: milliseconds since the epoch. */
    at: count,
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
  /** Refusals that had no line of their own, by code. */
  z.strictObject({ type: z.literal('refusals'), counts: z.record(z.string(), z.int().min(1)) }),
  /** `at`: by the clock of the windows; absent in lines of earlier versions. */
  z.strictObject({ type: z.literal('started'), at: count.optional() }),
  z.strictObject({
    type: z.literal('policies-loaded'),
    policies: z.array(z.strictObject({ name: z.string(), hash: hex32 })),
  }),
  z.strictObject({ type: z.literal('policies-refused'), reason: z.string() }),
  z.strictObject({ type: z.literal('key-usable') }),
  /** By code of the fault tables of the key stores. */
  z.strictObject({ type: z.literal('key-unusable'), code: z.string() }),
  z.strictObject({ type: z.literal('incomplete-line-cut'), bytes: z.int() }),
  /** The journal could not be written for a time. */
  z.strictObject({ type: z.literal('write-recovered'), reason: text }),
  /** The wall clock jumped, ahead when above zero. */
  z.strictObject({ type: z.literal('clock-stepped'), byMs: z.int() }),
  z.strictObject({
    type: z.literal('loss'),
    reason: lossReason,
    expected: journalRecord.optional(),
    detail: text.optional(),
  }),
  /** The disk is nearly full; percent that is free. */
  z.strictObject({ type: z.literal('space-low'), free: z.int().min(0).max(100) }),
  z.strictObject({ type: z.literal('loss-waited') }),
  z.strictObject({ type: z.literal('loss-accepted'), reason: text.min(1), by: text.min(1) }),
  /** The first line of every segment but the first: what all lines before add up to. */
  z.strictObject({ type: z.literal('checkpoint'), number: z.int().min(1), state: savedState }),
  /** The audit key's signature over a checkpoint's line; hexadecimal. */
  z.strictObject({
    type: z.literal('checkpoint-signed'),
    number: z.int().min(1),
    /** SHA-256 of the checkpoint's line. */
    checkpoint: hex32,
    key: hex32,
    signature: z.string().regex(/^[0-9a-f]{128}$/),
  }),
  /** Lines `from` to `to` are old and were removed; `head` is the SHA-256 of line `to`. */
  z.strictObject({ type: z.literal('segments-removed'), from: count, to: count, head: hex32 }),
  /** A transaction that `signer keys` signed with this key while the signer was stopped. */
  z.strictObject({
    type: z.literal('ceremony'),
    action: z.enum(['channel']),
    hash: hex32,
    source: z.string(),
    sequence: decimal,
    /** Unix seconds. */
    maxTime: decimal,
    /** Stroops. */
    fee: decimal,
    /** The accounts that it creates. */
    channels: z.array(z.string()),
  }),
]);
/** Of which types there are. */
export const EVENT_TYPES: readonly string[] = event.options.map(({ shape }) => shape.type.value);
export type JournalEvent = z.infer<typeof event>;
export type Spend = z.infer<typeof spend>;

/** One line: its number from 0, the time (RFC 3339, own clock) and the SHA-256 of the line before. */
const line = z.strictObject({ n: count, time: z.iso.datetime(), prev: hex32, event });
export type JournalLine = z.infer<typeof line>;

/** The last line of a journal, which commits to all before it. */
export interface JournalHead {
  n: number;
  hash: string;
}

/** SHA-256 of a line's bytes without its line end, hexadecimal. */
export const hashLine = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** Throws for what `readLine` would not read again: such a line would end the journal for good. */
export function checkEvent(entry: JournalEvent): void {
  if (!event.safeParse(entry).success)
    throw new TypeError(`no line of a journal can hold this ${entry.type}`);
}

/** A line, its canonical JSON (RFC 8785) without line end, and the head that it makes. */
export interface WrittenLine {
  line: JournalLine;
  text: string;
  head: JournalHead;
}

/** The line after `head`. @throws RangeError for a time that no line can hold */
export function nextLine(head: JournalHead | undefined, time: Date, entry: JournalEvent): WrittenLine {
  const n = head === undefined ? 0 : head.n + 1;
  if (time.getUTCFullYear() < 1970 || time.getUTCFullYear() > 9_999)
    throw new RangeError(`the wall clock shows the year ${time.getUTCFullYear()}: set it right`);
  const written: JournalLine = {
    n,
    time: time.toISOString(),
    prev: head?.hash ?? NO_PREVIOUS,
    event: entry,
  };
  const json = canonicalize(written);
  if (json === undefined) throw new TypeError('not representable as JSON');
  return { line: written, text: json, head: { n, hash: hashLine(json) } };
}

/** Reads one line; throws with the reason when it is not a canonical line of a journal. */
export function readLine(json: string): JournalLine {
  const value: unknown = JSON.parse(json);
  if (canonicalize(value) !== json) throw new Error('not canonical JSON (RFC 8785)');
  const result = line.safeParse(value);
  if (!result.success) throw new Error('not a line of a journal');
  return result.data;
}
