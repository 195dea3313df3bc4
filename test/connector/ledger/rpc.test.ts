import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { StrKey } from '@stellar/stellar-sdk/base';
import * as xdr from '@stellar/stellar-sdk/xdr';
import fc from 'fast-check';
import { isCoded } from '../../../common/errors.ts';
import { createRpcClient, type RpcClient } from '../../../connector/ledger/rpc/client.ts';
import { accountKey, trustLineKey } from '../../../connector/ledger/rpc/entries.ts';
import type { Answer, Transport } from '../../../connector/ledger/transport.ts';
import { fromXdrAsset } from '../../../connector/market/asset.ts';

interface Recorded {
  n: number;
  method: string;
  request: { body: string };
  response: { statusLine: string; headers: [string, string][]; body: string };
}

// Answers of a real Stellar RPC in front of a real stellar-core.
const recordings = readFileSync(new URL('../../fixtures/rpc/recordings.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((text) => JSON.parse(text) as Recorded);
const recorded = (n: number): Recorded => recordings.find((entry) => entry.n === n)!;
const PASSPHRASE = 'Standalone Network ; February 2017';
const signal = new AbortController().signal;
const parameter = (n: number) => (JSON.parse(recorded(n).request.body) as { params: never }).params;
const ACCOUNT_OTHER = 'GB6AW4NE7GS76LM7HAYCPVZF2KLLMUPBS5YXEC2UEAWQ2IG4GB2FFPEB';
const accountOf = (key: string): string =>
  StrKey.encodeEd25519PublicKey(Buffer.from(key, 'base64').subarray(8, 40));
const assetOf = (key: string): string => {
  const decoded = xdr.LedgerKey.fromXdr(key, 'base64');
  if (decoded.type !== 'trustline') throw new Error('no trust line');
  return fromXdrAsset(xdr.Asset.fromXdr(decoded.trustLine.asset.toXdr()));
};

/** A server whose next answer is given, under the number of the request that it answers. */
function answering(answer: (n: number) => Partial<Answer>): { rpc: RpcClient; asked: string[] } {
  const asked: string[] = [];
  const transport = {
    url: 'https://rpc.test',
    async request({ body }: { body: string }) {
      asked.push(body);
      const { id } = JSON.parse(body) as { id: number };
      return { status: 200, headers: {}, body: '', ...answer(id) };
    },
  } as unknown as Transport;
  const rpc = createRpcClient(transport, { networkPassphrase: PASSPHRASE }, { answered() {} });
  return { rpc, asked };
}
const withId = (body: string, id: number): string => body.replace(/"id":\d+/, `"id":${id}`);
const replay = (n: number, change: (body: string) => string = (body) => body): RpcClient =>
  answering((id) => {
    const { statusLine, body } = recorded(n).response;
    return { status: Number(statusLine.split(' ')[1]), body: change(withId(body, id)) };
  }).rpc;
const changed = (n: number, part: string | RegExp, by: string): RpcClient =>
  replay(n, (body) => {
    assert.notEqual(body.replace(part, by), body, 'the recording has that part');
    return body.replace(part, by);
  });

describe('connector/ledger/rpc: answers of a real RPC', () => {
  it('network, last ledger, fees', async () => {
    assert.equal(await replay(2).networkPassphrase(signal), PASSPHRASE);
    assert.deepEqual(await replay(4).head(signal), {
      sequence: 369,
      closedAt: 1_795_524_424_000,
      baseFee: 100n,
      baseReserve: 5_000_000n,
      hash: 'bbc562c6904ae8399b26f76869a50af7d9281f821390ff5a167ade7fb9b4e4a5',
      previousHash: '4104a35e8f417a5989507ef3708fd5dfb201fc852cde57a0db5b3dad8915052e',
    });
    const bids = await replay(5).feeBids(signal);
    assert.deepEqual([bids[10], bids[50], bids[60], bids[99]], [100n, 100n, 25_002n, 25_002n]);
  });

  it('an account with a trust line, one without, and none', async () => {
    const { keys } = parameter(7) as { keys: string[] };
    const account = accountOf(keys[0]!);
    const asset = assetOf(keys[1]!);
    const other = accountOf(keys[2]!);
    assert.deepEqual([accountKey(account), trustLineKey(account, asset)], keys.slice(0, 2));
    const both = replay(7, (body) => body);
    const { value, ledger } = await both.account(account, ['native', asset], signal);
    assert.equal(ledger, 369);
    assert.deepEqual([value?.sequence, value?.subentries], [1_567_663_063_042n, 2]);
    assert.deepEqual(value?.balances, [
      {
        ...{ asset: 'native', balance: 9_999_999_800n, limit: undefined, authorized: true },
        ...{ buyingLiabilities: 150_000_000n, sellingLiabilities: 0n },
      },
      {
        ...{ asset, balance: 5_000_000_000n, limit: 9_223_372_036_854_775_807n, authorized: true },
        ...{ buyingLiabilities: 0n, sellingLiabilities: 100_000_000n },
      },
    ]);
    const empty = '{"jsonrpc":"2.0","id":1,"result":{"entries":[],"latestLedger":369}}';
    const { rpc } = answering((id) => ({ body: withId(empty, id) }));
    assert.deepEqual(await rpc.account(other, [], signal), { value: undefined, ledger: 369 });
  });

  it('@security an entry under a key that was not asked, or of another key than it stands under, is not believed', async () => {
    await assert.rejects(replay(6).account(ACCOUNT_OTHER, [], signal), { code: 'ledger-untrusted' });
    const [own] = (parameter(6) as { keys: string[] }).keys;
    const account = accountOf(own!);
    // The entry of another account under the key that was asked for.
    const rpc = replay(6, (body) => body.replace(/"xdr":"AAAAAAAAAACM/, '"xdr":"AAAAAAAAAACN'));
    await assert.rejects(rpc.account(account, [], signal), { code: 'ledger-untrusted' });
    const late = changed(6, '"lastModifiedLedgerSeq":369', '"lastModifiedLedgerSeq":370');
    await assert.rejects(late.account(account, [], signal), { code: 'ledger-untrusted' });
  });

  it('@security more lines than one request may name are asked in several, of one ledger', async () => {
    const assets = Array.from({ length: 450 }, (_, n) => `A${n}:${ACCOUNT_OTHER}`);
    const bodies = (ledgers: readonly number[]) => {
      let turn = 0;
      return answering((id) => {
        const result = { entries: [], latestLedger: ledgers[turn++] };
        return { body: JSON.stringify({ jsonrpc: '2.0', id, result }) };
      });
    };
    const { rpc, asked } = bodies([369, 369, 369]);
    assert.deepEqual(await rpc.account(ACCOUNT_OTHER, assets, signal), { value: undefined, ledger: 369 });
    const sizes = asked.map(
      (body) => (JSON.parse(body) as { params: { keys: string[] } }).params.keys.length,
    );
    assert.deepEqual(sizes, [200, 200, 51]);
    await assert.rejects(bodies([369, 369, 370]).rpc.account(ACCOUNT_OTHER, assets, signal), {
      code: 'ledger-stale',
    });
  });

  it('@security a last ledger whose header has another hash or number is not believed', async () => {
    for (const rpc of [
      changed(4, '"id":"bbc5', '"id":"bbc6'),
      changed(4, '"sequence":369', '"sequence":370'),
      changed(4, '"headerXdr":"AAAAHEEE', '"headerXdr":"AAAAHEEF'),
    ]) {
      await assert.rejects(rpc.head(signal), { code: 'ledger-untrusted' });
    }
  });

  it('transactions: applied, failed, a fee bump by both hashes, none', async () => {
    for (const [n, successful, code] of [
      [21, true, 'txSuccess'],
      [25, false, 'txFailed'],
      [28, true, 'txSuccess'],
      [29, true, 'txSuccess'],
    ] as const) {
      const { hash } = parameter(n) as { hash: string };
      const { found, history } = await replay(n).transaction(hash, signal);
      assert.deepEqual([found?.hash, found?.result.successful, found?.result.code], [hash, successful, code]);
      assert.equal(history.oldest, 255);
    }
    const { hash } = parameter(43) as { hash: string };
    const none = await replay(43).transaction(hash, signal);
    assert.deepEqual(none, {
      found: undefined,
      history: { oldest: 255, latest: 372, closedAt: 1_795_524_439_000 },
    });
  });

  it('@security a transaction of another hash, result or ledger than said is not believed', async () => {
    const { hash } = parameter(21) as { hash: string };
    const other = hash.replace(/^../, '00');
    await assert.rejects(replay(21).transaction(other, signal), { code: 'ledger-untrusted' });
    for (const rpc of [
      changed(21, '"status":"SUCCESS"', '"status":"FAILED"'),
      // A fee above the bid.
      changed(21, '"resultXdr":"AAAAAAAAAGQ', '"resultXdr":"AAAAAAAAAGU'),
      changed(
        21,
        '"resultXdr":"AAAAAAAAAGQAAAAAAAAAAQAAAAAAAAAB',
        '"resultXdr":"AAAAAAAAAGQAAAAAAAAAAQAAAAAAAAAC',
      ),
      changed(21, '"ledger":370', '"ledger":371'),
    ]) {
      await assert.rejects(rpc.transaction(hash, signal), { code: 'ledger-untrusted' });
    }
  });

  it('each answer to a submission', async () => {
    const send = (n: number, rpc = replay(n)) =>
      rpc.submit((parameter(n) as { transaction: string }).transaction, 1_000, signal);
    assert.deepEqual(await send(17), { kind: 'queued' });
    assert.deepEqual(await send(18), { kind: 'queued' });
    assert.deepEqual(await send(20), { kind: 'try-again' });
    assert.deepEqual(await send(23), { kind: 'try-again' });
    assert.deepEqual(await send(27), { kind: 'queued' }, 'a fee bump');
    assert.deepEqual(await send(30), { kind: 'failed', resultXdr: 'AAAAAAAAAGT////7AAAAAA==' });
    assert.deepEqual(await send(38), { kind: 'malformed', reason: 'invalid_xdr' });
    assert.equal((await send(17, replay(37))).kind, 'unknown', 'an internal error');
    assert.equal((await send(17, replay(64))).kind, 'unknown', 'HTTP 500');
    assert.equal((await send(17, replay(20))).kind, 'unknown', 'another hash');
    const limited = answering(() => ({ status: 429, headers: { 'retry-after': '3' } })).rpc;
    assert.deepEqual(await send(17, limited), { kind: 'rate-limited', retryAfterMs: 3_000 });
  });

  it('a request has the next number, its method and its parameters', async () => {
    const { rpc, asked } = answering((id) => ({ body: withId(recorded(43).response.body, id) }));
    const { hash } = parameter(43) as { hash: string };
    await rpc.transaction(hash, signal);
    await rpc.transaction(hash, signal);
    assert.deepEqual(JSON.parse(asked[1]!), {
      ...{ jsonrpc: '2.0', id: 2, method: 'getTransaction' },
      params: { hash },
    });
  });

  it('@security an answer to another request is not believed', async () => {
    const { rpc } = answering((id) => ({ body: withId(recorded(2).response.body, id + 1) }));
    await assert.rejects(rpc.networkPassphrase(signal), { code: 'ledger-untrusted' });
  });

  it('errors: inline, over the limit, no JSON, another status', async () => {
    await assert.rejects(replay(63).networkPassphrase(signal), { code: 'ledger-unreachable' });
    const as = (answer: Partial<Answer>) => answering(() => answer).rpc.networkPassphrase(signal);
    await assert.rejects(as({ status: 429 }), { code: 'rate-limited' });
    await assert.rejects(as({ status: 502, body: '<html>' }), { code: 'ledger-unreachable' });
    await assert.rejects(as({ body: '<html>' }), { code: 'ledger-untrusted' });
    await assert.rejects(as({ body: '[]' }), { code: 'ledger-untrusted' });
    const both = changed(2, '"result"', '"error":{"code":1,"message":"x"},"result"');
    await assert.rejects(both.networkPassphrase(signal), { code: 'ledger-untrusted' });
  });
});

const stringify = (value: unknown): string =>
  JSON.stringify(value, (_name, it: unknown) => (typeof it === 'bigint' ? String(it) : it)) ?? '';

describe('connector/ledger/rpc: fuzz', () => {
  const RUNS = Number(process.env.FUZZ_CASES ?? 5_000);
  const readers: Record<string, (rpc: RpcClient, n: number) => Promise<unknown>> = {
    getNetwork: (rpc) => rpc.networkPassphrase(signal),
    getLatestLedger: (rpc) => rpc.head(signal),
    getFeeStats: (rpc) => rpc.feeBids(signal),
    getLedgerEntries: (rpc, n) =>
      rpc.account(accountOf((parameter(n) as { keys: string[] }).keys[0]!), [], signal),
    getTransaction: (rpc, n) => rpc.transaction((parameter(n) as { hash: string }).hash, signal),
    sendTransaction: (rpc, n) =>
      rpc.submit((parameter(n) as { transaction: string }).transaction, 1_000, signal),
  };
  const usable = [2, 4, 5, 6, 7, 16, 17, 18, 20, 21, 25, 28, 29, 30, 38, 43].map(recorded);
  const CODES = ['ledger-untrusted', 'ledger-unreachable', 'ledger-stale', 'rate-limited'];

  it('@security a recording changed anywhere gives an answer or an error of the table, never another throw', async () => {
    const edit = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      remove: fc.nat({ max: 40 }),
      insert: fc.oneof(
        fc.string({ maxLength: 20 }),
        fc.constantFrom('null', '-1', '1e999', '{}', '[]', '""', '"', '9'.repeat(30), 'AAAA', '//8='),
      ),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...usable),
        fc.array(edit, { minLength: 1, maxLength: 4 }),
        async (entry, edits) => {
          const rpc = replay(entry.n, (body) =>
            edits.reduce((text, { at, remove, insert }) => {
              const from = Math.floor(at * text.length);
              return text.slice(0, from) + insert + text.slice(from + remove);
            }, body),
          );
          await readers[entry.method]!(rpc, entry.n).catch((error: unknown) => {
            if (!isCoded(error) || !CODES.includes(error.code)) throw error;
          });
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('@security entries with changed bytes never give an account that is not the one asked', async () => {
    const [key] = (parameter(6) as { keys: string[] }).keys;
    const body = recorded(6).response.body;
    const xdr = Buffer.from(/"xdr":"([^"]*)"/.exec(body)![1]!, 'base64');
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: xdr.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        async (at, flip) => {
          const bytes = Buffer.from(xdr);
          bytes[at]! ^= flip;
          const rpc = replay(6, (text) => text.replace(xdr.toString('base64'), bytes.toString('base64')));
          const read = rpc.account(accountOf(key!), [], signal);
          if (at < 40) return assert.rejects(read, { code: 'ledger-untrusted' });
          const answer = await read.catch((error: unknown) => assert.ok(isCoded(error, 'ledger-untrusted')));
          assert.equal(stringify(answer).includes('"-'), false, 'nothing is negative');
        },
      ),
      { numRuns: Math.min(RUNS, 1_000) },
    );
  });
});
