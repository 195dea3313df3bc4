import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openState } from '../../../connector/state.ts';
import { lookAtChannels } from '../../../connector/transactions/channel-funds.ts';
import { createRecords, transactionsSchema } from '../../../connector/transactions/records.ts';

const NOW = 1_800_000_000_000;
const DAY = 86_400_000;

describe('connector/transactions/channel-funds', () => {
  it('tells what each channel has left, and which one cannot pay another day like the last', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'channels-'));
    const state = openState(folder, [transactionsSchema]);
    const records = createRecords(state, () => NOW);
    const signed = (hash: string, source: string, fee: bigint, ago: number): void =>
      records.add(
        {
          ...{ hash, envelopeXdr: 'AAAA', bumpXdr: undefined, source, sequence: 1n, fee, maxTime: 1 },
          ...{ deletions: false, operations: 1, signedAt: NOW - ago },
        },
        [],
      );
    signed('a', 'busy', 30_000_000n, 1_000);
    signed('b', 'busy', 30_000_000n, DAY - 1_000);
    signed('c', 'quiet', 90_000_000n, DAY + 1_000);
    // 6 XLM and a reserve of 1.
    const account = {
      ...{ sequence: 1n, subentries: 0, sponsoring: 0, sponsored: 0, poolShares: [] },
      balances: [
        {
          ...{ asset: 'native', balance: 60_000_000n, sellingLiabilities: 0n, buyingLiabilities: 0n },
          ...{ limit: undefined, authorized: true },
        },
      ],
    };
    const told: string[] = [];
    await lookAtChannels(
      {
        ...{ channels: ['busy', 'quiet', 'gone', 'unread'], state, now: () => NOW },
        ledger: {
          head: async () => ({ sequence: 1, closedAt: NOW, baseFee: 100n, baseReserve: 5_000_000n }),
          account: async (id) => {
            if (id === 'unread') throw new Error('no answer');
            return id === 'gone' ? undefined : account;
          },
        },
        measured: (channel, left) => told.push(`${channel} has ${left}`),
        low: (channel, left, need) => told.push(`${channel} is low: ${left} of ${need}`),
        failed: (channel, reason) => told.push(`${channel}: ${reason}`),
      },
      new AbortController().signal,
    );
    state.close();
    rmSync(folder, { recursive: true });
    assert.deepEqual(told, [
      'busy has 50000000',
      'busy is low: 50000000 of 60000000',
      'quiet has 50000000',
      'gone has 0',
      'gone is low: 0 of 1000000',
      'unread: no answer',
    ]);
  });
});
