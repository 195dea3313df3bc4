import type { IncomingMessage, RequestListener } from 'node:http';
import { StrKey } from '@stellar/stellar-sdk/base';
import { type Friendbot, FriendbotProblem } from './friendbot.ts';
import { badField, HorizonProblem, problem } from './horizon/problems.ts';
import { transactionResource } from './horizon/transactions.ts';
import { encode } from './http.ts';

/** `/friendbot?addr=G…` in front of Horizon, by GET or POST; answers with the transaction when a ledger has it. */
export function withFriendbot(
  friendbot: Friendbot,
  signal: AbortSignal,
  horizon: RequestListener,
): RequestListener {
  async function answer({ url = '', headers }: IncomingMessage, gone: AbortSignal): Promise<unknown> {
    const address = new URL(url, 'https://localhost').searchParams.get('addr') ?? '';
    if (!StrKey.isValidEd25519PublicKey(address)) throw badField('addr', 'invalid address');
    try {
      const found = await friendbot.fund(address, AbortSignal.any([signal, gone]));
      return transactionResource(found, `https://${headers.host ?? 'localhost'}`);
    } catch (error) {
      if (!(error instanceof FriendbotProblem)) throw error;
      throw problem('bad_request', undefined, error.message);
    }
  }

  return (request, response) => {
    if (!/^\/friendbot\/?(\?|$)/.test(request.url ?? '')) return horizon(request, response);
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    answer(request, gone.signal)
      .then((body) => ({ status: 200, body, type: 'application/json' }))
      .catch((error: unknown) => {
        const { body } = error instanceof HorizonProblem ? error : problem('server_error');
        return { status: body.status, body, type: 'application/problem+json' };
      })
      .then(({ status, body, type }) => {
        response.writeHead(status, { 'Content-Type': `${type}; charset=utf-8` });
        response.end(encode(body, 2));
      });
  };
}
