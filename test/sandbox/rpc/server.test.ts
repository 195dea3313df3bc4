import assert from 'node:assert/strict';
import { useRpc } from './testing.ts';

describe("RPC's envelope", () => {
  const rpc = useRpc();

  const errorOf = async (request: unknown) => {
    const { status, text } = await rpc.request(JSON.stringify(request));
    assert.equal(status, 200);
    const { id, error } = JSON.parse(text);
    return [id, error.code, error.message, ...(error.data === undefined ? [] : [error.data])];
  };
  const v2 = { jsonrpc: '2.0', id: 7 };

  it('answers with the id and one result', async () => {
    const { status, headers, text } = await rpc.request('{"jsonrpc":"2.0","id":"a","method":"getNetwork"}');
    const result = { passphrase: 'Stellar Sandbox Test', protocolVersion: 28 };
    assert.deepEqual([status, JSON.parse(text)], [200, { jsonrpc: '2.0', id: 'a', result }]);
    assert.equal(headers.get('content-type'), 'application/json');
    assert.equal(headers.get('accept-post'), 'application/json');
    assert.equal(headers.get('vary'), 'Origin, Origin');
  });

  it('answers a list by a list, faulty requests first and notifications not at all', async () => {
    const { text } = await rpc.request(
      JSON.stringify([
        { jsonrpc: '2.0', id: 1, method: 'getNetwork' },
        { jsonrpc: '2.0', method: 'getNothing' },
        { id: 2, method: 'getNetwork' },
      ]),
    );
    assert.deepEqual(
      JSON.parse(text).map(({ id, error }: { id: number; error?: { code: number } }) => [id, error?.code]),
      [
        [2, -32600],
        [1, undefined],
      ],
    );
    const { text: alone } = await rpc.request('[{"jsonrpc":"2.0","id":1,"method":"getNetwork"}]');
    assert.equal(JSON.parse(alone).id, 1, 'a list of one is answered without a list');
  });

  it('answers nothing to notifications', async () => {
    for (const body of [
      '{"jsonrpc":"2.0","method":"getHealth"}',
      '{"jsonrpc":"2.0","id":null,"method":"x"}',
      '[]',
    ]) {
      const { status, text } = await rpc.request(body);
      assert.deepEqual([status, text], [204, '']);
    }
  });

  it('names what is wrong with a request', async () => {
    assert.deepEqual(await errorOf({ ...v2, method: 'getNothing' }), [
      7,
      -32601,
      'method not found',
      'getNothing',
    ]);
    assert.deepEqual(await errorOf({ id: 7, method: 'getHealth' }), [7, -32600, 'invalid version marker']);
    assert.deepEqual(await errorOf(v2), [7, -32600, 'empty method name']);
    assert.deepEqual(await errorOf(1), [null, -32700, 'request is not a JSON object']);
    assert.deepEqual(await errorOf({ ...v2, id: [], method: 'x' }), [null, -32600, 'invalid request ID']);
    assert.deepEqual(await errorOf({ ...v2, method: 'x', params: 1 }), [
      ...[7, -32600, 'parameters must be array or object'],
    ]);
    assert.deepEqual(await errorOf({ ...v2, method: 'x', a: 1 }), [
      7,
      -32600,
      'extra fields in request',
      ['a'],
    ]);
  });

  it('refuses by name what it does not do', async () => {
    for (const method of ['getEvents', 'simulateTransaction']) {
      const [, code, message, data] = await errorOf({ ...v2, method, params: {} });
      assert.deepEqual(
        [code, message, data],
        [-32601, `the sandbox does not serve ${method}`, { refused: method }],
      );
    }
  });

  it('names the field of a parameter of another type', async () => {
    const fault = async (method: string, params: unknown) => {
      const [, code, message, data] = await errorOf({ ...v2, method, params });
      assert.deepEqual([code, message], [-32602, 'invalid parameters']);
      return data.replace('json: cannot unmarshal ', '');
    };
    assert.equal(
      await fault('sendTransaction', ['x']),
      'array into Go value of type protocol.SendTransactionRequest',
    );
    assert.equal(
      await fault('getTransaction', { hash: 1 }),
      'number into Go struct field GetTransactionRequest.hash of type string',
    );
    assert.equal(
      await fault('getLedgers', { startLedger: -1 }),
      'number -1 into Go struct field GetLedgersRequest.startLedger of type uint32',
    );
    assert.match(await fault('getLedgers', { pagination: 'x' }), /^string .*LedgerPaginationOptions$/);
    assert.match(await fault('getLedgers', { pagination: { limit: '1' } }), /^string .*limit of type uint$/);
    assert.match(await fault('getLedgerEntries', { keys: [true] }), /^bool .*keys of type string$/);
    assert.match(await fault('getLedgerEntries', { keys: 'AAAA' }), /^string .*keys of type \[\]string$/);
  });

  it('speaks plain text below JSON-RPC', async () => {
    const headers = { 'Content-Type': 'text/plain' };
    const latin = { 'Content-Type': 'application/json; charset=latin1' };
    const cases: [string, RequestInit, number, string][] = [
      ['{', {}, 500, '[-32700] invalid request value\n'],
      ['', {}, 500, '[-32700] invalid request value\n'],
      ['x'.repeat(600_000), {}, 500, 'http: request body too large\n'],
      ['{}', { headers }, 415, 'content-type must be application/json\n'],
      ['{}', { headers: latin }, 415, 'invalid content-type charset\n'],
      ['{}', { method: 'PUT' }, 405, ''],
    ];
    for (const [body, options, status, text] of cases) {
      const answer = await rpc.request(body, options);
      assert.deepEqual([answer.status, answer.text], [status, text]);
      assert.equal(answer.headers.get('x-content-type-options'), status === 415 ? 'nosniff' : null);
    }
    const utf8 = { 'Content-Type': 'Application/JSON; charset=utf-8' };
    assert.equal((await rpc.request('[]', { headers: utf8 })).status, 204);
    const elsewhere = await fetch(`${rpc.url}/x`, { method: 'POST' });
    assert.deepEqual([elsewhere.status, await elsewhere.text()], [404, '404 page not found\n']);
  });

  it('lets pages of other origins call it', async () => {
    const origin = 'https://wallet.example';
    const asked = { Origin: origin, 'Access-Control-Request-Method': 'POST' };
    const { status, headers } = await fetch(rpc.url, { method: 'OPTIONS', headers: asked });
    assert.deepEqual(
      [status, headers.get('access-control-allow-methods'), headers.get('access-control-allow-origin')],
      [204, 'POST', '*'],
    );
    assert.equal(
      headers.get('vary'),
      'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    );
    assert.equal((await fetch(rpc.url, { method: 'OPTIONS' })).status, 405, 'no preflight');
  });

  it('reports what should not happen', async () => {
    const { transaction } = rpc.network;
    rpc.network.transaction = () => {
      throw new Error('broken');
    };
    const params = { hash: '0'.repeat(64) };
    assert.equal((await errorOf({ ...v2, method: 'getTransaction', params }))[1], -32603);
    rpc.network.transaction = transaction;
    assert.equal(String(rpc.reported.pop()), 'Error: broken');
  });
});
