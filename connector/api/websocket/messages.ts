import * as z from 'zod';
import { marketName, text } from '../fields.ts';

/** What a client sends: JSON text of at most 4 KiB. `id` comes back in the answer. */
const id = z.union([z.string().max(64), z.int()]).optional();
const ofMarket = z.enum(['book', 'trades']);
const ofAccount = z.enum(['orders', 'fills', 'balances', 'status']);

export const request = z.union([
  z.strictObject({ op: z.enum(['subscribe', 'unsubscribe']), channel: ofMarket, market: marketName, id }),
  z.strictObject({ op: z.enum(['subscribe', 'unsubscribe']), channel: ofAccount, id }),
  /** The book anew, for a client that missed a sequence number or whose checksum differs. */
  z.strictObject({ op: z.literal('snapshot'), market: marketName, id }),
  z.strictObject({ op: z.literal('ping'), id }),
]);
export type Request = z.infer<typeof request>;
export type MarketChannel = z.infer<typeof ofMarket>;
export type AccountChannel = z.infer<typeof ofAccount>;

/** Answers to a request. What the channels send is `{type, channel, market?, data}`, `data` in REST's form. */
export const answer = z.union([
  z.strictObject({
    type: z.enum(['subscribed', 'unsubscribed']),
    channel: text,
    market: text.optional(),
    id,
  }),
  z.strictObject({ type: z.literal('pong'), time: z.int(), id }),
  z.strictObject({ type: z.literal('error'), code: text, detail: text, field: text.optional(), id }),
]);

/** Why the server ends a connection (RFC 6455; 4000 and above are ours). */
export const CLOSE = {
  goingAway: 1001,
  binary: 1003,
  slow: 4008,
  silent: 4009,
  tooManyMessages: 4029,
  tooManyConnections: 4030,
} as const;
