import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { judgeRoot, lastOfNetwork } from '../../../connector/ledger/checks.ts';
import { classifySubmit, createHorizon } from '../../../connector/ledger/horizon.ts';
import type { Request, Transport } from '../../../connector/ledger/transport.ts';
import { decodeResult, explainFailure, verifyRecord } from '../../../connector/transactions/result.ts';

interface Recorded {
  n: number;
  what: string;
  request: string;
  status: number;
  headers: Record<string, string>;
  body: string;
}

// Answers of a real Horizon 28 in front of a real stellar-core.
const recordings = readFileSync(new URL('../../fixtures/connector/horizon.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((text) => JSON.parse(text) as Recorded);
const recorded = (n: number): Recorded => recordings.find((entry) => entry.n === n)!;

const PASSPHRASE = 'Standalone Network ; February 2017';
const USDC = 'USDC:GBZVWM5GJUSNTXMYQJTJJ5OWRAFAPVMG6TE7GZXO7CEEOZZMFYEETE3I';
const LONG = 'LONGEURTOKN:GBZVWM5GJUSNTXMYQJTJJ5OWRAFAPVMG6TE7GZXO7CEEOZZMFYEETE3I';
const signal = new AbortController().signal;

/** A Horizon that answers the recording `n` to whatever is asked, and what it was asked. */
function replay(n: number) {
  const asked: Request[] = [];
  const transport = {
    async request(request: Request) {
      asked.push(request);
      return recorded(n);
    },
  } as unknown as Transport;
  return { horizon: createHorizon('https://recorded.test', transport, { answered() {} }), asked };
}

describe('connector/ledger: answers of a real Horizon', () => {
  it('root', async () => {
    const root = await replay(1).horizon.root(signal);
    assert.equal(root.network_passphrase, PASSPHRASE);
    assert.equal(lastOfNetwork(root, PASSPHRASE).sequence, 153);
  });

  it('a root whose ingestion stands still is stale', async () => {
    const root = await replay(282).horizon.root(signal);
    const at = Date.parse('2026-11-24T12:44:39Z');
    assert.equal(judgeRoot(root, PASSPHRASE, at + 29_000).sequence, 340);
    assert.throws(() => judgeRoot(root, PASSPHRASE, at + 31_000), { code: 'ledger-stale' });
    assert.throws(() => judgeRoot(root, PASSPHRASE, at - 16_000), { code: 'ledger-stale' });
  });

  it('the last ledger, and a page without one', async () => {
    const { horizon, asked } = replay(14);
    const last = await horizon.lastLedger(signal);
    assert.equal(last.baseReserve, 5_000_000n);
    assert.equal(asked[0]?.path, '/ledgers?order=desc&limit=1');
    await assert.rejects(replay(15).horizon.lastLedger(signal), { code: 'ledger-stale' });
    await assert.rejects(replay(278).horizon.lastLedger(signal), { code: 'ledger-unreachable' });
  });

  it('fee statistics', async () => {
    assert.deepEqual(await replay(3).horizon.feeStats(signal), { baseFee: 100n, p90: 100n });
  });

  it('an account, one with offers and pool shares, one that is not there, another than asked', async () => {
    const id = 'GBFPL42Z5EQWR3VQGVYLEVA2TFDXJDUKN7GLO3CQ2KPHWMPIKL2MF4Q3';
    const account = await replay(16).horizon.account(id, signal);
    assert.equal(account?.sequence, 343597383700n);
    assert.deepEqual(
      account?.balances.map(({ asset, balance }) => [asset, balance]),
      [
        [USDC, 200_000_000_000n],
        ['native', 49_917_528_964n],
      ],
    );
    const maker = await replay(17).horizon.account(
      'GCVQ3AURWJCNWDIK6SRVFTLLA6E3QMJ7YQS4JKL4N6H5JL6EMSDSNGDJ',
      signal,
    );
    assert.deepEqual(
      maker?.balances.map(({ asset, sellingLiabilities }) => [asset, sellingLiabilities]),
      [
        [LONG, 4_900_843_724n],
        [USDC, 1_888_787_005n],
        ['native', 4_510_000_000n],
      ],
    );
    assert.equal(await replay(19).horizon.account(id, signal), undefined);
    await assert.rejects(replay(17).horizon.account(id, signal), { code: 'ledger-untrusted' });
  });

  it('paths of both kinds, through an asset, none, and a refusal', async () => {
    const receive = await replay(110)
      .horizon.paths('BUY', 'native', LONG, '5.0000000', signal)
      .catch((error) => error);
    // The recording asked for two source assets: a path between others than asked is not believed.
    assert.equal(receive.code, 'ledger-untrusted');
    assert.deepEqual(
      await replay(114).horizon.paths('SELL', 'native', LONG, '100000000.0000000', signal),
      [],
    );
    await assert.rejects(replay(117).horizon.paths('SELL', 'native', LONG, '0', signal), {
      code: 'ledger-unreachable',
    });
  });

  it('order books: exact prices, also of an empty one', async () => {
    assert.deepEqual(await replay(82).horizon.bestPrices(USDC, 'native', signal), {
      bestBid: { numerator: 2n, denominator: 1n },
      bestAsk: { numerator: 21n, denominator: 10n },
    });
    assert.deepEqual(await replay(86).horizon.bestPrices(USDC, 'native', signal), {
      bestBid: undefined,
      bestAsk: undefined,
    });
  });

  it('transactions: believed under the hash of their envelope, absent, and a fee bump not at all', async () => {
    for (const [n, successful] of [
      [49, true],
      [50, false],
    ] as const) {
      const record = (await replay(n).horizon.transaction('0', signal))!;
      assert.equal(verifyRecord(record, record.hash, PASSPHRASE)?.successful, successful);
      assert.equal(verifyRecord(record, record.hash, 'another network'), undefined);
    }
    assert.equal(await replay(51).horizon.transaction('0', signal), undefined);
    const bump = (await replay(59).horizon.transaction('0', signal))!;
    assert.equal(verifyRecord(bump, bump.hash, PASSPHRASE), undefined);
  });

  it('every answer to a submission', () => {
    const kinds = Object.fromEntries(
      [169, 170, 171, 174, 175, 183, 186, 187, 194, 198, 204, 235].map((n) => [
        n,
        classifySubmit(recorded(n)).kind,
      ]),
    );
    assert.deepEqual(kinds, {
      ...{ 169: 'accepted', 170: 'accepted', 171: 'failed', 174: 'failed', 175: 'failed', 183: 'failed' },
      ...{
        186: 'failed',
        187: 'failed',
        194: 'malformed',
        198: 'malformed',
        204: 'pending',
        235: 'rate-limited',
      },
    });
    assert.equal(classifySubmit({ status: 502, headers: {}, body: '<html>' }).kind, 'unavailable');
    assert.equal(classifySubmit({ status: 200, headers: {}, body: '{}' }).kind, 'unavailable');
    assert.equal(classifySubmit({ status: 400, headers: {}, body: 'bad' }).kind, 'unavailable');
  });

  it('failures in the contract’s codes', () => {
    const code = (n: number): string => {
      const answer = classifySubmit(recorded(n));
      assert.equal(answer.kind, 'failed');
      const result = decodeResult((answer as { resultXdr: string }).resultXdr);
      return explainFailure(result!).code;
    };
    assert.deepEqual([171, 174, 175, 183].map(code), [
      'insufficient-balance',
      'no-route-found',
      'slippage-exceeded',
      'transaction-failed',
    ]);
  });
});
