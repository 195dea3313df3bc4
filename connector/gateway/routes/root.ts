import * as z from 'zod';
import { defineRoute } from '../route.ts';

/** Health; the client asks every 2 s and waits 1 s. It says nothing of the ledger, as `gateway` shows that by itself. */
export const root = defineRoute({
  method: 'get',
  path: '/',
  kind: 'health',
  summary: 'Health',
  result: z.strictObject({ status: z.literal('ok') }),
  handle: () => ({ status: 'ok' }),
});
