import * as z from 'zod';
import { chainNetwork, listName, message } from '../fields.ts';
import { poolAddress } from '../pool-fields.ts';
import { defineRoute } from '../route.ts';

/** Forgets a saved pool; those of listed markets stay, and so does what is deposited in it. */
export const poolRemove = defineRoute({
  method: 'delete',
  path: '/pools/:address',
  kind: 'read',
  summary: 'Removes a saved pool from the list',
  params: z.strictObject({ address: poolAddress }),
  query: z.strictObject({ chainNetwork }),
  result: message,
  handle({ params }, context) {
    context.poolList.remove(params.address);
    return { message: `Pool ${params.address} has been removed from the pool list for ${listName(context)}` };
  },
});
