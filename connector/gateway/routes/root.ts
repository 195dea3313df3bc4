import { defineRoute } from '../route.ts';

/** Health; the client asks every 2 s and waits 1 s. It says nothing of the ledger, as `gateway` shows that by itself. */
export const root = defineRoute({ method: 'get', path: '/', handle: () => ({ status: 'ok' }) });
