import assert from 'node:assert/strict';
import * as z from 'zod';
import { defineRoute } from '../../../connector/gateway/route.ts';
import { type Rig, startRig } from './rig.ts';

describe('connector/gateway: /v1 beside the contract', () => {
  let rig: Rig;
  before(async () => {
    const echo = defineRoute({
      ...{ method: 'post', path: '/v1/echo', summary: 'Counts' },
      body: z.strictObject({ text: z.string() }),
      handle: ({ body }, _context, _signal, caller) => {
        caller.note({ idempotencyKey: 'k-1' });
        return { length: body.text.length, client: caller.client };
      },
    });
    rig = await startRig({ api: [echo] });
  });
  after(() => rig.stop());

  it('larger bodies are taken there, by the same client, and audited with their key', async () => {
    const { status, body } = await rig.call('POST', '/v1/echo', { text: 'x'.repeat(40_000) });
    assert.deepEqual([status, body], [200, { length: 40_000, client: 'bot' }]);
    assert.deepEqual([rig.audit[0]?.idempotencyKey, rig.audit[0]?.outcome], ['k-1', 'done']);
    assert.equal((await rig.call('POST', '/tokens', { text: 'x'.repeat(40_000) })).status, 413);
  });

  it('what fails there is a problem document, elsewhere the contract’s body', async () => {
    for (const [path, sent, status] of [
      ['/v1/echo', { text: 1 }, 400],
      ['/v1/echo', '{', 400],
      ['/v1/echo', { text: 'x'.repeat(70_000) }, 413],
      ['/v1/nothing', {}, 404],
    ] as const) {
      const reply = await rig.call('POST', path, sent);
      assert.equal(reply.status, status);
      assert.match(String(reply.headers['content-type']), /^application\/problem\+json/);
      assert.equal(reply.body.status, status);
    }
    assert.equal((await rig.call('POST', '/v10', {})).body.statusCode, 404);
  });

  it('@security a client that lost its right gets no further on a connection that stands', async () => {
    rig.client = undefined;
    rig.heard.length = 0;
    const { status, body, headers } = await rig.call('GET', '/');
    assert.deepEqual([status, body.code, headers.connection], [403, 'CLIENT_REFUSED', 'close']);
    assert.deepEqual(rig.heard, [], 'it holds no dead-man timer up');
    rig.client = 'bot';
    await rig.call('GET', '/');
    assert.deepEqual(rig.heard, ['bot']);
  });
});
