import { StrKey } from '@stellar/stellar-sdk/base';
import { type Friendbot, FriendbotProblem } from '../friendbot.ts';
import type { Route } from './http.ts';
import { badField, problem } from './problems.ts';
import { transactionResource } from './transactions.ts';

/** GET and POST /friendbot?addr=G…: answers with the transaction when a ledger has it. */
export const friendbotRoutes = (friendbot: Friendbot): Route[] =>
  (['GET', 'POST'] as const).map((method) => ({
    method,
    pattern: /^\/friendbot$/,
    async handle({ base, query, signal }) {
      const address = query.get('addr') ?? '';
      if (!StrKey.isValidEd25519PublicKey(address)) throw badField('addr', 'invalid address');
      try {
        const found = await friendbot.fund(address, signal);
        const contentType = 'application/json; charset=utf-8';
        return { status: 200, body: transactionResource(found, base), contentType };
      } catch (error) {
        if (error instanceof FriendbotProblem) throw problem('bad_request', undefined, error.message);
        throw signal.aborted ? problem('server_error') : error;
      }
    },
  }));
