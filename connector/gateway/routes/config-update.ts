import * as z from 'zod';
import { message } from '../fields.ts';
import { defineRoute } from '../route.ts';

/** Client preferences only; what the StellarConnector declares is changed there. The client asks for a restart after it. */
export const configUpdate = defineRoute({
  method: 'post',
  path: '/config/update',
  kind: 'read',
  summary: 'Sets a client preference',
  body: z.strictObject({
    namespace: z.string().max(64),
    path: z.string().max(64),
    value: z.union([z.string().max(64), z.number(), z.boolean()]),
  }),
  result: message,
  handle({ body: { namespace, path, value } }, { preferences }) {
    preferences.set(namespace, path, value);
    return { message: `Configuration updated successfully: '${namespace}.${path}'` };
  },
});
