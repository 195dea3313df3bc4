import assert from 'node:assert/strict';
import type { Request } from 'express';
import fc from 'fast-check';
import { createIdempotency, withKeys } from '../../../connector/api/idempotency.ts';
import { problemOf, problemSchema } from '../../../connector/api/problem.ts';
import { check } from '../../../connector/api/route.ts';
import { apiRoutes } from '../../../connector/api/routes/index.ts';
import { request as wsRequest } from '../../../connector/api/websocket/messages.ts';
import { type Stand, startStand, USDC } from './stand.ts';

const CASES = Number(process.env.FUZZ_CASES ?? 1_500);
const SECRET = 'SECRETSECRETSECRETSECRETSECRET';

const hostile = fc.oneof(
  fc.constantFrom(
    ...[
      SECRET,
      [SECRET],
      { [SECRET]: SECRET },
      { toString: SECRET },
      null,
      true,
      -1,
      1e308,
      Number.POSITIVE_INFINITY,
    ],
    ...[
      '',
      '-1',
      'NaN',
      '1e9',
      '0x10',
      '１',
      '../..',
      '__proto__',
      'a'.repeat(5_000),
      '\u202e',
      '\ud800',
      [],
      {},
    ],
  ),
  fc.jsonValue({ maxDepth: 3 }),
);
const MEANT: Record<string, unknown[]> = {
  market: ['XLM-USDC', `native-${USDC}`, 'USDC-XLM'],
  side: ['BUY', 'SELL'],
  type: ['limit', 'maker-only', 'market'],
  price: ['0.12', { n: 1, d: 8 }, '1'],
  amount: ['10', '0.0000001'],
  clientOrderId: ['a-1', 'b'],
  state: ['open', 'filled'],
  limit: ['10', '1'],
  depth: ['5'],
  before: ['9-1'],
  op: ['subscribe', 'unsubscribe', 'snapshot', 'ping'],
  channel: ['book', 'trades', 'orders', 'status'],
  id: [1, 'x'],
};
/** Most fields as a client means them, some missing, some hostile, now and then one that is unknown. */
const fields = (...names: string[]): fc.Arbitrary<Record<string, unknown>> =>
  fc
    .tuple(
      fc.record(
        Object.fromEntries(
          names.map((name) => [
            name,
            fc.oneof(
              { weight: 12, arbitrary: fc.constantFrom(...MEANT[name]!) },
              { weight: 2, arbitrary: hostile },
            ),
          ]),
        ),
        { requiredKeys: [] },
      ),
      fc.oneof(
        { weight: 12, arbitrary: fc.constant({}) },
        { weight: 1, arbitrary: fc.dictionary(fc.constantFrom(SECRET, 'x'), hostile, { maxKeys: 2 }) },
      ),
    )
    .map(([known, unknown]) => ({ ...known, ...unknown }));
const orderBody = fields('clientOrderId', 'market', 'side', 'type', 'price', 'amount');
const body = fc.oneof(
  orderBody,
  fc.record({ orders: fc.oneof(fc.array(orderBody, { maxLength: 4 }), hostile) }),
  fields('price', 'amount'),
  hostile,
);

describe('connector/api: hostile input', () => {
  let stand: Stand;
  before(async () => {
    stand = await startStand();
  });
  after(() => stand.stop());

  const judge = (error: unknown): void => {
    const problem = problemSchema.parse(problemOf(error));
    assert.notEqual(problem.code, 'internal', (error as Error).stack);
    assert.doesNotMatch(JSON.stringify(problem), new RegExp(SECRET));
    assert.ok(JSON.stringify(problem).length < 1_000, 'what was sent is not sent back');
  };

  it(`@security ${CASES} requests of /v1: every one is taken in its form or refused by a code, no secret comes back`, async () => {
    const keys = createIdempotency(stand.state, () => 0);
    const routes = apiRoutes.map((route) => withKeys(route, keys));
    const headers = fc.oneof(
      fc.constant({}),
      fc.record({ 'idempotency-key': fc.oneof(fc.constantFrom('k-1', 'k-2', SECRET), fc.string()) }),
    );
    const input = fc.record({
      route: fc.nat(routes.length - 1),
      params: fields('clientOrderId'),
      query: fields('market', 'state', 'limit', 'depth', 'before'),
      body,
      headers,
    });
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(input, async ({ route: index, ...request }) => {
        const route = routes[index]!;
        const has = (name: 'params' | 'query' | 'body') => (route[name] === undefined ? {} : request[name]);
        const sent = {
          ...{ method: route.method, path: route.path, headers: request.headers },
          ...{ params: has('params'), query: has('query'), body: has('body') },
        };
        const caller = { client: 'bot', requestId: 'r', note: () => undefined };
        try {
          const answer = await route.answer(
            sent as unknown as Request,
            stand.context,
            new AbortController().signal,
            caller,
          );
          route.result!.parse(answer);
          taken++;
        } catch (error) {
          if ((error as Error).name === 'ZodError') throw error;
          judge(error);
        }
      }),
      { numRuns: CASES },
    );
    assert.ok(taken > CASES / 20, `${taken} were taken: the rest of the input is not all noise`);
  });

  it(`@security ${CASES} messages of a WebSocket: the same`, () => {
    fc.assert(
      fc.property(fc.oneof(fields('op', 'channel', 'market', 'id'), hostile), (message) => {
        try {
          check(wsRequest, message);
        } catch (error) {
          judge(error);
        }
      }),
      { numRuns: CASES },
    );
  });
});
