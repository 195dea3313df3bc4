import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { startWorld, USDC, type World } from '../world.ts';

interface Exchange {
  request: [method: string, path: string, body?: unknown];
  status: number;
  answer?: unknown;
}

const { exchanges } = JSON.parse(
  readFileSync(new URL('../../fixtures/gateway/start-network.json', import.meta.url), 'utf8'),
) as { exchanges: Exchange[] };

/** The expected value with each pattern that matches replaced by what was answered. */
function fill(expected: unknown, actual: unknown): unknown {
  if (typeof expected !== 'object' || expected === null) return expected;
  if ('matches' in expected) {
    return new RegExp(`^(?:${expected.matches})$`).test(String(actual)) ? actual : expected;
  }
  const part = (name: string): unknown => (actual as Record<string, unknown> | undefined)?.[name];
  if (Array.isArray(expected)) return expected.map((value, index) => fill(value, part(String(index))));
  return Object.fromEntries(Object.entries(expected).map(([name, value]) => [name, fill(value, part(name))]));
}

describe('connector/gateway: the client’s calls at start_network, over mTLS', () => {
  let world: World;
  const names: Record<string, string> = { USDC };
  before(async () => {
    world = await startWorld();
    Object.assign(names, { ACCOUNT: world.key.account, URL: world.horizon.url });
  });
  after(() => world.stop());

  const named = <T>(value: T): T =>
    JSON.parse(JSON.stringify(value).replace(/\$([A-Z]+)/g, (_all, name: string) => names[name]!)) as T;

  for (const exchange of exchanges) {
    it(`${exchange.request.slice(0, 2).join(' ')} ${JSON.stringify(exchange.request[2] ?? '')}`, async () => {
      const { request, status, answer } = named(exchange);
      const reply = await world.call(...request);
      const { signature, quoteId } = (reply.body ?? {}) as { signature?: string; quoteId?: string };
      if (answer === undefined) assert.equal(reply.text, '');
      assert.deepEqual(reply.body, fill(answer, reply.body));
      assert.equal(reply.status, status);
      if (signature !== undefined) names.SIGNATURE = signature;
      if (quoteId !== undefined) names.QUOTE = quoteId;
    });
  }
});
