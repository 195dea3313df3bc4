import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { conditionsOf } from './conditions.ts';
import { localNode } from './local.ts';
import { type Exchange, readRecordings } from './recordings.ts';
import { readFacts } from './roles.ts';
import { fixtures, prepare, walk } from './walk.ts';

type Response = Partial<Exchange['response']>;

describe('what ailed a recorded server', function () {
  this.timeout(20_000);

  /** Recorded exchanges by their numbers, some with another answer: what is found in them, and how the walk ends. */
  async function walked(rpc: boolean, answers: [n: number, response: Response, body?: string][]) {
    const folder = fixtures(rpc);
    const recordings = readRecordings(folder);
    const exchanges = answers.map(([n, response, body]): Exchange => {
      const found = recordings.exchanges.find((one) => one.n === n)!;
      const request = { ...found.request, ...(body !== undefined && { body }) };
      return { ...found, request, response: { ...found.response, ...response } };
    });
    const names = JSON.parse(readFileSync(join(folder, 'accounts.json'), 'utf8'));
    const facts = readFacts(recordings, names);
    const node = await localNode(facts.passphrase, rpc);
    try {
      const prepared = await prepare(node, recordings, facts, 'world');
      const { differences } = await walk(prepared, { exchanges, streams: [] });
      return { differences, conditions: [...conditionsOf(exchanges).values()] };
    } finally {
      await node.stop();
    }
  }

  it('Horizon: a 504 with the transaction later in', async () => {
    const { exchanges } = readRecordings(fixtures(false));
    const { response } = exchanges.find(({ n }) => n === 274)!;
    const hash = 'ddae42bf8c5ab0d00dc3ba044707cfadd8238458223173bf3a4d8d0b182d9d08';
    const late = { ...response, body: response.body!.replace(/\b[0-9a-f]{64}\b/, hash) };
    const { conditions, differences } = await walked(false, [
      [243, late],
      [246, {}],
      [247, {}],
    ]);
    assert.deepEqual(conditions, [{ kind: 'submission', fate: 'in' }]);
    assert.deepEqual(differences, []);
  });

  it('RPC: a limit, old data, a core that takes nothing', async () => {
    const message = '[-32603] latency (4m58s) since last known ledger closed is too high (>30s)';
    const error = { jsonrpc: '2.0', id: 1, error: { code: -32603, message } };
    // Alone, the account's transaction would be taken.
    const hash = 'ad08295979c3a58949d019c551412091998c466198d08d40fda12ff2b4c0ca67';
    const lookup = { jsonrpc: '2.0', id: 43, method: 'getTransaction', params: { hash } };
    const { conditions, differences } = await walked(true, [
      [1, { statusLine: 'HTTP/1.1 429 Too Many Requests', headers: [], body: '' }],
      [1, { body: JSON.stringify(error) }],
      [20, {}],
      [43, {}, JSON.stringify(lookup)],
    ]);
    assert.deepEqual(
      conditions.map(({ kind }) => kind),
      ['rate_limit', 'stale_history', 'try_again_later'],
    );
    assert.deepEqual(differences, []);
  });
});
